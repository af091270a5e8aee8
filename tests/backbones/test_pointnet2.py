"""PointNet++ against an evaluation in NumPy, shape by shape; its parameters; odd sizes of shapes."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.backbones.pointnet2 import Mlp, PointLevel, PointNet2, SetAbstraction
from instance_seg.layers import EPSILON
from instance_seg.presets import load_config
from instance_seg.structures import Points
from ocnn_tf_ops.python import points_reference as reference


def cloud(counts, seed=0):
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-0.7, 0.7, (sum(counts), 3)).astype(np.float32)
    normals = (xyz / np.linalg.norm(xyz, axis=1, keepdims=True)).astype(np.float32)
    return Points(tf.constant(xyz), tf.constant(normals), tf.constant(np.cumsum([0, *counts]), tf.int32))


def small(**more):
    settings = dict(num_points=(12, 5), num_samples=6, width_factor=0.1, num_decoders=2, name="net") | more
    return PointNet2(**settings)


def mlp(layer, x):
    """Units in inference mode with fresh statistics: mean 0, variance 1."""
    for unit in layer.units:
        x = np.maximum(x @ np.asarray(unit.linear.kernel) / np.sqrt(1 + EPSILON), 0)
    return x


def abstraction(layer, xyz, features):
    whole, num_points, radius, num_samples = [0, len(xyz)], layer.num_points, layer.radius, layer.num_samples
    centers = xyz[reference.farthest_points(xyz, whole, num_points)]
    index, _ = reference.ball_query(xyz, whole, centers, [0, num_points], radius, num_samples)
    grouped = np.concatenate([xyz[index] - centers[:, None], features[index]], axis=2)
    return centers, mlp(layer.mlp, grouped).max(axis=1)


def interpolated(x, coarse, fine):
    table = reference.three_neighbors(coarse, [0, len(coarse)], fine, [0, len(fine)])
    return reference.weighted_gather(x, *table)


def one_shape(net, xyz, features):
    levels = [(xyz, features)]
    for layer in net.abstractions:
        levels.append(abstraction(layer, *levels[-1]))
    skips = [np.concatenate([xyz, features], axis=1) if net.inputs.startswith("xyz") else features]
    skips += [f for _, f in levels[1:]]
    for mlps in net.decoders:
        mlps, x = list(mlps), levels[-1][1]
        if net.summary is not None:
            whole = mlp(net.summary, np.concatenate(levels[-1], axis=1)).max(axis=0)
            x = mlp(mlps.pop(0), np.concatenate([np.tile(whole, (len(x), 1)), x], axis=1))
        for k in range(len(levels) - 1, 0, -1):
            x = interpolated(x, levels[k][0], levels[k - 1][0])
            x = mlp(mlps.pop(0), np.concatenate([x, skips[k - 1]], axis=1))
        yield x


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"inputs": "xyz_features"},
        {"num_points": (12, 8, 6, 5), "radii": (0.2, 0.3, 0.4, 0.5), "channels": (32, 64, 128, 256), "summary": False,
         "inputs": "features"},
    ],
    ids=["partnet", "normals", "asis"],
)  # fmt: skip
def test_equals_numpy_shape_by_shape(more):
    net, points = small(**more), cloud((40, 25))
    got = net(points, training=False)
    inputs = {"xyz": [points.xyz], "xyz_features": [points.xyz, points.features], "features": [points.features]}
    features = np.concatenate(inputs[net.inputs], axis=1)
    for first, last in ((0, 40), (40, 65)):
        for x, want in zip(got, one_shape(net, points.xyz.numpy()[first:last], features[first:last]), strict=True):
            np.testing.assert_allclose(x[first:last], want, atol=1e-5)


def test_parameters_at_full_size():
    """By hand, a unit being in * out + 2 out: abstractions, summary, and three propagations a decoder."""
    net = PointNet2()
    outputs = net(cloud((30,)))
    assert [x.shape for x in outputs] == [(30, 128)] * 2
    encoder = 13_184 + 66_944 + 725_248
    decoder = 394_240 + 131_840 + 50_688
    assert sum(int(np.prod(v.shape)) for v in net.trainable_variables) == encoder + 2 * decoder


def test_parameters_of_asis_at_full_size():
    """The same of four abstractions (3 + 6, 3 + 64, 3 + 128, 3 + 256 inputs) and four propagations a decoder."""
    settings = load_config("paper", {"system": "embedding", "data_set": "s3dis"}).network.backbone_settings
    net = PointNet2.from_settings(settings)
    points = cloud((30,))
    net(points._replace(features=tf.concat([points.features] * 2, axis=1)))

    def units(*widths):
        return sum(i * o + 2 * o for i, o in zip(widths, widths[1:]))

    encoder = units(9, 32, 32, 64) + units(67, 64, 64, 128) + units(131, 128, 128, 256) + units(259, 256, 256, 512)
    decoder = units(768, 256, 256) + units(384, 256, 256) + units(320, 256, 128) + units(134, 128, 128, 128)
    assert sum(int(np.prod(v.shape)) for v in net.trainable_variables) == encoder + 2 * decoder == 1_540_960


def test_shapes_with_fewer_points_than_are_sampled():
    outputs = small()(cloud((1, 3, 20)), training=True)
    assert len(outputs) == 2 and all(x.shape[0] == 24 and np.isfinite(x).all() for x in outputs)


def test_every_weight_learns_and_decoders_are_apart():
    net, points = small(), cloud((40, 25))
    net(points)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(net(points, training=True)[0] ** 2)
    gradients = dict(zip([v.path for v in net.trainable_variables], tape.gradient(loss, net.trainable_variables)))
    assert gradients and all((g is None) == ("decoder1" in path) for path, g in gradients.items())


def test_paths_of_variables_are_unique():
    net = small()
    net(cloud((20,)))
    paths = [v.path for v in net.variables]
    assert len(paths) == len(set(paths))


def test_static_shapes_in_a_graph():
    spec = Points(tf.TensorSpec([None, 3]), tf.TensorSpec([None, 3]), tf.TensorSpec([3], tf.int32))
    net = small()
    net(cloud((20, 20)))
    outputs = tf.function(net, input_signature=[spec]).get_concrete_function().structured_outputs
    assert [x.shape.as_list() for x in outputs] == [[None, 13]] * 2


def test_an_abstraction_describes_points_by_their_ball():
    layer = SetAbstraction(1, 0.5, 4, Mlp([3]))
    near = tf.constant([[0.0, 0, 0], [0.1, 0, 0], [3, 0, 0]])
    moved = tf.constant([[0.0, 0, 0], [0.1, 0, 0], [0, 5, 0]])  # the far point moves, out of the ball still
    splits = tf.constant([0, 3])
    a, b = (layer(PointLevel(x, tf.ones([3, 2]), splits)) for x in (near, moved))
    np.testing.assert_array_equal(a.features, b.features)
    np.testing.assert_array_equal(a.row_splits, [0, 1])
