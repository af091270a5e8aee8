"""An example of every differentiable function and of every search, small, for what holds for all of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from kernels import octree_calls as calls

import ocnn_tf_ops as ops

DEPTH = 3
CHANNELS = 4


class Example(NamedTuple):
    """run(*features, *statistics) -> one tensor of features, differentiable in all of them."""

    name: str
    run: Callable
    features: tuple[np.ndarray, ...]  # float32
    statistics: tuple[np.ndarray, ...] = ()  # float32 beside half features


def cloud() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """xyz, normals, row_splits of three shapes."""
    return calls.random_points(3, (40, 1, 25))


def searches() -> dict[str, Callable]:
    """Functions of no arguments, whose results (all tensors) carry no gradient."""
    xyz, normals, row_splits = cloud()
    keys = ops.octree_build(xyz, normals, row_splits, DEPTH).keys[DEPTH]
    voxels, labels = ((xyz + 1) * 2 ** (DEPTH - 1)).astype(np.int32), (xyz[:, 0] > 0).astype(np.int32)
    return {
        "octree_build": lambda: ops.octree_build(xyz, normals, row_splits, DEPTH, features=xyz[:, :2]),
        "octree_build without normals": lambda: ops.octree_build(xyz, None, row_splits, DEPTH, full_depth=1),
        "octree_interpolation_table": lambda: ops.octree_interpolation_table(xyz, row_splits, keys, DEPTH),
        "farthest_points": lambda: ops.farthest_points(xyz, row_splits, 5),
        "ball_query": lambda: ops.ball_query(xyz, row_splits, normals, row_splits, 0.6, 4),
        "radius_components": lambda: ops.radius_components(xyz, labels, row_splits, 0.6, 4, 2),
        "sparse_voxels": lambda: ops.sparse_voxels(voxels, row_splits, DEPTH, 3, xyz),
        "nearest_neighbors": lambda: ops.nearest_neighbors(xyz, row_splits, normals, row_splits, 3, "l1"),
        "three_neighbors": lambda: ops.three_neighbors(xyz, row_splits, normals, row_splits),
    }


def examples() -> list[Example]:
    """Every differentiable function of the package."""
    return [*_octree_examples(), *_dense_examples(), *_point_examples()]


def _octree_examples():
    xyz, normals, row_splits = cloud()
    octree = ops.octree_build(xyz, normals, row_splits, DEPTH)
    rows, coarse_rows = len(octree.keys[DEPTH]), len(octree.keys[DEPTH - 1])
    neighbors, parent = octree.neighbors[DEPTH], octree.children[DEPTH - 1]
    table = ops.octree_interpolation_table(xyz, row_splits, octree.keys[DEPTH], DEPTH)
    x, coarse = values(0, rows, CHANNELS), values(1, coarse_rows, CHANNELS)
    groups = values(2, rows // 8, CHANNELS)
    w27, w8 = values(3, 27, CHANNELS, 5) / 8, values(4, 8, CHANNELS, 5) / 4
    mask = ops.octree_max_pool(x, parent)[1]
    yield Example("octree_conv", lambda x, w: ops.octree_conv(x, w, neighbors), (x, w27))
    yield Example("octree_downsample_conv", lambda x, w: ops.octree_downsample_conv(x, w, parent), (x, w8))
    yield Example("octree_upsample_conv", lambda x, w: ops.octree_upsample_conv(x, w, parent), (coarse, w8))
    siblings = tf.reshape(tf.range(rows), [-1, 8])
    sibling_of = tf.where(tf.range(8) == tf.range(rows)[:, None] % 8, tf.range(rows)[:, None] // 8, -1)
    yield Example("gather_conv", lambda x, w: ops.gather_conv(x, w, siblings, sibling_of), (x, w8))
    yield Example("gather_rows once", lambda x: ops.gather_rows(x, parent, once=True), (groups,))
    yield Example("octree_depad", lambda x: ops.octree_depad(x, parent, rows // 8), (coarse,))
    yield Example("octree_max_pool", lambda x: ops.octree_max_pool(x, parent)[0], (x,))
    yield Example("octree_max_unpool", lambda x: ops.octree_max_unpool(x, mask, parent), (coarse,))
    yield Example("weighted_gather", lambda x: ops.weighted_gather(x, *table), (x,))


def _dense_examples():
    x = values(5, 70, CHANNELS)
    gamma, beta, mean = values(7, CHANNELS), values(8, CHANNELS), values(9, CHANNELS)
    variance = mean**2 + 0.5

    def normalize_batch(x, shortcut, gamma, beta):
        return ops.normalize(x, gamma, beta, *ops.moments(x), 1e-3, 0.2, shortcut, batch_statistics=True)

    def normalize(x, gamma, beta):
        return ops.normalize(x, gamma, beta, mean, variance, 1e-3)

    yield Example("normalize with batch statistics", normalize_batch, (x, values(11, 70, CHANNELS)), (gamma, beta))
    yield Example("normalize", normalize, (x,), (gamma, beta))


def _point_examples():
    xyz, normals, row_splits = cloud()
    index, weight = ops.three_neighbors(xyz, row_splits, normals, row_splits)
    x = values(12, len(xyz), CHANNELS)
    yield Example("gather_rows", lambda x: ops.gather_rows(x, index), (x,))
    yield Example("sum_rows", lambda x: ops.sum_rows(x, index[:, 0], len(xyz)), (values(13, len(xyz), CHANNELS),))
    yield Example("neighbor_max", lambda x: ops.neighbor_max(x, index), (x,))
    yield Example("weighted_gather of few", lambda x: ops.weighted_gather(x, index, weight), (x,))


def values(seed: int, *shape: int) -> np.ndarray:
    """Normally distributed; exact in all types, so that a rounded input is not what makes results differ."""
    drawn = np.random.default_rng(seed).normal(size=shape)
    return (np.round(drawn * 32) / 32).astype(np.float32)


def arguments(example: Example, dtype: tf.DType) -> list[tf.Tensor]:
    """Its features in `dtype`, its statistics in the type that goes with it."""
    wide = tf.float64 if dtype == tf.float64 else tf.float32
    return [tf.cast(x, dtype) for x in example.features] + [tf.cast(x, wide) for x in example.statistics]


def with_gradients(example: Example, dtype: tf.DType) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """The result for features of `dtype`, and the gradient of a weighted sum of it in each argument."""
    return gradients_at(example, arguments(example, dtype))


def gradients_at(example: Example, at: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
    with tf.GradientTape() as tape:
        tape.watch(at)
        y = example.run(*at)
        weights = tf.cos(tf.cast(tf.range(tf.size(y)), tf.float32))
        total = tf.reduce_sum(tf.reshape(tf.cast(y, tf.float32), [-1]) * weights)
    return y, tape.gradient(total, at)
