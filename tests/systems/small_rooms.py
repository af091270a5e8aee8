"""Small systems that propose instances, and rooms of blobs for them."""

import keras
import numpy as np
import tensorflow as tf
from systems.small_systems import run

from instance_seg.nesting import make_settings
from instance_seg.structures import Batch, Labels, Level, Points, Task

SMALL = {"backbone": "octree_unet", "depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8}
BLOBS = {"group_radius": 0.2, "group_min_points": 5, "grid_scale": 10.0, "prepare_iter": 3}


def room(classes=4, features=3):
    """A task of one level whose classes 0 and 1 have no instances."""
    names = tuple(map(str, range(classes)))
    return Task("rooms", "", (Level(1, "objects", names, 0, tuple(range(2, classes))),), num_features=features)


def small(kind, settings_class, **settings):
    """A system of this kind on an octree of 8 x 8 x 8, for points as `blobs` gives them; always of the same weights."""
    keras.utils.set_random_seed(0)
    return kind(make_settings(settings_class, SMALL | BLOBS | settings), room())


def blobs(seed, count=3, size=20):
    """Blobs of points 0.1 wide and 0.5 apart, one instance each, and the batch they are."""
    rng = np.random.default_rng(seed)
    xyz = np.repeat(0.5 * np.arange(count)[:, None] * [1, 0.3, 0] - 0.6, size, axis=0)
    xyz = tf.constant(xyz + rng.uniform(-0.05, 0.05, xyz.shape), tf.float32)
    return Points(xyz, tf.constant(rng.uniform(-1, 1, xyz.shape), tf.float32), tf.constant([0, count * size]))


def batch_of(network, points, size=20, instance=None):
    semantic = tf.constant(2 + np.arange(len(points.xyz)) // size % 2, tf.int32)
    instance = tf.constant(np.arange(len(points.xyz)) // size if instance is None else instance, tf.int32)
    return Batch(points, network.tables(points, points), (Labels(semantic, instance),), (), tf.constant([0]))


def only_class(network, points, number):
    """Makes the network say one class everywhere, and offsets of 0."""
    run(network, points)
    logits, offsets = network.semantic_heads[0].output_layer, network.offset_heads[0].output_layer
    logits.kernel.assign(tf.zeros_like(logits.kernel))
    logits.bias.assign(tf.one_hot(number, 4))
    offsets.kernel.assign(tf.zeros_like(offsets.kernel))
    offsets.bias.assign(tf.zeros([3]))
    return network


def gradients(network, batch, phase):
    """The terms of the loss, and the gradient of their sum by the paths of the variables."""
    with tf.GradientTape() as tape:
        terms = network.losses(network(batch.points, batch.tables, phase=phase, training=True), batch)
        total = tf.add_n(list(terms.values()))
    variables = [v.value for v in network.trainable_variables]
    found = tape.gradient(total, variables, unconnected_gradients="zero")
    return terms, dict(zip((v.path for v in network.trainable_variables), found))
