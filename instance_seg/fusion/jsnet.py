"""The fusion of JSNet (Zhao and Tao, AAAI 2020) for our heads; the row "JSNet fusion" of Table 4.

    I1 = I + A(S)      I2 = [I, I1]      I' = I2 sigmoid(mean over channels of I2)
    S1 = S + mean over the shape of B(I')      S2 = [S, S1]      S' = S2 sigmoid(mean over channels of S2)

A and B are one MLP layer each; so is what the head puts between I', S' and its outputs.
"""

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.fusion.aggregate import region_features, spread
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Composite, Unit


def gated(x: tf.Tensor) -> tf.Tensor:
    """Every row times the sigmoid of its mean: [N, C] -> [N, C]."""
    mean = tf.reduce_mean(ops.full_precision(x), axis=1, keepdims=True)
    return x * tf.cast(tf.sigmoid(mean), x.dtype)


def shape_mean(x: tf.Tensor, row_splits: tf.Tensor) -> tf.Tensor:
    """The mean over the points of each shape, at each of its points: an aggregation with one class. [N, C] -> same."""
    everywhere = tf.ones_like(x[:, :1])
    return tf.cast(spread(everywhere, region_features(everywhere, x, row_splits), row_splits), x.dtype)


class SemanticToInstance(Composite):
    """(I, S) [N, width] each -> I' [N, 2 width]."""

    def __init__(self, width: int = 128, activation_name: str = "leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.unit = Unit(width, activation_name, initializer=self.initializer, name="unit")

    def call(self, instance, semantic, training=False):
        mixed = instance + self.unit(semantic, training=training)
        return gated(tf.concat([instance, mixed], axis=1))


class InstanceToSemantic(Composite):
    """(S [N, width], I' [N, 2 width], -, row_splits) -> S' [N, 2 width]."""

    def __init__(self, width: int = 128, activation_name: str = "leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.unit = Unit(width, activation_name, initializer=self.initializer, name="unit")

    def call(self, semantic, instance, shifted, row_splits, training=False):
        mixed = semantic + shape_mean(self.unit(instance, training=training), row_splits)
        return gated(tf.concat([semantic, mixed], axis=1))


def jsnet_exchange(
    width: int = 128, initializer: Initializer = RELEASED, activation_name: str = "leaky_relu"
) -> tuple[SemanticToInstance, InstanceToSemantic]:
    """The two layers: (I, S) -> I' and (S, I', shifted, row_splits) -> S'."""
    to_instance = SemanticToInstance(width, activation_name, initializer=initializer, name="to_instance")
    return to_instance, InstanceToSemantic(width, activation_name, initializer=initializer, name="to_semantic")
