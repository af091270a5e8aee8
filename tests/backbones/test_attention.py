"""Attention among voxels: against NumPy, cloud by cloud; clouds without voxels; where the U-Net has it."""

import numpy as np
import tensorflow as tf

from instance_seg.backbones.attention import HEADS, WIDTH, VoxelAttention
from instance_seg.backbones.sparse_unet import SparseUNet
from instance_seg.structures import Points


def example(counts=(3, 0, 5), channels=6):
    rng = np.random.default_rng(0)
    x, places = rng.normal(size=(sum(counts), channels)), rng.integers(0, 9, (sum(counts), 3))
    splits = np.cumsum([0, *counts])
    return tf.constant(x, tf.float32), tf.constant(places, tf.int32), tf.constant(splits, tf.int32)


def made(channels=6, **kwargs):
    """With weights that are nowhere 0 or 1."""
    layer = VoxelAttention(channels, **kwargs)
    layer(*example(channels=channels))
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(variable.numpy() + rng.uniform(-0.2, 0.2, variable.shape))
    return layer


def reference(layer, x, places):
    """One cloud, head by head, in float64."""

    def linear(of, y):
        return y @ np.float64(of.kernel.numpy()) + of.bias.numpy()

    def norm(of, y):
        return of.alpha.numpy() * (y - y.mean(1, keepdims=True)) / (y.std(1, ddof=1, keepdims=True) + 1e-6) + of.bias

    y = linear(layer.inner, x) + linear(layer.position, places - places.mean(0))
    for block in layer.blocks:
        z, found = norm(block.norms[0], y), []
        for head in np.split(np.arange(WIDTH), HEADS):
            q, k, v = (linear(of, z)[:, head] for of in (block.query, block.key, block.value))
            weights = np.exp(q @ k.T / np.sqrt(32))
            found.append(weights / weights.sum(1, keepdims=True) @ v)
        y = y + linear(block.merge, np.concatenate(found, axis=1))
        y = y + linear(block.output_layer, np.maximum(linear(block.hidden, norm(block.norms[1], y)), 0))
    return linear(layer.outer, norm(layer.norm, y))


def test_each_cloud_attends_to_itself_as_in_numpy():
    layer, (x, places, splits) = made(), example()
    found = layer(x, places, splits)
    for begin, end in ((0, 3), (3, 8)):
        want = reference(layer, x.numpy()[begin:end].astype(float), places.numpy()[begin:end])
        np.testing.assert_allclose(found[begin:end], want, atol=2e-5)


def test_dropout_is_of_the_training_alone():
    layer, inputs = made(), example()
    np.testing.assert_array_equal(layer(*inputs), layer(*inputs))
    assert not np.allclose(layer(*inputs, training=True), layer(*inputs), atol=1e-3)


def test_no_voxel_at_all_and_voxels_that_are_all_alike():
    layer = made()
    nothing = layer(tf.zeros([0, 6]), tf.zeros([0, 3], tf.int32), tf.constant([0, 0]))
    assert nothing.shape == (0, 6)
    for variable in layer.trainable_variables:
        variable.assign(tf.zeros_like(variable))  # every row has the deviation 0
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(*example(), training=True))
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables], unconnected_gradients="zero")
    assert gradients and all(np.isfinite(g).all() for g in gradients)


def test_the_two_coarsest_levels_have_as_many_parameters_as_published():
    """Of DyCo3D's state dict: before_transformer_linear, transformer, after_transformer_linear at widths 96 and 112."""
    rng = np.random.default_rng(0)
    xyz = rng.uniform(-1, 1, (9, 3)).astype(np.float32)
    points = Points(xyz, xyz, np.int32([0, 9]))
    counts = []
    for attended in (0, 2):
        net = SparseUNet(attention_levels=attended)
        (found,) = net.at_points(points, net.tables(points, points))
        assert found.shape == (9, 16)
        counts.append(sum(int(np.prod(v.shape)) for v in net.trainable_variables))
    assert counts[1] - counts[0] == 8_110_552 - 7_722_760
    assert list(net.decoders[0].attention) == [5, 6]
