"""PointGroup: phases, proposals and their scores, no proposal at all, the paper's fusion, which proposals are kept."""

import numpy as np
import pytest
import tensorflow as tf
from systems.small_rooms import batch_of, blobs, gradients, only_class, room, small
from systems.small_systems import both, run

from instance_seg.backbones.settings import SparseUNetSettings
from instance_seg.clustering.components import Groups
from instance_seg.describe import count_parameters
from instance_seg.structures import Points
from instance_seg.systems.hais import Hais
from instance_seg.systems.pointgroup import PointGroup, Readout
from instance_seg.systems.proposal_settings import HaisSettings, PointGroupReading, PointGroupSettings


def pointgroup(**settings):
    return small(PointGroup, PointGroupSettings, **settings)


def test_groups_are_those_of_the_points_and_then_those_of_the_shifted_points():
    points = blobs(0)
    network = only_class(pointgroup(), points, 2)
    (level,) = run(network, points)
    np.testing.assert_array_equal(level.groups.row_splits, 20 * np.arange(7))
    members = level.groups.points.numpy().reshape(6, 20)
    np.testing.assert_array_equal(np.sort(members), np.tile(np.arange(60).reshape(3, 20), [2, 1]))
    assert level.scores.shape == (6,)
    network.offset_heads[0].output_layer.bias.assign([3.0, 0, 0])  # all are shifted alike
    assert len(run(network, points)[0].groups.row_splits) == 7
    offset = tf.constant(np.repeat([[0.0, 0, 0], [-0.5, -0.15, 0], [0, 0, 0]], 20, axis=0), tf.float32)
    joined = network._groups(level.points._replace(offset=offset), points, (2, 3))
    np.testing.assert_array_equal(joined.row_splits, [0, 20, 40, 60, 100, 120])  # the shifted second lies on the first


def test_things_alone_are_grouped():
    network, points = pointgroup(), blobs(0)
    for number, count in ((0, 0), (1, 0), (3, 6)):
        (level,) = run(only_class(network, points, number), points)
        assert len(level.groups.row_splits) == count + 1


@pytest.mark.parametrize(
    ("kind", "settings", "count"),
    [
        (PointGroup, PointGroupSettings(), 7_715_016),
        (
            Hais,
            HaisSettings(backbone_settings=SparseUNetSettings(sparse_channels=tuple(32 * (i + 1) for i in range(7)))),
            30_837_785,
        ),
    ],
)
def test_parameters_are_those_of_the_published_weights(kind, settings, count):
    """Counted in the state dicts of pointgroup_run1_scannet and hais_run1_scannet, without the paper's fusion."""
    points = Points(tf.random.stateless_uniform([9, 3], [0, 1]), tf.zeros([9, 3]), tf.constant([0, 9]))
    network = kind(settings, room(classes=20))
    run(network, points)
    assert count_parameters(network) == count


def test_phases():
    network = pointgroup()
    assert [network.phase(step) for step in (0, 2, 3, 100)] == ["prepare", "prepare", "proposals", "proposals"]
    points = blobs(0)
    only_class(network, points, 2)
    tables = network.tables(points, points)
    assert network(points, tables, phase="prepare")[0].scores.shape == (0,)
    assert network(points, tables, phase="proposals")[0].scores.shape == (6,)


@pytest.mark.parametrize("fusion", ["none", "own"])
def test_every_weight_learns_once_there_are_proposals(fusion):
    points = blobs(1)
    network = pointgroup(fusion=fusion)
    run(network, points)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 50, 0])
    terms, found = gradients(network, batch_of(network, points), "proposals")
    assert set(terms) == {f"level_1/{name}" for name in ("semantic", "norm", "direction", "score")}
    assert all(np.isfinite(value) for value in terms.values()) and terms["level_1/score"] > 0
    judges = [path for path in found if "judge" in path or "score" in path]
    assert judges and all(np.isfinite(g).all() for g in found.values())
    assert all(np.abs(found[path]).max() > 0 for path in judges if not path.endswith("linear/bias"))


@pytest.mark.parametrize(("phase", "number"), [("prepare", 2), ("proposals", 0)])
def test_without_a_proposal_scores_cost_nothing_and_move_nothing(phase, number):
    points = blobs(1)
    network = only_class(pointgroup(), points, number)
    judges = [v for v in network.variables if "judge" in v.path]
    before = [v.numpy() for v in judges]
    terms, found = gradients(network, batch_of(network, points), phase)
    assert terms["level_1/score"] == 0 and terms["level_1/semantic"] > 0
    assert all(np.isfinite(g).all() for g in found.values())
    silent = [path for path in found if "judge" in path or "score" in path]
    assert silent and not any(np.any(found[path]) for path in silent)
    assert judges and all(np.array_equal(a, v.numpy()) for a, v in zip(before, judges))


def test_no_instance_at_all():
    points = blobs(1)
    network = only_class(pointgroup(), points, 2)
    terms, found = gradients(network, batch_of(network, points, instance=np.full(60, -1)), "proposals")
    assert terms["level_1/norm"] == 0 and terms["level_1/direction"] == 0 and terms["level_1/score"] > 0
    assert all(np.isfinite(g).all() for g in found.values())


def test_a_cloud_depends_neither_on_its_batch_nor_on_the_time():
    one, other = blobs(2), blobs(3, count=2)
    network = pointgroup(fusion="own")
    run(network, one)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 50, 0])
    (alone,), (again,) = run(network, one), run(network, one)
    for a, b in zip(tf.nest.flatten(alone), tf.nest.flatten(again), strict=True):
        np.testing.assert_array_equal(a, b)
    (together,) = run(network, both(one, other))
    first = together.groups.points.numpy()[together.groups.row_splits.numpy()[:-1]] < 60
    assert 0 < first.sum() < len(first)
    np.testing.assert_allclose(together.points.offset[:60], alone.points.offset, atol=1e-5)
    np.testing.assert_allclose(together.scores[first], alone.scores, atol=1e-5)


def test_fusion_adds_a_unit_that_sees_the_class_means_and_the_place():
    """[F^, F_ins, p] -> head_width with bias and normalization, in front of the offset."""
    counts = []
    for fusion in ("none", "own"):
        network = pointgroup(fusion=fusion)
        run(network, blobs(0))
        counts.append(count_parameters(network))
    assert counts[1] - counts[0] == (2 * 8 + 3) * 8 + 8 + 2 * 8


def readout(semantic, groups, score):
    splits = np.cumsum([0, *map(len, groups)])
    members = np.concatenate([[], *groups]).astype(np.int32)
    offset = np.zeros((len(semantic), 3), np.float32)
    return (Readout(np.array(semantic, np.int32), offset, Groups(members, splits), np.float32(score)),)


def test_proposals_are_filtered_and_suppressed_in_each_cloud():
    network = pointgroup()
    semantic = [2, 2, 2, 3, 3, 3, 3, 2, 2, 2]
    groups = [[0, 1, 2], [1, 2, 3], [5, 4, 6], [3, 4], [8, 7, 9], [7, 8, 9]]
    found = network.segment(
        readout(semantic, groups, [0.5, 0.9, 0.09, 0.9, 0.4, 0.3]),
        Points(np.ones((10, 3), np.float32), None, np.array([0, 7, 10])),
        PointGroupReading(proposal_score=0.09, proposal_points=2, proposal_overlap=0.3),
    )
    (first,), (second,) = found
    # [0, 1, 2] overlaps the better [1, 2, 3] by a half; [5, 4, 6] scores 0.09, not more; [3, 4] has 2 points, not more.
    np.testing.assert_array_equal(first.proposals.points, [1, 2, 3])
    np.testing.assert_array_equal(first.proposals.label, [2])
    np.testing.assert_array_equal(first.proposals.score, np.float32([0.9]))
    np.testing.assert_array_equal(second.proposals.points, [1, 0, 2])
    assert first.semantic.shape == (7,) and second.shifted.shape == (3, 3)


def test_a_cloud_without_proposals_has_no_instances():
    points = Points(np.ones((3, 3), np.float32), None, np.array([0, 3]))
    ((found,),) = pointgroup().segment(readout([2, 2, 2], [], []), points, PointGroupReading())
    assert len(found.proposals.label) == 0 and list(found.proposals.row_splits) == [0]
