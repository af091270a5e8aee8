"""Readings across classes: votes, limits and the file that keeps them."""

import numpy as np
import pytest

from instance_seg.clustering.across import (
    FILE_NAME,
    Across,
    chosen_reading,
    classes_by_vote,
    limit_of,
    read_across,
    write_limits,
)
from instance_seg.clustering.by_class import ByClass, ClassValues
from instance_seg.clustering.config import ClusterConfig
from instance_seg.structures import Level, Task

TASK = Task(
    "made up",
    "",
    (
        Level(1, "coarse", ("other", "a"), 1, (1,)),
        Level(2, "middle", ("other", "a"), 1, (1,), scored=False),
        Level(3, "fine", ("other", "a", "b"), 1, (1, 2)),
    ),
)


def test_instances_get_the_class_of_the_largest_sum_of_probabilities():
    ids = np.array([2, 0, 2, 2, 0])  # 1 is of no point
    probabilities = np.float32([[0.4, 0.6, 0], [0.1, 0.2, 0.7], [0.9, 0, 0.1], [0.4, 0.6, 0], [0, 0.9, 0.1]])
    np.testing.assert_array_equal(classes_by_vote(ids, probabilities), [0, 1, 0, 0, 1])
    assert classes_by_vote(np.zeros(0, int), np.zeros((0, 3))).shape == (0,)


def test_limits_are_a_fifth_above_the_largest_entropy_of_the_validation_clouds(tmp_path):
    own, calibrated = ClusterConfig(), ClusterConfig(bandwidth=0.07)
    readings = {"": own, "calibrated": calibrated}
    assert read_across(tmp_path, TASK, readings) == {}
    entropies = {"coarse": [0.1, 0.05, 0.2] * 33, "fine": [0.5] * 99}  # one more of 99 is beyond them in a hundredth
    write_limits(tmp_path, TASK, entropies, 0.3)
    assert read_across(tmp_path, TASK, readings)["auto"].within == own
    write_limits(tmp_path, TASK, entropies, 0.3, "calibrated")
    found = read_across(tmp_path, TASK, readings)
    assert found["across classes"] == Across(calibrated, 0.3)
    assert found["auto"] == Across(calibrated, 0.3, (("coarse", 0.24), ("fine", 0.6)))
    asked = [("coarse", 0.25), ("coarse", 0.23), ("fine", 0.25)]
    assert [found["auto"].is_unlike(*of) for of in asked] == [True, False, False]
    assert found["across classes"].is_unlike("coarse", 9.0) is None
    write_limits(tmp_path, TASK, {name: [1.5e-5] * 99 for name in entropies}, 0.3)  # of a network that is very sure
    assert read_across(tmp_path, TASK, readings)["auto"].limits == (("coarse", 1.8e-5), ("fine", 1.8e-5))


def test_a_limit_of_few_clouds_is_that_of_a_further_draw():
    t = 2.9979515668685277  # of 7 degrees of freedom, 99 %
    few = np.exp(np.array([-2.0, -1, -2, -1, -2, -1, -2, -1]))
    bound = np.exp(-1.5 + t * np.sqrt(2 / 7 * 9 / 8))  # of mean -1.5 and variance 2 / 7
    assert limit_of(few, 10**9) == pytest.approx(bound, rel=1e-6)
    assert limit_of(few, 3) == pytest.approx(np.log(3))  # which no entropy passes
    assert limit_of([0.5] * 8, 50) == pytest.approx(0.6)  # which do not differ
    assert limit_of([0.5], 50) == pytest.approx(np.log(50)) and limit_of([0.0, 0.5], 2) == pytest.approx(np.log(2))


@pytest.mark.parametrize("count", [8, 20, 40])
def test_few_validation_clouds_take_hardly_any_like_them_for_unlike(count):
    draws = np.exp(np.random.default_rng(0).normal(-1.5, 0.7, (400, count + 60)))
    shares = {True: [], False: []}
    for entropies in draws:
        known, others = entropies[:count], entropies[count:]
        shares[True].append(np.mean(others > limit_of(known, 10**9)))
        shares[False].append(np.mean(others > 1.2 * known.max()))
    assert np.mean(shares[True]) < 0.0125 and (count > 8 or np.mean(shares[False]) > 0.04)


OWN = {"bandwidth": 0.3, "clustering": "sklearn"}
RUN = ClusterConfig(bandwidth=0.3, clustering="sklearn")  # with what is given
BY_CLASS = ByClass.of(RUN, [ClassValues("coarse", "a", 0.2, 0.0)])
READINGS = {
    "own": RUN,
    "calibrated": BY_CLASS,
    "across classes": Across(BY_CLASS, 0.2),
    "auto": Across(BY_CLASS, 0.2, (("coarse", 0.24),)),
}


@pytest.mark.parametrize(
    ("name", "given", "want"),
    [
        ("", {}, READINGS["auto"]),
        ("", {"clustering": "sklearn"}, READINGS["auto"]),
        ("", OWN, RUN),
        ("within", OWN, RUN),
        ("own", OWN, RUN),
        ("calibrated", {}, BY_CLASS),
        ("across", {}, READINGS["across classes"]),
        ("across", OWN, Across(BY_CLASS, 0.3)),
    ],
)
def test_a_value_that_is_given_counts(name, given, want):
    assert chosen_reading(READINGS, name, given) == want


@pytest.mark.parametrize(
    ("name", "flag"),
    [("calibrated", "bandwidth"), ("auto", "bandwidth"), ("across", "semantic_center_offset")],
)
def test_a_value_that_would_not_count_is_refused(name, flag):
    given = {"bandwidth": 0.3, "semantic_center_offset": 0.05}
    with pytest.raises(ValueError, match=f"--{flag}: the reading .* does without it; leave out one of the two"):
        chosen_reading(READINGS, name, given)


def test_what_is_recorded():
    assert Across(ClusterConfig(), 0.2).recorded() == {"bandwidth": 0.2, "across_classes": True}
    recorded = Across(ClusterConfig(bandwidth=0.07), 0.2, (("coarse", 0.24),)).recorded()
    assert recorded["bandwidth"] == 0.07
    assert (recorded["across_bandwidth"], recorded["entropy_limit_coarse"]) == (0.2, 0.24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("coarse,0.2,0.2,\n", "want a limit of 0 or more for each of coarse, fine"),
        ("coarse,0.2,0.2,\nmiddle,0.2,0.2,\n", "for each of coarse, fine"),
        ("coarse,0.2,0.2,\nfine,-1,0.2,\n", "want a limit of 0 or more"),
        ("coarse,0.2,0.2,\nfine,nan,0.2,\n", "want a limit of 0 or more"),
        ("coarse,high,0.2,\nfine,0.2,0.2,\n", "could not convert string to float"),
        ("coarse,0.2,0,\nfine,0.2,0,\n", "bandwidth=0.0: want a number"),
        ("coarse,0.2,0.2,mine\nfine,0.2,0.2,mine\n", "there is no reading 'mine'"),
    ],
)
def test_another_file_is_refused(tmp_path, text, message):
    for content in ("level,limit,bandwidth,within\n" + text, "", "level,border\ncoarse,0.2\n"):
        (tmp_path / FILE_NAME).write_text(content)
        with pytest.raises(ValueError, match=message if text in content and text else "entropy.csv: ") as error:
            read_across(tmp_path, TASK, {"": ClusterConfig()})
        assert str(error.value).endswith("; calibrate the run again")
