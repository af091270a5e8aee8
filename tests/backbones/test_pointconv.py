"""PointConv against JSNet's published graph; its parameters; odd sizes of blocks."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from heads.test_embedding_head import assign_output, assign_unit

from instance_seg.backbones.pointconv import PointConvNet
from instance_seg.backbones.pointconv_layers import (
    Decoding,
    Encoding,
    SharedNorm,
    density,
    inverse_density,
    neighborhood,
)
from instance_seg.backbones.pointnet2 import PointLevel
from instance_seg.structures import Points
from ocnn_tf_ops import three_neighbors

SMALL = {"num_points": (24, 16, 8, 4), "num_samples": 6, "width_factor": 0.1}


@pytest.fixture(scope="module")
def stored():
    with np.load(Path(__file__).parents[1] / "golden" / "s3dis_modules.npz") as file:
        return {name: file[name][0] if file[name].ndim == 4 else file[name] for name in file.files}


def whole(x):
    return tf.constant([0, len(x)])


def test_density_as_published(stored):
    xyz = tf.constant(stored["enc_xyz"][0])
    found = density(xyz, whole(xyz), 0.2, 0.1)
    np.testing.assert_allclose(found, stored["enc_density"][0, :, 0], rtol=1e-5)
    index = stored["enc_knn"][0]
    np.testing.assert_allclose(inverse_density(found, index), stored["enc_scale_in"][..., 0], rtol=1e-5)


def test_encoding_as_published(stored):
    xyz, features = (tf.constant(stored[name][0]) for name in ("enc_xyz", "enc_feature"))
    layer = Encoding(40, 0.2, 16, [7, 6, 9])
    level = PointLevel(xyz, features, whole(xyz))
    layer(level)
    units = {"conv0": layer.mlp.units[0], "conv1": layer.mlp.units[1], "weight_net/wconv0": layer.kernel}
    for name, unit in (units | {"density_net/nonlinear0": layer.density_hidden}).items():
        assign_unit(unit, stored, f"enc/{name}")
    assign_output(layer.density_scale, stored, "enc/density_net/nonlinear1")
    stored["enc/after_conv/weights"] = stored["enc/after_conv/weights"].reshape(1, 6 * 32, 9)
    assign_unit(layer.unit, stored, "enc/after_conv")
    found = layer(level)
    np.testing.assert_array_equal(found.xyz, stored["enc_new_xyz"][0])
    np.testing.assert_allclose(found.features, stored["enc_out"][0], atol=1e-5)
    near = neighborhood(xyz, whole(xyz), found.xyz, whole(found.xyz), 16)
    np.testing.assert_array_equal(np.sort(near.index, axis=1), np.sort(stored["enc_knn"][0], axis=1))


@pytest.fixture(scope="module")
def decoding(stored):
    fine, coarse, skip, features = (
        tf.constant(stored[f"dec_{name}"][0]) for name in ("fine", "coarse", "skip", "coarse_feature")
    )
    table = three_neighbors(coarse, whole(coarse), fine, whole(fine))
    inputs = features, table, neighborhood(fine, whole(fine), fine, whole(fine), 16), skip
    layer = Decoding([8, 7])
    layer(*inputs)
    assign_unit(layer.hidden, stored, "dec/decode_weight_net/wconv0")
    assign_output(layer.pooling.kernel, stored, "dec/decode_weight_net/wconv1")
    norm, name = layer.pooling.norm, "dec/fp_sumpool"
    layer.pooling.bias.assign(stored[f"{name}/biases"])
    for variable, value in ((norm.gamma, "gamma"), (norm.beta, "beta")):
        variable.assign(stored[f"{name}/{value}"])
    norm.moving_mean.assign([stored[f"{name}/mean"]])
    norm.moving_variance.assign([stored[f"{name}/var"]])
    for i, unit in enumerate(layer.mlp.units):
        assign_unit(unit, stored, f"dec/conv_{i}")
    return layer, inputs


def test_decoding_as_published(stored, decoding):
    layer, inputs = decoding
    np.testing.assert_allclose(layer(*inputs), stored["dec_out"][0], atol=1e-5)


def test_decoding_as_published_in_training(stored, decoding):
    layer, inputs = decoding
    np.testing.assert_allclose(layer(*inputs, training=True), stored["dec_train_out"][0], atol=2e-5)


def test_shared_statistics_have_a_gradient():
    """Against differences, in the direction of a random matrix."""
    rng = np.random.default_rng(0)
    x, along, weight = (rng.normal(size=(7, 3)) for _ in range(3))
    layer = SharedNorm("linear")
    layer(tf.constant(x, tf.float32))

    def value(x):
        return tf.reduce_sum(layer(tf.cast(x, tf.float32), training=True) * np.float32(weight))

    variable = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        y = value(variable)
    slope = float(tf.reduce_sum(tape.gradient(y, variable) * np.float32(along)))
    assert slope == pytest.approx(float(value(x + 1e-2 * along) - value(x - 1e-2 * along)) / 2e-2, rel=1e-2)
    assert layer.moving_mean.shape == (1,) and float(layer.moving_mean[0]) != 0


def blocks(*counts, seed=0):
    rng = np.random.default_rng(seed)
    xyz = tf.constant(rng.uniform(-0.5, 0.5, (sum(counts), 3)), tf.float32)
    features = tf.constant(rng.uniform(0, 1, (sum(counts), 6)), tf.float32)
    return Points(xyz, features, tf.constant(np.cumsum([0, *counts]), tf.int32))


def units(*widths):
    return sum(i * o + 2 * o for i, o in zip(widths, widths[1:]))


def encoding(before, c):
    return units(before + 3, c, c) + units(3, 32) + units(1, 16) + 17 + units(32 * c, 2 * c)


def pooling(channels):
    return units(3, 32) + 33 * channels + 3 * channels


def test_parameters_at_full_size():
    """By hand: a unit is in * out + 2 out; the kernel of a decoding, its bias, and beta, gamma, bias of its norm."""
    net = PointConvNet()
    assert [x.shape for x in net(blocks(50))] == [(50, 256)] * 2
    encoder = units(9, 32, 32, 64) + encoding(64, 64) + encoding(128, 128) + encoding(256, 256)
    decoder = pooling(515) + units(515 + 256, 512, 512) + pooling(515) + units(515 + 128, 256, 256)
    decoder += pooling(259) + units(259 + 64, 256, 128) + units(128 + 6, 128, 128, 128)
    assert sum(int(np.prod(v.shape)) for v in net.trainable_variables) == encoder + 2 * decoder


def test_blocks_do_not_meet_and_may_be_small():
    net, both = PointConvNet(**SMALL), blocks(40, 3)
    together = net(both)
    alone = net(Points(both.xyz[40:], both.features[40:], tf.constant([0, 3])))
    for x, y in zip(together, alone, strict=True):
        assert x.shape == (43, 26)
        np.testing.assert_allclose(x[40:], y, atol=1e-5)


def test_widths_that_do_not_halve():
    """128 f rounds to 26, 256 f to 51: what is added to 26 and 26 features has 52."""
    assert [x.shape for x in PointConvNet(**SMALL | {"width_factor": 0.2})(blocks(40))] == [(40, 52)] * 2


def test_every_weight_learns_and_decoders_are_apart():
    net, points = PointConvNet(**SMALL), blocks(40, 30)
    net(points)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(points, training=True)[0] ** 2)
    gradients = dict(zip([v.path for v in net.trainable_variables], tape.gradient(loss, net.trainable_variables)))
    assert len(gradients) == len(net.trainable_variables)
    other = ("decoder1", "propagation1")
    assert all((g is None) == any(name in path for name in other) for path, g in gradients.items())
