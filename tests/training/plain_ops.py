"""The functions a network computes with, in plain TensorFlow: gathers, products and moments, gradients by autodiff.

Nothing here calls a kernel of ours. Convolutions gather all neighbors into one [M, 27, Cin] tensor.
"""

import numpy as np
import tensorflow as tf


def gather(x, index):
    """Rows of x, zeros where index is -1."""
    padded = tf.concat([x, tf.zeros_like(x[:1])], axis=0)
    return tf.gather(padded, tf.where(index < 0, tf.shape(x)[0], index))


def octree_conv(x, weights, neighbors):
    return tf.einsum("mkc,kcd->md", gather(x, neighbors), weights)


def octree_downsample_conv(x, weights, parent_children):
    groups = tf.reshape(x, [-1, 8, x.shape[1]])
    return gather(tf.einsum("gkc,kcd->gd", groups, weights), parent_children)


def octree_upsample_conv(x, weights, children, num_nonempty):
    parents = tf.boolean_mask(x, children >= 0)
    return tf.reshape(tf.einsum("hc,kcd->hkd", parents, weights), [-1, weights.shape[2]])


def weighted_gather(x, index, weight):
    return tf.reduce_sum(gather(x, index) * weight[:, :, None], axis=1)


def moments(x):
    return tf.nn.moments(x, axes=[0])


def normalize(x, gamma, beta, mean, variance, epsilon, slope=1.0, shortcut=None, batch_statistics=False):
    """Autodiff goes through mean and variance where they are moments of x."""
    epsilon, slope = np.float32((epsilon, slope)).tolist()  # as the attributes of an op keep them
    z = gamma * (x - mean) / tf.sqrt(variance + epsilon) + beta
    z = z if shortcut is None else z + shortcut
    return tf.where(z > 0, z, slope * z)


FUNCTIONS = (
    octree_conv,
    octree_downsample_conv,
    octree_upsample_conv,
    weighted_gather,
    moments,
    normalize,
)
