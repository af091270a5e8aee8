"""Ops with half-precision arguments: the arithmetic of float32, results and gradients in the type of the arguments."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import normal, random_octree

import ocnn_tf_ops as ops

_, _, OCTREE = random_octree(0, (40, 30), 3)
NEIGHBORS, CHILDREN = OCTREE.neighbors[3], OCTREE.children[2]
ROWS, PARENTS, NONEMPTY = len(NEIGHBORS), len(CHILDREN), int(tf.reduce_sum(tf.cast(CHILDREN >= 0, tf.int32)))
INDEX = tf.constant(np.random.default_rng(1).integers(-1, ROWS, (9, 8)), tf.int32)
WEIGHT = tf.constant(np.random.default_rng(2).uniform(size=(9, 8)), tf.float32)
STATISTICS = tf.constant([0.5, -0.5, 0.1]), tf.constant([1.0, 2.0, 3.0])

CASES = {
    "conv": (lambda x, w: ops.octree_conv(x, w, NEIGHBORS), [(ROWS, 3), (27, 3, 5)]),
    "downsample": (lambda x, w: ops.octree_downsample_conv(x, w, CHILDREN), [(ROWS, 3), (8, 3, 5)]),
    "upsample": (lambda x, w: ops.octree_upsample_conv(x, w, CHILDREN), [(PARENTS, 3), (8, 3, 5)]),
    "gather_rows once": (lambda x: ops.gather_rows(x, CHILDREN, once=True), [(NONEMPTY, 3)]),
    "depad": (lambda x: ops.octree_depad(x, CHILDREN), [(PARENTS, 3)]),
    "max_pool": (lambda x: ops.octree_max_pool(x, CHILDREN)[0], [(ROWS, 3)]),
    "weighted_gather": (lambda x: ops.weighted_gather(x, INDEX, WEIGHT), [(ROWS, 3)]),
    "weighted_gather of three": (lambda x: ops.weighted_gather(x, INDEX[:, :3], WEIGHT[:, :3]), [(ROWS, 3)]),
    "gather_rows": (lambda x: ops.gather_rows(x, INDEX), [(ROWS, 3)]),
    "neighbor_max": (lambda x: ops.neighbor_max(x, INDEX), [(ROWS, 3)]),
    "normalize": (
        lambda x, shortcut: ops.normalize(x, tf.ones(3), tf.zeros(3), *STATISTICS, 1e-3, 0.1, shortcut),
        [(7, 3), (7, 3)],
    ),
}


@pytest.mark.parametrize("half", [tf.float16, tf.bfloat16], ids=lambda t: t.name)
@pytest.mark.parametrize("name", CASES)
def test_half_arguments_give_half_results_and_gradients(name, half):
    function, shapes = CASES[name]
    arguments = [tf.cast(normal(i, *shape), half) for i, shape in enumerate(shapes)]
    exact = [tf.cast(x, tf.float32) for x in arguments]
    got, gradients = _value_and_gradients(function, arguments)
    want, want_gradients = _value_and_gradients(function, exact)
    eps = 2.0**-10 if half == tf.float16 else 2.0**-7
    for a, b in zip([got, *gradients], [want, *want_gradients], strict=True):
        assert (a.dtype, b.dtype) == (half, tf.float32)
        np.testing.assert_allclose(tf.cast(a, tf.float32), b, rtol=2 * eps, atol=2 * eps)


def _value_and_gradients(function, arguments):
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
    factors = tf.cast(tf.reshape(tf.range(tf.size(y)) % 3 - 1, tf.shape(y)), y.dtype)  # exact in every type
    return y, tape.gradient(y, arguments, factors)


def test_moments_of_half_rows_are_float32():
    x = tf.cast(normal(3, 4000, 2) + 20.0, tf.float16)  # their sum is beyond float16's range
    mean, variance = ops.moments(x)
    assert mean.dtype == variance.dtype == tf.float32
    np.testing.assert_allclose(mean, x.numpy().astype(np.float64).mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, x.numpy().astype(np.float64).var(0), rtol=1e-4)


def test_neighbors_among_half_features():
    x, splits = tf.cast(normal(4, 12, 5), tf.bfloat16), [0, 12]
    index, distance = ops.nearest_neighbors(x, splits, x, splits, 3)
    want = ops.nearest_neighbors(tf.cast(x, tf.float32), splits, tf.cast(x, tf.float32), splits, 3)
    np.testing.assert_array_equal(index, want[0])
    np.testing.assert_array_equal(distance, want[1])


def test_float64_stays_float64():
    assert ops.octree_conv(normal(0, ROWS, 3), normal(1, 27, 3, 2), NEIGHBORS).dtype == tf.float64
