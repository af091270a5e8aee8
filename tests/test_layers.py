"""Batch normalization with TF1's statistics, dense units."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.layers import BatchNorm, Unit, activation_slope


def test_batch_norm_normalizes_biased_and_accumulates_unbiased():
    x = np.random.default_rng(0).normal(3.0, 2.0, (5, 2)).astype(np.float32)
    layer = BatchNorm()
    y = layer(x, training=True)
    np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * x.var(0, ddof=1), rtol=1e-5)


def test_batch_norm_in_inference_uses_and_keeps_the_moving_statistics():
    layer = BatchNorm()
    layer.build((None, 2))
    layer.moving_mean.assign([1.0, 2.0])
    layer.moving_variance.assign([4.0, 9.0])
    y = layer(np.array([[3.0, 5.0]], "f"), training=False)
    np.testing.assert_allclose(y, [[2 / np.sqrt(4.001), 3 / np.sqrt(9.001)]], rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0])


def test_batch_norm_of_no_rows_leaves_the_moving_statistics_alone():
    layer = BatchNorm()
    layer.build((None, 2))
    layer.moving_mean.assign([1.0, 2.0])
    assert layer(np.zeros((0, 2), "f"), training=True).shape == (0, 2)
    np.testing.assert_array_equal(layer.moving_mean, [1.0, 2.0])
    np.testing.assert_array_equal(layer.moving_variance, [1.0, 1.0])


def test_a_unit_with_a_bias_and_the_constants_of_another_program():
    x = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    unit = Unit(2, "relu", use_bias=True, epsilon=1e-4, decay=0.9)
    y = unit(x, training=True)
    z = x @ unit.linear.kernel.numpy() + unit.linear.bias.numpy()
    np.testing.assert_allclose(y, np.maximum((z - z.mean(0)) / np.sqrt(z.var(0) + 1e-4), 0), atol=1e-5)
    np.testing.assert_allclose(unit.norm.moving_mean, 0.1 * z.mean(0), rtol=1e-4)


def test_batch_norm_keeps_the_static_number_of_channels():
    layer = BatchNorm()

    @tf.function(input_signature=[tf.TensorSpec([None, 7])])
    def run(x):
        y = layer(x, training=True)
        assert y.shape[-1] == 7
        return y

    assert run(tf.ones([3, 7])).shape == (3, 7)


def test_gradient_of_batch_norm_against_differences():
    x = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    layer = BatchNorm()
    weights = np.random.default_rng(2).normal(size=(6, 3)).astype(np.float32)

    def loss(x):
        return tf.reduce_sum(layer(x, training=True) * weights)

    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        value = loss(variable)
    gradient = tape.gradient(value, variable).numpy()
    for i, j in [(0, 0), (3, 2), (5, 1)]:
        step = np.zeros_like(x)
        step[i, j] = 1e-2
        assert gradient[i, j] == pytest.approx(float(loss(x + step) - loss(x - step)) / 2e-2, abs=2e-3)


def test_unit_is_linear_norm_activation():
    x = np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)
    unit = Unit(3)
    y = unit(x, training=True).numpy()
    z = x @ unit.linear.kernel.numpy()
    z = (z - z.mean(0)) / np.sqrt(z.var(0) + 1e-3)
    np.testing.assert_allclose(y, np.where(z > 0, z, 0.1 * z), atol=1e-4)


def test_unknown_activation_names_the_known_ones():
    with pytest.raises(ValueError, match="'swish' is unknown.*leaky_relu"):
        activation_slope("swish")
