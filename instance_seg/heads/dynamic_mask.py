"""Masks by layers whose weights are made for each group (DyCo3D): dynamic convolution."""

import dataclasses
import math
from typing import NamedTuple

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.clustering.components import Groups, splits_to_ids
from instance_seg.heads.group_unet import GroupUNet
from instance_seg.initializers import Initializer
from instance_seg.layers import Composite, Linear, Unit
from instance_seg.structures import Points, Tensor

HIDDEN = 16  # units of the hidden layer that a group makes
_TOWER = 3  # units before the features that masks are made of


def kaiming(initializer: Initializer) -> Initializer:
    """The same, but linear layers by He's limit for layers without activation, as this head has them."""
    return dataclasses.replace(initializer, linear=lambda inputs, outputs: math.sqrt(3.0 / inputs))


def _unit(width, initializer, name):
    return Unit(width, "relu", epsilon=1e-5, decay=0.9, initializer=kaiming(initializer), name=name)


class Controller(Linear):
    """A linear layer that begins with small normal weights and without bias, so that groups begin alike."""

    def build(self, shape):
        shape, normal = (shape[-1], self.units), keras.initializers.RandomNormal(stddev=0.01)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=normal, trainable=True)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer="zeros", trainable=True)


class GroupLayers(NamedTuple):
    """The two layers of each of P groups: C features and a relative position -> HIDDEN -> the logit of a mask."""

    hidden: Tensor  # [P, 3 + C, HIDDEN]; the position comes first
    output: Tensor  # [P, HIDDEN]
    hidden_bias: Tensor  # [P, HIDDEN]
    output_bias: Tensor  # [P]


def split_layers(numbers: tf.Tensor, channels: int) -> GroupLayers:
    """[P, HIDDEN (3 + channels) + 2 HIDDEN + 1] -> layers: both matrices, [outputs, inputs] each, then both biases."""
    inputs = 3 + channels
    parts = tf.split(numbers, [HIDDEN * inputs, HIDDEN, HIDDEN, 1], axis=1)
    hidden = tf.transpose(tf.reshape(parts[0], [-1, HIDDEN, inputs]), [0, 2, 1])
    return GroupLayers(hidden, parts[1], parts[2], parts[3][:, 0])


def apply_layers(
    layers: GroupLayers, centers: tf.Tensor, xyz: tf.Tensor, features: tf.Tensor, row_splits: tf.Tensor, clouds
) -> tf.Tensor:
    """The logits of every group for all points of its cloud, group after group: [E].

    One group at a time, and hidden units are computed once more for the gradient: there are N of them per group.

    Args:
        layers: of P groups.
        centers: [P, 3], from which positions are seen: center - xyz.
        xyz, features: [N, 3] and [N, C], cloud after cloud.
        row_splits: [B + 1] int32, of the points.
        clouds: [P] int32, which cloud a group is of.
    """
    rows = tf.concat([-xyz, features], axis=1)
    moved = layers.hidden_bias + tf.einsum("pi,pih->ph", centers, layers.hidden[:, :3])

    @tf.recompute_grad
    def logits(rows, begin, end, hidden, bias, output, output_bias):
        units = tf.nn.relu(rows[begin:end] @ hidden + bias)
        return tf.linalg.matvec(units, output) + output_bias

    def one(group):
        return logits(rows, *group)

    begin, end = tf.gather(row_splits, clouds), tf.gather(row_splits, clouds + 1)
    of_groups = begin, end, layers.hidden, moved, layers.output, layers.output_bias
    signature = tf.RaggedTensorSpec([None], rows.dtype, ragged_rank=0)
    return tf.map_fn(one, of_groups, fn_output_signature=signature).values


class Masks(NamedTuple):
    """What is said of points of the groups' clouds."""

    candidates: Groups  # of each group all points that it may have
    logits: Tensor  # [E] float32, for each entry of the candidates


class DynamicMaskHead(Composite):
    """Groups -> Masks of the points that belong to any thing.

    The features of a group on its grid make two layers; these judge all candidates of its cloud by features of theirs,
    and by where they lie from the center of the group.

    Args:
        width: of the features of points and of the units.
        grid_size, grid_scale, grid_seed: of `GroupUNet`.
    """

    def __init__(self, width: int, grid_size: int, grid_scale: float, grid_seed: int, **kwargs):
        super().__init__(**kwargs)
        self.tower = [_unit(width, self.initializer, f"tower_{i}") for i in range(_TOWER)]
        made = {"initializer": self.initializer}
        self.tower_output = Linear(width, use_bias=True, dtype="float32", name="tower_output", **made)
        self.unet = GroupUNet(width, grid_size, grid_scale, grid_seed, name="unet", **made)
        self.unit = _unit(width, self.initializer, "unit")
        numbers = HIDDEN * (3 + width) + 2 * HIDDEN + 1
        self.controller = Controller(numbers, use_bias=True, dtype="float32", name="controller", **made)

    def call(self, features, points: Points, groups: Groups, is_thing, training=False) -> Masks:
        """features [N, width] of `points`; is_thing [N] bool, the points that may be in a mask."""
        voxels = self.unet(features, points, groups, training=training)
        pooled = self.unit(tf.math.segment_max(voxels.features, voxels.group), training=training)
        layers = split_layers(self.controller(pooled), features.shape[1])
        for unit in self.tower:
            features = unit(features, training=training)
        features = ops.full_precision(self.tower_output(features))
        things = tf.cast(tf.where(is_thing)[:, 0], tf.int32)
        splits = tf.searchsorted(things, points.row_splits)
        clouds = tf.gather(splits_to_ids(points.row_splits), tf.gather(groups.points, groups.row_splits[:-1]))
        centers = tf.math.segment_mean(tf.gather(points.xyz, groups.points), groups.of_entry())
        xyz, features = tf.gather(points.xyz, things), tf.gather(features, things)
        logits = apply_layers(layers, centers, xyz, features, splits, clouds)
        sizes = tf.gather(splits[1:] - splits[:-1], clouds)
        row_splits = tf.concat([[0], tf.cumsum(sizes)], axis=0)
        place = tf.range(tf.size(logits)) + tf.repeat(tf.gather(splits, clouds) - row_splits[:-1], sizes)
        return Masks(Groups(tf.gather(things, place), row_splits), logits)
