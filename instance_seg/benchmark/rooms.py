"""The suite of rooms: a sparse U-Net with PointGroup's two heads on one scan, and the components of its points."""

from functools import partial

import keras
import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.sparse_layers import DECAY, EPSILON
from instance_seg.backbones.sparse_unet import SparseUNet
from instance_seg.benchmark.operations import count
from instance_seg.benchmark.suites import Settings, gemm_row
from instance_seg.benchmark.timing import Row, matmul_rate, milliseconds, peak_rss_mb
from instance_seg.initializers import SPCONV
from instance_seg.layers import BatchNorm, Linear
from instance_seg.structures import Points

NUM_CLASSES = 20
UNIT = 4096  # coordinates are kept in 1/4096 m


class RoomNetwork(keras.Model):
    """PointGroup without its score network: logits [N, 20] and offsets [N, 3]."""

    def __init__(self):
        super().__init__()
        self.backbone = SparseUNet(initializer=SPCONV, name="backbone")
        more = {"use_bias": True, "initializer": SPCONV}
        self.semantic = Linear(NUM_CLASSES, name="semantic", **more)
        self.hidden, self.offset = Linear(16, name="hidden", **more), Linear(3, name="offset", **more)
        self.norm = BatchNorm("relu", epsilon=EPSILON, decay=DECAY, name="norm")

    def call(self, points, tables, training=False):
        (x,) = self.backbone.at_points(points, tables, training=training)
        return self.semantic(x), self.offset(self.norm(self.hidden(x), training=training))


def read_room(path: str) -> tuple[Points, np.ndarray, np.ndarray]:
    """Points with colors, the classes and the instances (-1 = none) of the .npz file of a scan."""
    with np.load(path) as file:
        xyz, rgb = file["xyz"].astype(np.float32) / UNIT, file["rgb"].astype(np.float32) / 127.5 - 1
        semantic, instance = file["semantic"].astype(np.int32), file["instance"].astype(np.int32)
    return Points(xyz, rgb, np.array([0, len(xyz)], np.int32)), semantic, instance


def sparse(settings: Settings) -> list[Row]:
    """Tables, inference, forward pass in training and training step of one scan; components of its points."""
    points, semantic, instance = read_room(settings.room)
    points, network = Points(*map(tf.constant, points)), RoomNetwork()
    make_tables = tf.function(network.backbone.tables)
    tables = make_tables(points, points)
    offset = _offsets(points.xyz.numpy(), instance)
    # as tensors: a graph keeps copies of arrays
    target, labels, on_things = tf.constant(offset), tf.constant(semantic), tf.cast(instance >= 0, tf.float32)

    def loss():
        logits, offsets = network(points, tables, training=True)
        error = tf.reduce_sum(tf.abs(offsets - target), axis=1)
        classes = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return tf.reduce_mean(classes) + tf.reduce_sum(error * on_things) / tf.reduce_sum(on_things)

    network(points, tables)  # builds it
    calls = count(network, lambda: network(points, tables))
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(network.trainable_variables)

    def train():
        with tf.GradientTape() as tape:
            value = loss()
        weights = [v.value for v in network.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(value, weights), network.trainable_variables))
        return value

    rate = matmul_rate(settings.runs, settings.clock)
    sizes = f"{len(semantic)} points, {len(tables.features)} voxels, {settings.clock} time"
    forward, step = sum(c.forward for c in calls), sum(c.step for c in calls)
    timed = {
        "tables_ms": (lambda: make_tables(points, points), 0),
        "inference_ms": (tf.function(lambda: network(points, tables)), forward),
        "forward_ms": (tf.function(loss), forward),
        "step_ms": (tf.function(train), step),
    }
    rows = [
        milliseconds("sparse", name, settings.time(partial(_finish, function)), 1, sizes, operations, rate)
        for name, (function, operations) in timed.items()
    ]
    shifted = points.xyz.numpy() + 0.9 * offset + np.random.default_rng(1).normal(0, 0.01, offset.shape)
    things = instance >= 0
    xyz, splits = shifted[things].astype(np.float32), np.array([0, things.sum()], np.int32)
    group = partial(ops.radius_components, xyz, semantic[things], splits, 0.03, 1000, 50)
    rows.append(milliseconds("sparse", "components_ms", settings.time(group), 1, f"{len(xyz)} points"))
    memory = peak_rss_mb()
    return [*rows, Row("sparse", "peak_rss_mb", memory, memory, "MB", sizes=sizes), gemm_row("sparse", rate)]


def _finish(function) -> None:
    tf.nest.map_structure(lambda x: x.numpy(), function())


def _offsets(xyz: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """[N, 3] from each point to the mean of its instance, 0 where it has none."""
    offset = np.zeros_like(xyz)
    for i in range(instance.max() + 1):
        offset[instance == i] = xyz[instance == i].mean(axis=0) - xyz[instance == i]
    return offset
