"""Random octrees and numerical derivatives for the tests of the ops."""

import numpy as np
import pytest
import tensorflow as tf
from kernels import octree_calls as calls

import ocnn_tf_ops as ops


def random_octree(seed: int, sizes: tuple[int, ...], depth: int, full_depth: int = 2):
    """xyz, row_splits, and the octree of random points."""
    xyz, normals, row_splits = calls.random_points(seed, sizes)
    return xyz, row_splits, ops.octree_build(xyz, normals, row_splits, depth, full_depth)


def full_octree(depth: int, num_shapes: int = 1):
    """An octree whose layers hold every octant, with a point in each; and the octant of raster cell (b, x, y, z)."""
    side = 2**depth
    axis = (np.arange(side) + 0.5) / 2 ** (depth - 1) - 1
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32)
    xyz = np.tile(grid, (num_shapes, 1))
    octree = ops.octree_build(xyz, None, np.arange(num_shapes + 1, dtype=np.int32) * side**3, depth, 1)
    return octree, [raster_of(d, num_shapes) for d in range(depth + 1)]


def raster_of(depth: int, num_shapes: int) -> np.ndarray:
    """[B, side, side, side]: the octant of every raster cell of a full layer, by counting bits the slow way."""
    side = 2**depth
    octant = np.zeros((num_shapes, side, side, side), int)
    for b, x, y, z in np.ndindex(octant.shape):
        bits = (format(v, f"0{depth + 1}b") for v in (x, y, z))
        octant[b, x, y, z] = int("".join(i + j + k for i, j, k in zip(*bits)), 2) + b * side**3
    return octant


def normal(seed: int, *shape: int, dtype=np.float64) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def check_gradient(function, *arguments: tf.Tensor) -> None:
    """Compares the gradients with float64 numerical Jacobians."""
    theoretical, numerical = tf.test.compute_gradient(function, arguments)
    for got, want in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def reads_data(change: dict, message: str):
    """Parameters of a test for malformed input: this one is refused where data is read, on the CPU."""
    return pytest.param(change, message, marks=pytest.mark.reads_data)
