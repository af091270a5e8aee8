"""The kernels that turn points into octrees, against the hand-made example and the NumPy reference."""

import numpy as np
import pytest
from kernels import octree_calls as calls
from kernels import octree_example as example

from ocnn_tf_ops.python import reference
from ocnn_tf_ops.python.kernel_library import thread_executor


def test_worked_example():
    octree = calls.build(example.XYZ, example.NORMALS, example.ROW_SPLITS, example.DEPTH)
    assert [len(k) for k in octree.keys] == [2, 16, 128, 32]
    np.testing.assert_array_equal(octree.keys[3], example.KEYS_3)
    np.testing.assert_array_equal(octree.children[1], np.arange(16))
    np.testing.assert_array_equal(octree.children[2], example.dense(example.CHILDREN_2, 128, -1))
    np.testing.assert_array_equal(octree.children[3], example.dense(example.CHILDREN_3, 32, -1))
    np.testing.assert_allclose(octree.features, example.dense(example.FEATURES, 32, 0), atol=1e-6)


def test_worked_example_without_normals():
    octree = calls.build(example.XYZ[:3], None, example.ROW_SPLITS[:2], example.DEPTH)
    np.testing.assert_allclose(octree.features, example.dense(example.FEATURES_WITHOUT_NORMALS, 16, 0), atol=1e-6)


def test_counts_of_the_example():
    sorted_keys, order = calls.sort_points(example.XYZ[:3], example.ROW_SPLITS[:2], 3)
    np.testing.assert_array_equal(sorted_keys, [0, 0, 413])
    np.testing.assert_array_equal(order, [0, 1, 2])
    num_nodes, num_nonempty = calls.count(sorted_keys, 1, 3, 2)
    np.testing.assert_array_equal(num_nodes, [1, 8, 64, 16])
    np.testing.assert_array_equal(num_nonempty, [1, 8, 2, 2])


@pytest.mark.parametrize("depth,full_depth", [(1, 0), (1, 1), (2, 2), (3, 0), (4, 2), (4, 4), (6, 2), (9, 3), (16, 2)])
def test_random_batches_equal_reference(depth, full_depth):
    xyz, normals, row_splits = calls.random_points(depth, (400, 1, 37), spread=1.1)
    extra = np.random.default_rng(1).normal(size=(len(xyz), 3)).astype(np.float32)
    octree = calls.build(xyz, normals, row_splits, depth, full_depth, extra, thread_executor(3))
    expected = reference.octree_build(xyz, normals, row_splits, depth, full_depth, extra)
    for field in ("keys", "children", "neighbors"):
        for d, (got, want) in enumerate(zip(getattr(octree, field), getattr(expected, field))):
            np.testing.assert_array_equal(got, want, err_msg=f"{field} at depth {d}")
    np.testing.assert_allclose(octree.features, expected.features, rtol=1e-4, atol=1e-4)


def test_threads_do_not_change_a_bit():
    xyz, normals, row_splits = calls.random_points(3, (9000, 4000))
    serial = calls.build(xyz, normals, row_splits, 5)
    parallel = calls.build(xyz, normals, row_splits, 5, stream=thread_executor(4))
    np.testing.assert_array_equal(serial.features, parallel.features)
    np.testing.assert_array_equal(serial.keys[5], parallel.keys[5])
    np.testing.assert_array_equal(serial.neighbors[5], parallel.neighbors[5])


def test_one_point_at_depth_16():
    xyz, splits = np.array([[0.3, -0.2, 0.9]], np.float32), np.array([0, 1], np.int32)
    octree = calls.build(xyz, None, splits, 16)
    assert [len(k) for k in octree.keys[2:]] == [64] + [8] * 14
    voxel = np.floor((xyz.astype(np.float64) + 1) * 2**15).astype(int)
    assert reference.encode(voxel, [0], 16)[0] in octree.keys[16]
    assert (octree.children[16] >= 0).sum() == 1


def test_points_beyond_the_box_count_to_its_outermost_octants():
    inside = np.array([[0.999, 0.999, 0.999], [-0.999, 0.1, 0.1]], np.float32)
    outside = np.array([[1.0, 1.5, 7.0], [-3.0, 0.1, 0.1]], np.float32)
    splits = np.array([0, 2], np.int32)
    np.testing.assert_array_equal(
        calls.build(inside, None, splits, 5).keys[5], calls.build(outside, None, splits, 5).keys[5]
    )


def test_upper_face_has_positive_displacement():
    octree = calls.build(np.ones((1, 3), np.float32), None, np.array([0, 1], np.int32), 4)
    np.testing.assert_allclose(octree.features[-1], [0.5, 0.5, 0.5, 1.1547])


def test_opposite_normals_give_the_first_one():
    xyz = np.full((2, 3), 0.1, np.float32)
    normals = np.array([[0, 0, 1], [0, 0, -1]], np.float32)
    octree = calls.build(xyz, normals, np.array([0, 2], np.int32), 3)
    np.testing.assert_array_equal(octree.features[octree.children[3] >= 0][0, :3], [0, 0, 1])


@pytest.mark.parametrize("depth,full_depth", [(0, 0), (17, 2), (3, 4), (3, -1)])
def test_depth_out_of_range(depth, full_depth):
    with pytest.raises(ValueError, match="out of range"):
        sorted_keys, _ = calls.sort_points(example.XYZ, example.ROW_SPLITS, depth)
        calls.count(sorted_keys, 2, depth, full_depth)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_points_that_are_not_finite(value):
    xyz = example.XYZ.copy()
    xyz[3, 1] = value
    with pytest.raises(ValueError, match="NaN or infinity"):
        calls.sort_points(xyz, example.ROW_SPLITS, 3)


def test_normals_that_are_not_finite():
    normals = example.NORMALS.copy()
    normals[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        calls.build(example.XYZ, normals, example.ROW_SPLITS, 3)


@pytest.mark.parametrize("row_splits", [[0, 0, 5], [0, 5, 5], [0]])
def test_shape_without_points(row_splits):
    with pytest.raises(ValueError, match="without a single point"):
        calls.sort_points(example.XYZ, np.array(row_splits, np.int32), 3)


@pytest.mark.parametrize("row_splits", [[0, 3, 4], [1, 5], [0, 4, 2, 5], [0, 6]])
def test_row_splits_that_do_not_fit(row_splits):
    with pytest.raises(ValueError, match="out of range"):
        calls.sort_points(example.XYZ, np.array(row_splits, np.int32), 3)


def test_workspace_too_small():
    with pytest.raises(ValueError, match="out of range"):
        calls.sort_points(example.XYZ, example.ROW_SPLITS, 3, workspace_bytes=8)


def test_more_octants_than_indices():
    sorted_keys, _ = calls.sort_points(example.XYZ, example.ROW_SPLITS, 11)
    with pytest.raises(ValueError, match="out of range"):
        calls.count(sorted_keys, 2, 11, 11)
