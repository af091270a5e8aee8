"""Small systems, and points and batches for them."""

import numpy as np
import tensorflow as tf

from instance_seg.benchmark.workload import make_task
from instance_seg.data.targets import Centers
from instance_seg.nesting import make_settings
from instance_seg.structures import Batch, Labels, Points
from instance_seg.systems.semantic_assisted import SemanticAssisted
from instance_seg.systems.settings import SemanticAssistedSettings


def semantic_assisted(num_classes, **settings):
    """The paper's network, for levels of so many classes."""
    return SemanticAssisted(make_settings(SemanticAssistedSettings, settings), make_task(num_classes))


def cloud(seed, counts=(20, 31)):
    """Shapes of so many random points."""
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-0.9, 0.9, (sum(counts), 3)).astype(np.float32)
    normals = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    return Points(tf.constant(xyz), tf.constant(normals), tf.constant(np.cumsum([0, *counts]), tf.int32))


def run(system, points, training=False):
    """The outputs for points all of which are labeled."""
    return system(points, system.tables(points, points), training=training)


def both(one, other):
    """Two clouds of a shape each in one batch."""
    first, second = len(one.xyz), len(other.xyz)
    parts = (tf.concat([a, b], axis=0) for a, b in zip(one[:2], other[:2]))
    return Points(*parts, tf.constant([0, first, first + second]))


def labeled(system, points):
    """The points as a batch: random classes, one instance with its center beside every point, regions at the points."""
    rng, n = np.random.default_rng(3), len(points.xyz)
    labels = [
        Labels(tf.constant(rng.integers(0, classes, n), tf.int32), tf.zeros(n, tf.int32))
        for classes in system.task.num_classes
    ]
    centers = (Centers(points.xyz + 0.1, points.xyz),) * len(labels)
    return Batch(points, system.tables(points, points), tuple(labels), centers, tf.range(len(points.row_splits) - 1))
