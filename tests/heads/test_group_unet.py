"""Grids of groups: PointGroup's own numbers, groups without extent, and what a cloud's draws depend on."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups
from instance_seg.heads.group_unet import draws_of_clouds, group_grids

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "voxelize.npz"


@pytest.fixture(scope="module")
def published():
    with np.load(GOLDEN) as stored:
        return {name: stored[name] for name in stored.files if name.startswith("cl")}


def test_grids_are_those_of_the_published_program(published):
    groups = Groups(published["cl_idx"][:, 1], published["cl_off"])
    count = len(published["cl14_scale"])
    draws = tf.tile(published["cl_rand1"][None], [count, 1])
    grids = group_grids(tf.constant(published["cl_coords"]), groups, draws, 14, 50.0)
    np.testing.assert_allclose(grids.scale, published["cl14_scale"], rtol=1e-5)
    np.testing.assert_allclose(grids.shift, published["cl14_shift"], atol=1e-3)  # sums in another order
    voxels = published["cl14_voxels"][published["cl14_p2v"]]
    np.testing.assert_array_equal(voxels[:, 0], groups.of_entry())
    assert (grids.voxels.numpy() == voxels[:, 1:]).all(axis=1).mean() == 1


def test_a_group_without_extent_takes_one_cell():
    grids = group_grids(
        tf.ones([3, 3]), Groups(tf.constant([0, 2]), tf.constant([0, 2])), tf.ones([1, 3]) * 0.5, 14, 50.0
    )
    np.testing.assert_allclose(grids.scale, [50.0])
    np.testing.assert_array_equal(grids.voxels, [[6, 6, 6]] * 2)


def test_no_groups_have_no_cells():
    grids = group_grids(tf.ones([3, 3]), NO_GROUPS, tf.zeros([0, 3]), 14, 50.0)
    assert grids.voxels.shape == (0, 3) and grids.scale.shape == (0,)


def test_draws_of_a_cloud_do_not_depend_on_its_batch():
    xyz = tf.constant(np.random.default_rng(0).normal(size=(7, 3)), tf.float32)
    both = draws_of_clouds(xyz, tf.constant([0, 3, 7]), 5)
    np.testing.assert_array_equal(both[1:], draws_of_clouds(xyz[3:], tf.constant([0, 4]), 5))
    assert len(np.unique(both)) == 6
    assert not np.isin(draws_of_clouds(xyz[3:], tf.constant([0, 4]), 6), both).any()
    assert not np.isin(draws_of_clouds(xyz[3:] * 1.001, tf.constant([0, 4]), 5), both).any()
