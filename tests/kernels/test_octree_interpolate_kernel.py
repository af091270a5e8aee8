"""Interpolation tables, interpolation, and its adjoint."""

import numpy as np
import pytest
from kernels import octree_calls as calls
from kernels import octree_example as example

from ocnn_tf_ops.python import reference
from ocnn_tf_ops.python.kernel_library import thread_executor


def example_octree():
    return calls.build(example.XYZ[:3], None, example.ROW_SPLITS[:2], example.DEPTH)


def test_worked_example():
    keys = example_octree().keys[3]
    index, weight = calls.interpolation_table(example.XYZ[:3], example.ROW_SPLITS[:2], keys, 3)
    np.testing.assert_allclose(calls.interpolate(example.X, index, weight)[:, 0], example.INTERPOLATED, rtol=1e-6)
    np.testing.assert_allclose(dict(zip(index[2], weight[2]))[13], 0.49, rtol=1e-5)
    assert sorted(index[2]) == [-1] * 4 + [8, 9, 12, 13]


def test_worked_example_wrapped():
    keys = example_octree().keys[3]
    index, weight = calls.interpolation_table(example.XYZ[:1], np.array([0, 1], np.int32), keys, 3, "wrap")
    np.testing.assert_allclose(calls.interpolate(example.X, index, weight), [[example.INTERPOLATED_A_WRAP]], rtol=1e-6)


@pytest.mark.parametrize("edge_mode", calls.EDGE_MODES)
@pytest.mark.parametrize("depth", [1, 2, 4, 6, 16])
def test_tables_equal_reference(depth, edge_mode):
    xyz, _, row_splits = calls.random_points(depth, (900, 1, 250))
    xyz[:6] = [[1, 1, 1], [-1, -1, -1], [1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, 0]]
    keys = calls.build(xyz, None, row_splits, depth).keys[depth] if depth > 1 else np.arange(24) % 8
    if depth == 1:
        keys = keys + (np.arange(24) // 8 << 48)
    index, weight = calls.interpolation_table(xyz, row_splits, keys, depth, edge_mode, thread_executor(2))
    expected, expected_weight = reference.octree_interpolation_table(xyz, row_splits, keys, depth, edge_mode)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(weight, expected_weight, atol=1e-6)
    np.testing.assert_allclose(weight.sum(axis=1), 1, rtol=1e-5)


def test_linear_functions_are_reproduced_inside():
    """Trilinear interpolation of a linear function is exact where all eight corners exist."""
    depth, side = 3, 8
    keys = np.arange(side**3, dtype=np.int64)
    voxel, _ = reference.decode(keys, depth)
    centers = (voxel + 0.5) / 2 ** (depth - 1) - 1
    coefficients = np.array([[0.3], [-2.0], [1.1]])
    xyz = np.random.default_rng(0).uniform(-0.87, 0.87, (200, 3)).astype(np.float32)
    index, weight = calls.interpolation_table(xyz, np.array([0, 200], np.int32), keys, depth)
    np.testing.assert_allclose(calls.interpolate(centers @ coefficients, index, weight), xyz @ coefficients, atol=1e-5)


def test_points_beyond_the_box_are_moved_to_its_face():
    keys = np.arange(8, dtype=np.int64)
    splits = np.array([0, 2], np.int32)
    beyond = calls.interpolation_table(np.array([[1.5, 0.2, 0.2], [-9, 0.2, -1.1]], np.float32), splits, keys, 1)
    on_face = calls.interpolation_table(np.array([[1, 0.2, 0.2], [-1, 0.2, -1]], np.float32), splits, keys, 1)
    np.testing.assert_array_equal(beyond[0], on_face[0])
    np.testing.assert_array_equal(beyond[1], on_face[1])


def test_point_far_from_every_octant_gets_zero():
    octree = example_octree()
    xyz, splits = np.array([[0.9, -0.9, 0.9]], np.float32), np.array([0, 1], np.int32)
    index, weight = calls.interpolation_table(xyz, splits, octree.keys[3], 3)
    assert (index == -1).all() and (weight == 0).all()
    np.testing.assert_array_equal(calls.interpolate(example.X, index, weight), [[0]])


def test_shape_without_octants_or_points():
    keys = np.arange(8, dtype=np.int64)  # of shape 0 alone
    xyz = np.zeros((2, 3), np.float32)
    index, _ = calls.interpolation_table(xyz, np.array([0, 0, 2], np.int32), keys, 1)
    assert (index == -1).all()
    index, _ = calls.interpolation_table(xyz[:0], np.array([0, 0], np.int32), keys[:0], 1)
    assert index.shape == (0, 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_is_the_adjoint_and_independent_of_threads(dtype):
    xyz, _, row_splits = calls.random_points(0, (1500, 700))
    keys = calls.build(xyz, None, row_splits, 4).keys[4]
    index, weight = calls.interpolation_table(xyz, row_splits, keys, 4)
    rng = np.random.default_rng(1)
    x, grad = rng.normal(size=(len(keys), 5)).astype(dtype), rng.normal(size=(len(xyz), 5)).astype(dtype)
    grad_x = calls.interpolate_grad(grad, index, weight, len(keys))
    left = np.sum(calls.interpolate(x, index, weight, thread_executor(2)) * grad, dtype=np.float64)
    np.testing.assert_allclose(left, np.sum(x * grad_x, dtype=np.float64), rtol=1e-3)
    for threads in (2, 5):
        again = calls.interpolate_grad(grad, index, weight, len(keys), thread_executor(threads))
        np.testing.assert_array_equal(grad_x, again)


@pytest.mark.parametrize("bad", [-2, 8])
def test_index_out_of_range(bad):
    index, weight = np.full((1, 8), bad, np.int32), np.ones((1, 8))
    with pytest.raises(ValueError, match="out of range"):
        calls.interpolate(np.zeros((8, 2)), index, weight)
    with pytest.raises(ValueError, match="out of range"):
        calls.interpolate_grad(np.zeros((1, 2)), index, weight, 8)


def test_malformed_tables():
    xyz, splits, keys = example.XYZ, example.ROW_SPLITS, np.arange(8, dtype=np.int64)
    for arguments in [(xyz, splits, keys, 0), (xyz, splits, keys, 17), (xyz, splits, keys[:7], 1)]:
        with pytest.raises(ValueError, match="out of range"):
            calls.interpolation_table(*arguments)
    for wrong in ([0, 6], [0, 3, 2, 5], [1, 5]):
        with pytest.raises(ValueError, match="out of range"):
            calls.interpolation_table(xyz, np.array(wrong, np.int32), keys, 1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        calls.interpolation_table(xyz * np.float32(np.nan), splits, keys, 1)
