"""The suite of growth: time and memory per octant from 10,000 to a million points."""

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ocnn
from instance_seg.benchmark.suites import Settings
from instance_seg.benchmark.timing import Row, Seconds, peak_rss_mb

CASES = ((10_000, 6), (40_000, 7), (160_000, 8), (1_000_000, 9))  # points, depth
CHANNELS = 32


def scale(settings: Settings) -> list[Row]:
    """Octree, neighbors and one convolution of a growing shape, per octant of the finest depth."""
    rows = []
    for num_points, depth in CASES:
        rows += _measure(_surface(num_points), depth, settings)
    return rows


def _surface(num_points: int) -> np.ndarray:
    """Points of a torus, uniform in its two angles: [N, 3] float32."""
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, num_points))
    ring = 0.6 + 0.25 * np.cos(v)
    return np.stack([ring * np.cos(u), ring * np.sin(u), 0.25 * np.sin(v)], axis=1).astype(np.float32)


def _measure(points: np.ndarray, depth: int, settings: Settings) -> list[Row]:
    xyz, row_splits = tf.constant(points), tf.constant([0, len(points)])
    build = tf.function(lambda xyz: ocnn.octree_build(xyz, None, row_splits, depth))
    built = settings.time(lambda: build(xyz))
    tree = build(xyz)
    octants = sum(int(keys.shape[0]) for keys in tree.keys)
    finest = int(tree.keys[depth].shape[0])
    x = tf.random.stateless_normal([finest, CHANNELS], [0, 0])
    weights = tf.random.stateless_normal([27, CHANNELS, CHANNELS], [0, 1])
    convolved = settings.time(lambda: ocnn.octree_conv(x, weights, tree.neighbors[depth]))
    sizes = f"{len(points)} points, depth {depth}, {octants} octants"
    return [
        Row("scale", "octree_ns_per_octant", *_nanoseconds(built, octants), "ns", sizes=sizes),
        Row("scale", "conv_ns_per_octant", *_nanoseconds(convolved, finest), "ns", sizes=sizes),
        Row("scale", "peak_rss_mb", *(2 * [peak_rss_mb()]), "MB", sizes=sizes),
    ]


def _nanoseconds(seconds: Seconds, octants: int) -> tuple[float, float]:
    return seconds.best / octants * 1e9, seconds.median / octants * 1e9
