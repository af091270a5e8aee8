"""Regions of a batch: which points and instances they have, and the gradient that the offsets get through them."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.losses.modes import LOSSES
from instance_seg.losses.regions import NUM_INSTANCES, NUM_POINTS, regions_of
from instance_seg.structures import Labels, Level, LevelReadout, Points

LEVEL = Level(1, "all", ("other", "wall", "wheel", "seat"), 1, (2, 3))


def made(semantic, instance, sizes, found=None, dtype=np.float32):
    """Points with random offsets, all of whose classes are found, unless `found` says others."""
    rng, n = np.random.default_rng(0), len(semantic)
    xyz, *offsets = (rng.normal(size=(n, 3)).astype(dtype) for _ in range(3))
    semantic, instance = np.int32(semantic), np.int32(instance)
    readout = LevelReadout(semantic if found is None else np.int32(found), *offsets, np.zeros(n, np.float32))
    return readout, Labels(semantic, instance), Points(xyz, xyz, np.cumsum([0, *sizes]).astype(np.int32))


def test_regions_are_of_one_cloud_and_class_that_has_instances_there():
    readout, labels, points = made([2, 2, 3, 1, 2, 3], [0, 1, 2, 3, 0, -1], (4, 2))
    regions = regions_of(readout, labels, points, LEVEL)
    assert regions.thing.numpy().tolist() == [0, 1, 0]  # the seat of the second cloud is in no instance
    center = points.xyz + readout.instance_offset
    for valid, found, rows in zip(regions.valid, regions.center, ([0, 1], [2], [4]), strict=True):
        assert sorted(found[valid].numpy().tolist()) == sorted(center[rows].tolist())
    assert sorted(regions.instance[0][regions.valid[0]].numpy().tolist()) == [0, 1]


def test_a_large_region_is_sampled_and_its_largest_instances_have_the_first_numbers():
    sizes = np.arange(1, 41)  # of instances
    instance = np.repeat(np.arange(40), sizes)
    regions = regions_of(*made(np.full(820, 2), instance, (820,)), LEVEL)
    assert regions.valid.shape == (1, NUM_POINTS) and regions.valid.numpy().all()
    ids = regions.instance[0].numpy()
    assert ids.min() == -1 and ids.max() == NUM_INSTANCES - 1
    same = np.linalg.norm(regions.center[0][:, None] - regions.center[0], axis=2) == 0
    assert same.sum() == NUM_POINTS  # no point twice
    assert np.count_nonzero(ids < 0) == pytest.approx(NUM_POINTS * sizes[:28].sum() / 820, abs=25)


def test_points_of_another_true_class_are_of_no_instance_and_regions_without_any_are_left_out():
    regions = regions_of(*made([2, 2, 3, 3], [0, 1, 2, 2], (4,), found=[2, 3, 2, 0]), LEVEL)
    assert regions.thing.numpy().tolist() == [0]
    assert sorted(regions.instance[0][regions.valid[0]].numpy().tolist()) == [-1, 0]
    for semantic, instance in (([0, 1], [-1, -1]), ([2, 3], [-1, -1])):
        assert len(regions_of(*made(semantic, instance, (2,)), LEVEL).thing) == 0


@pytest.mark.parametrize("name", LOSSES)
def test_offsets_get_the_gradient_of_the_loss_through_the_push_as_well(name):
    """In float64, along a random direction."""
    readout, labels, points = made(np.repeat([2, 3], 30), np.repeat(np.arange(4), 15), (60,), dtype=np.float64)

    def value(instance_offset, region_offset):
        changed = readout._replace(instance_offset=instance_offset, region_offset=region_offset)
        regions = regions_of(changed, labels, points, LEVEL)
        x = regions.center + 0.3 * regions.direction
        s = tf.constant([0.5, 0.8], tf.float64)
        return tf.reduce_sum(LOSSES[name](x, regions.instance, regions.valid, s, NUM_INSTANCES))

    offsets = [tf.Variable(readout.instance_offset), tf.Variable(readout.region_offset)]
    with tf.GradientTape() as tape:
        result = value(*offsets)
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(result, offsets)]
    rng = np.random.default_rng(1)
    for place, gradient in enumerate(gradients):
        along = rng.normal(size=gradient.shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = [tf.convert_to_tensor(x) for x in offsets]
            moved[place] += step * along
            ends.append(float(value(*moved)))
        assert np.abs(gradient).max() > 1e-4
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((gradient * along).sum(), rel=1e-4)


def test_a_push_without_direction_has_a_finite_gradient():
    readout, labels, points = made([2, 2], [0, 1], (2,))
    offset = tf.Variable(readout.instance_offset)
    with tf.GradientTape() as tape:
        regions = regions_of(readout._replace(instance_offset=offset, region_offset=offset), labels, points, LEVEL)
        total = tf.reduce_sum(regions.direction * regions.center)
    assert not regions.direction.numpy().any()
    assert np.isfinite(tf.convert_to_tensor(tape.gradient(total, offset))).all()
