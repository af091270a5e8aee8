"""HAIS: phases, fragments in training and evaluation, masks, class sizes, which points of proposals are kept."""

import numpy as np
import pytest
import tensorflow as tf
from systems.small_rooms import batch_of, blobs, gradients, only_class, small
from systems.small_systems import both, run

from instance_seg.clustering.components import Groups
from instance_seg.structures import Cloud, Labels, Points
from instance_seg.systems.hais import Hais, Readout
from instance_seg.systems.proposal_settings import HaisReading, HaisSettings

SIZES = {"class_points": (20.0, 20.0), "class_radius": (0.4, 0.4), "filter_iter": 5, "group_min_points": 1}


def hais(**settings):
    return small(Hais, HaisSettings, **SIZES | settings)


def test_phases():
    network, points = hais(), blobs(0)
    assert [network.phase(step) for step in (0, 2, 3, 4, 5)] == ["prepare"] * 2 + ["proposals"] * 2 + ["filtered"]
    only_class(network, points, 2)
    tables = network.tables(points, points)
    found = {p: network(points, tables, phase=p)[0] for p in ("prepare", "proposals", "filtered", "")}
    assert found["prepare"].scores.shape == (0,)
    for name in ("proposals", "filtered", ""):
        np.testing.assert_array_equal(found[name].groups.row_splits, [0, 20, 40, 60])  # of the shifted points alone
        counted = found[name].masks.numpy() > 0 if name == "filtered" else np.ones(60, bool)
        np.testing.assert_array_equal(found[name].counted, counted)


def test_fragments_are_absorbed_in_evaluation_alone():
    network, points = hais(class_points=(20.0, 100.0)), blobs(0)
    only_class(network, points, 2)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 5, 0])
    near = tf.concat([points.xyz[:20], points.xyz[20:23] - [0.2, 0.15, 0.0]], axis=0)  # 0.3 from the first blob
    some = Points(near, points.features[:23], tf.constant([0, 23]))
    tables = network.tables(some, some)
    (trained,), (evaluated,) = network(some, tables, phase="proposals"), network(some, tables)
    np.testing.assert_array_equal(trained.groups.row_splits, [0, 3, 23])
    np.testing.assert_array_equal(evaluated.groups.row_splits, [0, 3, 26])
    assert set(evaluated.groups.points.numpy()[-3:]) == {20, 21, 22}


def test_a_training_batch_has_a_limited_number_of_proposals():
    network, points = hais(group_limit=2), blobs(0)
    only_class(network, points, 2)
    tables = network.tables(points, points)
    assert len(network(points, tables, phase="proposals")[0].groups.row_splits) == 3
    assert len(network(points, tables)[0].groups.row_splits) == 4


@pytest.mark.parametrize("phase", ["proposals", "filtered"])
def test_every_weight_learns_once_there_are_proposals(phase):
    points = blobs(1)
    network = hais(fusion="own")
    run(network, points)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 50, 0])
    network.judges[0].mask.bias.assign([1.0])
    terms, found = gradients(network, batch_of(network, points), phase)
    assert set(terms) == {f"level_1/{name}" for name in ("semantic", "norm", "score", "mask")}
    assert all(np.isfinite(value) for value in terms.values()) and terms["level_1/score"] > 0 < terms["level_1/mask"]
    judges = [path for path in found if "judge" in path]
    assert judges and all(np.isfinite(g).all() for g in found.values())
    assert all(np.abs(found[path]).max() > 0 for path in judges)


@pytest.mark.parametrize(("phase", "number"), [("prepare", 2), ("proposals", 0), ("filtered", 1)])
def test_without_a_proposal_masks_and_scores_cost_nothing(phase, number):
    points = blobs(1)
    network = only_class(hais(), points, number)
    terms, found = gradients(network, batch_of(network, points), phase)
    assert terms["level_1/score"] == terms["level_1/mask"] == 0 and terms["level_1/semantic"] > 0
    silent = [path for path in found if "judge" in path]
    assert silent and not any(np.any(found[path]) for path in silent)
    assert all(np.isfinite(g).all() for g in found.values())


def test_a_cloud_does_not_depend_on_its_batch():
    one, other = blobs(2), blobs(3, count=2)
    network = hais(fusion="own")
    run(network, one)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 50, 0])
    (alone,), (together,) = run(network, one), run(network, both(one, other))
    splits, count = together.groups.row_splits.numpy(), len(alone.scores)
    first = together.groups.points.numpy()[splits[:-1]] < 60
    assert 0 < count == first.sum() < len(first)
    np.testing.assert_allclose(together.scores[first], alone.scores, atol=1e-5)


def test_class_sizes_that_are_not_given_are_measured_and_kept_as_weights():
    network = hais(class_points=(), class_radius=())
    xyz = np.float32([[0, 0, 0], [0, 0, 2], [5, 5, 5]])
    cloud = Cloud(xyz, xyz, (Labels(np.array([2, 2, 3]), np.array([4, 4, 0])),), "")
    found = network.calibrate([cloud])
    assert found == {"level_1/class_points": [1, 1, 2, 1], "level_1/class_radius": [1, 1, 1, 0]}
    np.testing.assert_array_equal(network.sizes[0].points, [1, 1, 2, 1])
    assert not {v.path for v in network.sizes[0]} - {v.path for v in network.non_trainable_variables}
    assert hais().calibrate([cloud]) == {}
    np.testing.assert_array_equal(hais().sizes[0].points, [0, 0, 20, 20])


def test_class_sizes_for_other_classes_are_refused():
    with pytest.raises(ValueError, match="class_points has 1 numbers for the 2 classes with instances"):
        hais(class_points=(1.0,))


def readout(semantic, groups, score, masks):
    members = np.concatenate([[], *groups]).astype(np.int32)
    parts = Groups(members, np.cumsum([0, *map(len, groups)]))
    offset = np.zeros((len(semantic), 3), np.float32)
    return (Readout(np.array(semantic, np.int32), offset, parts, np.float32(score), np.float32(masks)),)


def test_proposals_lose_what_is_outside_of_their_masks():
    semantic, groups = [2, 3, 3, 2, 2, 2], [[0, 1, 2], [2, 1], [5, 4, 3]]
    found = hais().segment(
        readout(semantic, groups, [0.5, 0.9, 0.8], [-0.6, 0, 1, -0.5, 3, 0, -0.4, 9]),
        Points(np.ones((6, 3), np.float32), None, np.array([0, 3, 6])),
        HaisReading(proposal_points=2),
    )
    (first,), (second,) = found
    # The first has the class of its first point, which its mask leaves out; the second is left with one point.
    np.testing.assert_array_equal(first.proposals.points, [1, 2])
    np.testing.assert_array_equal(first.proposals.label, [2])
    np.testing.assert_array_equal(second.proposals.points, [2, 1, 0])
    np.testing.assert_array_equal(second.proposals.score, np.float32([0.8]))
