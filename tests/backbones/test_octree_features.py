"""What of the points the octree backbone sees: normals where there are some, other features, a cube of any size."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.backbones.octree_unet import OctreeUNet
from instance_seg.structures import Points

RNG = np.random.default_rng(0)
XYZ = RNG.uniform(-0.9, 0.9, (50, 3)).astype(np.float32)
COLORS = RNG.uniform(-1, -0.5, (50, 3)).astype(np.float32)


def tables(xyz, features, **settings):
    points = Points(tf.constant(xyz), tf.constant(features), tf.constant([0, len(xyz)]))
    return OctreeUNet(depth=4, channels=(4, 4), **settings).tables(points, points)


@pytest.mark.parametrize(("directions", "columns"), [(0, [4, 5, 6]), (1, [])])
def test_features_that_are_no_normals_are_averaged(directions, columns):
    octree = tables(XYZ, COLORS, directions=directions).octree
    assert octree.features.shape[1] == 4 + len(columns)
    if columns:
        found = octree.features.numpy()[:, columns]
        occupied = found[(found != 0).any(axis=1)]
        assert len(occupied) and (occupied <= -0.5).all() and (occupied >= -1).all()  # neither normed nor made positive


def test_a_cloud_in_meters_is_one_in_the_cube():
    small, large = tables(XYZ, COLORS), tables(8 * XYZ, COLORS, half_edge=8.0)
    for first, second in zip(tf.nest.flatten(small), tf.nest.flatten(large)):
        np.testing.assert_array_equal(first, second)


def test_the_absolute_value_is_of_normal_and_displacement_alone():
    octree = tables(XYZ, COLORS, directions=0).octree
    flipped = octree._replace(features=octree.features * [-1, -1, -1, 1, 1, 1, 1])
    recolored = octree._replace(features=octree.features * [1, 1, 1, 1, -1, -1, -1])
    network = OctreeUNet(depth=4, channels=(4, 4), directions=0)
    plain, same, other = (network(each)[0].numpy() for each in (octree, flipped, recolored))
    np.testing.assert_array_equal(plain, same)
    assert np.abs(plain - other).max() > 1e-4
