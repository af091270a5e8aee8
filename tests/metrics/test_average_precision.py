import numpy as np
import pytest
from metrics.reference_metrics import reference_ap

from instance_seg.metrics.average_precision import ARITHMETICS, RECALL_LEVELS, average_precision, precision_recall

ABOVE = [35, 41, 47, 57, 69, 70, 82, 83, 94, 95]  # levels that lie a hair above their decimal in float64


@pytest.mark.parametrize(
    "hits, num_gt, expected",
    [
        ([1], 1, 1.0),
        ([1, 0, 1], 3, 0.5544554455),
        ([0, 1], 1, 0.5049504950),
        ([1, 1], 4, 0.5049504950),
        ([0, 0], 2, 0.0099009901),
        ([1, 0, 0, 1, 1], 5, 0.4455445545),
        ([1] * 7, 10, 71 / 101),
        ([], 3, 0.0),
        ([0, 0], 0, 0.0),
    ],
)
def test_hand_computed_lists(hits, num_gt, expected):
    assert average_precision(np.array(hits, bool), num_gt) == pytest.approx(expected, abs=1e-10)


def test_levels_are_those_of_a_float_range():
    assert len(RECALL_LEVELS) == 101
    above = [i for i in range(101) if RECALL_LEVELS[i] > i / 100]
    assert above == ABOVE
    assert not any(RECALL_LEVELS[i] < i / 100 for i in range(101))


def test_seven_hits_of_ten_in_the_arithmetic_of_numpy_2():
    assert average_precision(np.ones(7, bool), 10, "float64") == pytest.approx(0.6930693069, abs=1e-10)


@pytest.mark.parametrize("num_gt", [100, 200, 1000, 10_000])
def test_every_decimal_level_is_reached_by_its_recall_as_published(num_gt):
    for reached in range(1, 101):
        hits = np.ones(reached * num_gt // 100, bool)
        assert average_precision(hits, num_gt) == pytest.approx((reached + 1) / 101, abs=1e-12)
        if len(hits) > 1:  # one hit less stays below the level
            assert average_precision(hits[1:], num_gt) == pytest.approx(reached / 101, abs=1e-12)


@pytest.mark.parametrize("reached", ABOVE)
def test_levels_above_the_decimal_are_not_reached_in_float64(reached):
    assert average_precision(np.ones(reached, bool), 100, "float64") == pytest.approx(reached / 101, abs=1e-12)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_equals_the_plain_implementation_on_random_lists(arithmetic):
    rng = np.random.default_rng(0)
    for _ in range(200):
        hits = rng.random(rng.integers(0, 30)) < rng.random()
        num_gt = max(1, int(hits.sum()) + int(rng.integers(0, 5)))
        expected = reference_ap(hits.tolist(), num_gt, arithmetic)
        assert average_precision(hits, num_gt, arithmetic) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_the_recall_says_in_which_arithmetic_it_is(arithmetic):
    assert precision_recall(np.ones(2, bool), 3, arithmetic)[1].dtype == arithmetic


def test_curve_starts_at_precision_one_and_recall_zero():
    precision, recall = precision_recall(np.array([True, False, True]), 4)
    np.testing.assert_allclose(precision, [1, 1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(recall, [0, 1 / 4, 1 / 4, 2 / 4])
