"""Dense ops in graphs: gradients, static shapes, messages. Their arithmetic is tested with the kernels."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, normal

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference

pytestmark = pytest.mark.usefixtures("device")


@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
def test_moments_and_normalize_equal_reference(slope):
    x, gamma, beta, shortcut = (normal(i, *shape).numpy() for i, shape in enumerate([(40, 3), (3,), (3,), (40, 3)]))
    statistics = reference.moments(x)
    for got, want in zip(ops.moments(x), statistics, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)
    for added in (None, shortcut):
        want = reference.normalize(x, gamma, beta, *statistics, 1e-3, slope, added)
        got = ops.normalize(x, gamma, beta, *statistics, 1e-3, slope, added)
        np.testing.assert_allclose(got, want, atol=1e-6)  # epsilon and slope are float32 to the op


@pytest.mark.parametrize("batch_statistics", [True, False])
def test_gradients_of_normalize(batch_statistics):
    fixed = normal(7, 3), tf.square(normal(8, 3))

    def run(x, gamma, beta, shortcut):
        mean, variance = ops.moments(x) if batch_statistics else fixed
        return ops.normalize(x, gamma, beta, mean, variance, 1e-3, 0.1, shortcut, batch_statistics)

    check_gradient(run, normal(0, 7, 3), normal(1, 3), normal(2, 3), normal(3, 7, 3))


def test_gradients_of_normalize_in_statistics_from_elsewhere():
    def run(x, gamma, beta, mean, variance, shortcut):
        return ops.normalize(x, gamma, beta, mean, 1.0 + tf.square(variance), 1e-3, 0.1, shortcut)

    shapes = [(7, 3), (3,), (3,), (3,), (3,), (7, 3)]
    check_gradient(run, *(normal(i, *shape) for i, shape in enumerate(shapes)))


def test_normalize_leaves_an_input_that_is_needed_as_it_was():
    x = normal(0, 5, 2)
    before = x.numpy().copy()
    ops.normalize(x, tf.ones(2, x.dtype), tf.zeros(2, x.dtype), *ops.moments(x), 1e-3)
    np.testing.assert_array_equal(x, before)


def test_static_shapes():
    @tf.function(input_signature=[tf.TensorSpec([None, 7])])
    def run(y):
        mean, variance = ops.moments(y)
        z = ops.normalize(y, mean, mean, mean, variance, 1e-3)
        assert z.shape.as_list() == [None, 7]
        return z

    assert run(tf.ones([4, 7])).shape == (4, 7)


def test_messages_name_the_sizes():
    with pytest.raises(tf.errors.InvalidArgumentError, match="beta"):
        ops.normalize(tf.ones([2, 3]), tf.ones(3), tf.ones(2), tf.ones(3), tf.ones(3), 1e-3)
