"""Groups of points: PointGroup's clusters, exact to the order, and what belongs to no group."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups, component_groups, join

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "clusters.npz"


@pytest.fixture(scope="module")
def published():
    with np.load(GOLDEN) as stored:
        return {name: stored[name] for name in stored.files}


def groups_of(published, xyz, radius):
    semantic, splits = tf.constant(published["dense_sem"]), tf.constant([0, len(xyz)])
    return component_groups(tf.constant(xyz), semantic, splits, range(2, 20), radius, 1000, 50)


def test_groups_are_those_of_the_published_program_with_a_cap_that_binds(published):
    xyz = published["dense_coords"]
    shifted = xyz + published["dense_offset"]
    found = join([groups_of(published, xyz, 0.03), groups_of(published, shifted, 0.03)])
    np.testing.assert_array_equal(found.row_splits, published["dense_pg_off"])
    np.testing.assert_array_equal(found.points, published["dense_pg_idx"][:, 1])
    np.testing.assert_array_equal(found.of_entry(), published["dense_pg_idx"][:, 0])
    dyco = groups_of(published, shifted, 0.02)
    np.testing.assert_array_equal(dyco.points, published["dense_dyco_idx"][:, 1])


def test_points_of_other_classes_and_small_groups_are_left_out():
    xyz = tf.zeros([7, 3])
    semantic, splits = tf.constant([0, 2, 2, 1, 3, 2, 2]), tf.constant([0, 5, 7])
    found = component_groups(xyz, semantic, splits, (2, 3), 0.1, 10, 2)
    np.testing.assert_array_equal(found.points, [1, 2, 5, 6])
    np.testing.assert_array_equal(found.row_splits, [0, 2, 4])


def test_things_that_nobody_sees():
    found = component_groups(tf.zeros([2, 3]), tf.constant([0, 0]), tf.constant([0, 2]), (1,), 0.1, 10, 1)
    assert found.points.shape == (0,) and list(found.row_splits) == [0]
    empty = component_groups(tf.zeros([0, 3]), tf.zeros([0], tf.int32), tf.constant([0, 0]), (1,), 0.1, 10, 1)
    assert list(join([empty, NO_GROUPS, Groups(tf.constant([4]), tf.constant([0, 1]))]).row_splits) == [0, 1]
