"""What is computed again for its gradient: the same gradients, later; moving statistics that move once."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.sparse_layers import NormConv
from instance_seg.layers import layers_of
from instance_seg.recompute import recomputed


def normal(seed: int, *shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_the_same(compiled):
    x, y, z = normal(0, 5, 3), normal(1, 3), tf.Variable(normal(2, 3, 2))

    def function(x, y):
        return tf.tanh(x * y) @ tf.exp(z)

    def gradients(call):
        with tf.GradientTape() as tape:
            tape.watch([x, y])
            loss = tf.reduce_sum(tf.sin(call(x, y)))
        return [loss, *tape.gradient(loss, [x, y, z])]

    gradients = tf.function(gradients) if compiled else gradients
    again = gradients(lambda *inputs: recomputed(function, *inputs))
    for got, want in zip(again, gradients(function), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_an_input_without_a_gradient_has_none():
    x, y = normal(0, 4), normal(1, 4)
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        z = recomputed(lambda x, y: x * tf.stop_gradient(y), x, y)
    assert [g is None for g in tape.gradient(z, [x, y])] == [False, True]


def needed_by(tensor: tf.Tensor) -> set[str]:
    """The names of all operations that run before a tensor is there."""
    names, waiting = set(), [tensor.op]
    while waiting:
        op = waiting.pop()
        if op.name not in names:
            names.add(op.name)
            waiting += [*(x.op for x in op.inputs), *op.control_inputs]
    return names


def test_nothing_is_computed_again_before_its_gradient_is_there():
    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.cosh(tf.reduce_sum(recomputed(lambda x: tf.sin(tf.tanh(x)), x)))
        return tape.gradient(loss, x)

    graph = gradient.get_concrete_function(tf.TensorSpec([3])).graph
    first, second = (op for op in graph.get_operations() if op.type == "Tanh")
    (arrived,) = (op for op in graph.get_operations() if op.type == "Sinh")  # the derivative of cosh
    assert arrived.name in needed_by(second.outputs[0])
    assert not needed_by(second.outputs[0]) & {first.name} - needed_by(arrived.outputs[0])


@pytest.fixture
def double_precision():
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(usual)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("training", [True, False])
def test_a_convolution_of_normalized_rows_is_that_of_its_parts(training):
    x, table = normal(0, 6, 3), tf.constant(np.random.default_rng(1).integers(-1, 6, (4, 8)), tf.int32)
    adjoint = tf.constant([[np.r_[np.flatnonzero(c == m), -1][0] for c in table.numpy().T] for m in range(6)], tf.int32)
    layer = NormConv(2, 8, name="norm_conv")
    layer(x, table, adjoint)
    norm, conv = layer.norm, layer.conv
    norm.gamma.assign(normal(2, 3))
    norm.beta.assign(normal(3, 3))

    def parts(x, table, adjoint, training):
        return conv(norm(x, training=training), table, adjoint)

    def run(call):
        norm.moving_mean.assign(normal(4, 3))
        norm.moving_variance.assign(tf.square(normal(5, 3)))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x, table, adjoint, training=training)
            loss = tf.reduce_sum(tf.sin(y))
        gradients = tape.gradient(loss, [x, norm.gamma.value, norm.beta.value, conv.kernel.value])
        return [y, *gradients, tf.identity(norm.moving_mean.value), tf.identity(norm.moving_variance.value)]

    for got, want in zip(tf.function(run)(layer), run(parts), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)
    assert [part.path for part in layers_of(layer)] == [f"norm_conv{end}" for end in ("", "/norm", "/conv")]


def test_gradients_of_weights_come_before_those_of_inputs():
    """So that the inputs, which the former need, do not wait for the end of the backward pass."""

    @tf.function
    def gradients(x, weights, table):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = ops.octree_conv(x, weights, table) + ops.gather_conv(x, weights, table, table)
        return tape.gradient(y, [x, weights])

    specs = tf.TensorSpec([None, 2]), tf.TensorSpec([27, 2, 2]), tf.TensorSpec([None, 27], tf.int32)
    concrete = gradients.get_concrete_function(*specs)
    before = needed_by(concrete.structured_outputs[0])
    assert {op.name for op in concrete.graph.get_operations() if op.type.endswith("ConvGradWeights")} <= before
