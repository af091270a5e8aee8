"""The sparse U-Net: the published parameter counts, its voxels, a dense network on a full grid, its initial weights."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.backbones.sparse_layers import EPSILON, SparseConv, SparseDecoder, SparseEncoder
from instance_seg.backbones.sparse_unet import SparseUNet
from instance_seg.initializers import SPCONV
from instance_seg.structures import Points


def cloud(seed: int, sizes: tuple[int, ...], side: float = 1.0) -> Points:
    rng = np.random.default_rng(seed)
    xyz, features = rng.uniform(-side, side, (2, sum(sizes), 3)).astype(np.float32)
    return Points(xyz, features, np.cumsum([0, *sizes], dtype=np.int32))


def trainable(layer) -> int:
    return sum(int(np.prod(v.shape)) for v in layer.trainable_variables)


# Trainable numbers of the authors' models, by the names in their state dicts.
@pytest.mark.parametrize(
    ("width", "num_levels", "input_conv", "unet", "output_layer"),
    [
        (16, 7, 2592, 7529504, 32),  # PointGroup; DyCo3D without its transformer
        (32, 7, 5184, 30101056, 64),  # HAIS
    ],
)
def test_parameters_are_as_many_as_published(width, num_levels, input_conv, unet, output_layer):
    net = SparseUNet(channels=[width * (k + 1) for k in range(num_levels)])
    points = cloud(0, (5,))
    net.at_points(points, net.tables(points, points))
    assert trainable(net.stem) == input_conv
    assert trainable(net.encoder) + trainable(net.decoders[0]) == unet
    assert trainable(net.norms[0]) == output_layer
    assert trainable(net) == input_conv + unet + output_layer


@pytest.mark.parametrize(("width", "published"), [(16, 182144), (32, 727296)])
def test_two_levels_are_those_of_the_published_score_networks(width, published):
    points, tables = cloud(0, (5,)), SparseUNet(channels=(width, width)).tables
    found = tables(points, points)
    encoder, decoder = SparseEncoder((width, 2 * width)), SparseDecoder((width, 2 * width))
    decoder(encoder(tf.zeros([len(found.features), width]), found), found)
    assert trainable(encoder) + trainable(decoder) == published


def test_voxels_begin_at_each_cloud_and_points_share_their_features():
    points = Points(
        np.float32([[5, 5, 5], [5.3, 5, 5], [5.6, 5, 5], [-9, 0, 0]]),
        np.float32([[1], [3], [8], [2]]),
        np.int32([0, 3, 4]),
    )
    net = SparseUNet(voxel_edge=0.5, channels=(4, 4), num_blocks=1, num_decoders=2)
    tables = net.tables(points, points)
    np.testing.assert_array_equal(tables.coordinates[0], [[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(tables.point_voxel, [0, 0, 1, 2])
    np.testing.assert_allclose(tables.features, [[2, 5.15, 5, 5], [8, 5.6, 5, 5], [2, -9, 0, 0]], rtol=1e-6)
    features = net.at_points(points, tables, training=True)
    assert len(features) == 2 and features[0].shape == (4, 4)
    assert not np.allclose(features[0], features[1])
    np.testing.assert_array_equal(features[0][0], features[0][1])


def test_odd_grids_may_lose_their_last_voxels():
    """129 voxels along x: the last is dropped on the way to the coarser level."""
    xyz = np.float32([[0, 0, 0], [128.5, 0, 0]])
    points = Points(xyz, xyz, np.int32([0, 2]))
    kept, dropped = (
        SparseUNet(voxel_edge=1.0, channels=(4, 4), odd_extents=odd).tables(points, points) for odd in ("keep", "drop")
    )
    assert [len(c) for c in kept.coordinates] == [2, 2] and [len(c) for c in dropped.coordinates] == [2, 1]


def test_equals_a_dense_network_on_a_full_grid():
    """Written with TensorFlow's own convolutions, on all voxels of a 4 x 4 x 4 grid."""
    side, channels = 4, (3, 5)
    axes = np.arange(side, dtype=np.float32)
    grid = np.stack(np.meshgrid(axes, axes, axes, indexing="ij"), axis=-1).reshape(-1, 3) + np.float32(0.25)
    points = Points(grid, np.random.default_rng(0).normal(size=(side**3, 2)).astype(np.float32), np.int32([0, side**3]))
    net = SparseUNet(voxel_edge=1.0, channels=channels, num_blocks=1, initializer=SPCONV)
    tables = net.tables(points, points)
    got = net.at_points(points, tables)[0]

    def conv(layer, x):
        kernel = tf.reshape(layer.kernel, [3, 3, 3, *layer.kernel.shape[1:]])
        return tf.nn.conv3d(x, kernel, [1] * 5, "SAME")

    def norm(x):
        return tf.nn.relu(x / np.sqrt(1 + EPSILON))

    def block(layer, x):
        first, second = layer.convs
        y = conv(second.conv, norm(conv(first.conv, norm(x))))
        return y + (x if layer.shortcut is None else x @ tf.convert_to_tensor(layer.shortcut.kernel))

    x = tf.reshape(tf.concat([points.features, grid], axis=1), [1, side, side, side, 5])
    (fine,), (coarse,) = net.encoder.blocks
    x = skip = block(fine, conv(net.stem, x))
    (down,), (up,) = net.encoder.downs, net.decoders[0].ups
    down = tf.reshape(down.conv.kernel, [2, 2, 2, *channels])
    x = block(coarse, tf.nn.conv3d(norm(x), down, [1, 2, 2, 2, 1], "VALID"))
    up = tf.reshape(tf.transpose(up.conv.kernel, [0, 2, 1]), [2, 2, 2, *channels])
    x = tf.nn.conv3d_transpose(norm(x), up, [1, side, side, side, channels[0]], [1, 2, 2, 2, 1], "VALID")
    ((tail,),) = net.decoders[0].blocks
    x = norm(block(tail, tf.concat([skip, x], axis=-1)))
    np.testing.assert_allclose(got, tf.reshape(x, [side**3, channels[0]]), atol=1e-5)


def test_initial_weights_are_those_of_spconv():
    conv = SparseConv(16, initializer=SPCONV)
    conv.build((None, 16))
    largest = np.abs(conv.kernel.numpy()).max()
    assert 0.0205 < largest <= 1 / 48  # 1 / sqrt(3 * 3 * 16 * 16)


def test_a_distortion_moves_points_to_other_voxels_and_nothing_else():
    xyz = tf.constant([[0.0, 0, 0], [0.11, 0, 0], [0.52, 0, 0]])
    points = Points(xyz, tf.zeros([3, 0]), tf.constant([0, 3]))
    backbone = SparseUNet(voxel_edge=0.1, channels=(4, 4))
    distorted = points._replace(xyz=xyz + [[0.0, 0, 0], [-0.02, 0, 0], [0.1, 0, 0]])
    tables = backbone.tables(distorted, points)
    np.testing.assert_array_equal(tables.coordinates[0][:, 0], [0, 6])
    np.testing.assert_allclose(tables.features[:, 0], [0.055, 0.52], rtol=1e-6)
    some = backbone.tables(distorted, Points(xyz[1:], points.features[1:], tf.constant([0, 2])))
    np.testing.assert_array_equal(some.coordinates[0][:, 0], [0, 4])
