"""DyCo3D: phases, groups, masks and their losses, no group at all, the paper's fusion, which masks are kept."""

import numpy as np
import pytest
import tensorflow as tf
from systems.small_rooms import batch_of, blobs, gradients, only_class, room, small
from systems.small_systems import both, run

from instance_seg.backbones.settings import SparseUNetSettings
from instance_seg.clustering.components import Groups
from instance_seg.describe import count_parameters
from instance_seg.structures import Points
from instance_seg.systems.dyco3d import DyCo3D, Readout
from instance_seg.systems.proposal_settings import DyCo3DReading, DyCo3DSettings


def dyco3d(**settings):
    return small(DyCo3D, DyCo3DSettings, **settings)


def of_class_2(network, points):
    run(network, points)
    network.semantic_heads[0].output_layer.bias.assign([0.0, 0, 50, 0])
    return network


@pytest.mark.parametrize(("attention_levels", "count"), [(2, 8_110_552), (0, 7_722_760)])
def test_parameters_are_those_of_the_published_weights(attention_levels, count):
    """Counted in the state dict of dyco3d_multigpu_scannet with and without its transformer, without the fusion."""
    points = Points(tf.random.stateless_uniform([9, 3], [0, 1]), tf.zeros([9, 3]), tf.constant([0, 9]))
    backbone = SparseUNetSettings(attention_levels=attention_levels)
    network = DyCo3D(DyCo3DSettings(backbone_settings=backbone), room(classes=20))
    run(network, points)
    assert count_parameters(network) == count


def test_phases_and_groups_of_the_shifted_points():
    network, points = dyco3d(), blobs(0)
    assert [network.phase(step) for step in (0, 2, 3, 100)] == ["prepare", "prepare", "proposals", "proposals"]
    only_class(network, points, 2)
    tables = network.tables(points, points)
    assert network(points, tables, phase="prepare")[0].masks.logits.shape == (0,)
    (level,) = network(points, tables, phase="proposals")
    np.testing.assert_array_equal(level.groups.row_splits, [0, 20, 40, 60])
    np.testing.assert_array_equal(level.label, [2, 2, 2])
    np.testing.assert_array_equal(level.masks.candidates.row_splits, [0, 60, 120, 180])
    network.offset_heads[0].output_layer.bias.assign([3.0, 0, 0])  # all are shifted alike
    assert len(run(network, points)[0].groups.row_splits) == 4


def test_a_training_batch_has_a_limited_number_of_groups():
    network, points = dyco3d(group_limit=2), blobs(0)
    only_class(network, points, 2)
    tables = network.tables(points, points)
    assert network(points, tables, phase="proposals")[0].label.shape == (2,)
    assert network(points, tables)[0].label.shape == (3,)


def test_things_alone_are_grouped_and_in_masks():
    network, points = dyco3d(), blobs(0)
    for number, count in ((0, 0), (1, 0), (3, 3)):
        (level,) = run(only_class(network, points, number), points)
        assert level.label.shape == (count,) and level.masks.logits.shape == (60 * count,)


@pytest.mark.parametrize("fusion", ["none", "own"])
def test_every_weight_learns_once_there_are_groups(fusion):
    points = blobs(1)
    network = of_class_2(dyco3d(fusion=fusion), points)
    terms, found = gradients(network, batch_of(network, points), "proposals")
    assert set(terms) == {f"level_1/{name}" for name in ("semantic", "norm", "direction", "mask", "dice")}
    assert all(np.isfinite(value) for value in terms.values()) and terms["level_1/mask"] > 0 < terms["level_1/dice"]
    masks = [path for path in found if "masks" in path]
    assert masks and all(np.isfinite(g).all() for g in found.values())
    assert all(np.abs(found[path]).max() > 0 for path in masks)


@pytest.mark.parametrize(("phase", "number"), [("prepare", 2), ("proposals", 0)])
def test_without_a_group_masks_cost_nothing_and_move_nothing(phase, number):
    points = blobs(1)
    network = only_class(dyco3d(), points, number)
    terms, found = gradients(network, batch_of(network, points), phase)
    assert terms["level_1/mask"] == terms["level_1/dice"] == 0 and terms["level_1/semantic"] > 0
    silent = [path for path in found if "masks" in path]
    assert silent and not any(np.any(found[path]) for path in silent)
    assert all(np.isfinite(g).all() for g in found.values())


def test_no_instance_at_all():
    points = blobs(1)
    network = of_class_2(dyco3d(), points)
    terms, found = gradients(network, batch_of(network, points, instance=np.full(60, -1)), "proposals")
    assert terms["level_1/norm"] == terms["level_1/dice"] == 0 and terms["level_1/mask"] > 0
    assert all(np.isfinite(g).all() for g in found.values())


def test_a_cloud_depends_neither_on_its_batch_nor_on_the_time():
    one, other = blobs(2), blobs(3, count=2)
    network = of_class_2(dyco3d(fusion="own"), one)
    (alone,), (again,) = run(network, one), run(network, one)
    for a, b in zip(tf.nest.flatten(alone), tf.nest.flatten(again), strict=True):
        np.testing.assert_array_equal(a, b)
    (together,) = run(network, both(one, other))
    count = len(alone.masks.logits)
    assert 0 < count < len(together.masks.logits)
    np.testing.assert_allclose(together.masks.logits[:count], alone.masks.logits, atol=1e-5)


def test_the_readout_has_candidates_of_the_class_of_the_group():
    network, points = of_class_2(dyco3d(), blobs(0)), blobs(0)
    (level,) = run(network, points)
    logits = tf.tensor_scatter_nd_add(level.points.logits, [[7, 3], [59, 3]], [1e3, 1e3])
    (found,) = network.readout([level._replace(points=level.points._replace(logits=logits))])
    others = np.delete(np.arange(60), [7, 59])
    np.testing.assert_array_equal(found.candidates.points, np.tile(others, 3))
    np.testing.assert_array_equal(found.candidates.row_splits, [0, 58, 116, 174])
    np.testing.assert_array_equal(found.masks, level.masks.logits.numpy().reshape(3, 60)[:, others].ravel())


def readout(semantic, candidates, label, masks):
    members = np.concatenate([[], *candidates]).astype(np.int32)
    parts, offset = Groups(members, np.cumsum([0, *map(len, candidates)])), np.zeros((len(semantic), 3), np.float32)
    logits = np.float32(np.concatenate([[], *masks]))
    return (Readout(np.array(semantic, np.int32), offset, parts, np.array(label, np.int32), logits),)


def test_masks_are_filtered_and_suppressed_in_each_cloud():
    network = dyco3d()
    things, other = [0, 1, 2, 3], [5, 6, 7]
    found = network.segment(
        readout(
            semantic=[2, 2, 2, 2, 0, 3, 3, 3],
            candidates=[things, things, things, other],
            label=[2, 2, 2, 3],
            masks=[[1, 1, 1, -1], [9, 9, 9, 9], [9, 9, 0, 0], [2, 0.5, 1]],
        ),
        Points(np.ones((8, 3), np.float32), None, np.array([0, 5, 8])),
        DyCo3DReading(proposal_points=2),
    )
    (first,), (second,) = found
    # The first overlaps the better second by 3/4; the third has two points, since 0 is not more than 0.
    np.testing.assert_array_equal(first.proposals.points, things)
    np.testing.assert_array_equal(first.proposals.label, [2])
    np.testing.assert_array_equal(second.proposals.points, [0, 1, 2])
    p = 1 / (1 + np.exp(-np.array([2, 0.5, 1])))
    np.testing.assert_allclose(second.proposals.score, 1 / (1 + np.exp(-p.mean())), rtol=1e-6)  # squashed twice
    assert first.semantic.shape == (5,) and second.shifted.shape == (3, 3)


def test_a_cloud_without_groups_and_a_mask_without_points_give_no_instance():
    points = Points(np.ones((3, 3), np.float32), None, np.array([0, 3]))
    for given in (readout([2] * 3, [], [], []), readout([2] * 3, [[0, 1]], [2], [[-1, -2]])):
        ((found,),) = dyco3d().segment(given, points, DyCo3DReading(proposal_points=0))
        assert len(found.proposals.label) == 0 and list(found.proposals.row_splits) == [0]
