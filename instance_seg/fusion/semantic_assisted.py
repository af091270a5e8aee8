"""Semantic segmentation-assisted instance feature fusion (paper, Section 3.2) as one Keras layer."""

import keras
import tensorflow as tf

from instance_seg.fusion.aggregate import one_hot_assignment, region_features, spread
from instance_seg.layers import BatchNorm, Composite, Linear, activation


class Transfer(Composite):
    """The released program's unit after each aggregation: linear, batch normalization, leaky ReLU.

    F^ W = P (Z W): the linear part acts on the S class features before they are spread over the N points, which is the
    same arithmetic on far fewer rows. Batch normalization needs the statistics of the points and stays behind it.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.linear = Linear(units, name="linear")
        self.norm = BatchNorm(name="norm")
        self.activate = activation("leaky_relu")

    def call(self, regions, probabilities, row_splits, training=False):
        """regions: one [S, C] per shape, probabilities [N, S] -> [N, units]."""
        sizes = [z.shape[0] for z in regions]
        moved = tf.split(self.linear(tf.concat(regions, axis=0)), sizes)
        return self.activate(self.norm(spread(probabilities, moved, row_splits), training=training))


class SemanticAssistedFusion(keras.layers.Layer):
    """[features, F^ of every probability map, xyz], the fused instance feature of Eq. 6 and the text below it.

    Use it in any model that has point features and class probabilities of one or more levels:

        fusion = SemanticAssistedFusion(units=128)
        fused = fusion(features, [p_coarse, p_fine], xyz, row_splits, training=training)
        offsets = keras.layers.Dense(3)(fused)

    Args:
        units: width of the transfer unit that follows each aggregation.
        transfer: False leaves that unit out (it is not in the paper, but in the released program).
        stop_gradient: no gradient flows into the probabilities (paper, Section 4.1.1).
        hard_assign: the "one-hot" variant of Table 4.
        order: "released" = [features, F^..., xyz], "paper" = [F^..., features, xyz].
    """

    ORDERS = ("released", "paper")

    def __init__(self, units=128, transfer=True, stop_gradient=True, hard_assign=False, order="released", **kwargs):
        super().__init__(**kwargs)
        if order not in self.ORDERS:
            raise ValueError(f"order={order!r} is unknown; choose one of {self.ORDERS}")
        self.units, self.transfer, self.stop_gradient = units, transfer, stop_gradient
        self.hard_assign, self.order = hard_assign, order
        self.transfers = []

    def build(self, features_shape, probabilities_shape):
        if self.transfer:
            self.transfers = [Transfer(self.units, name=f"transfer_{i}") for i in range(len(probabilities_shape))]

    def call(self, features, probabilities, xyz, row_splits, training=False):
        """features [N, C], probabilities: one [N, S_r] per source, xyz [N, 3], row_splits [B + 1] -> [N, C']."""
        sources = [self._weights(p) for p in probabilities]
        fused = [self._fuse(i, features, p, row_splits, training) for i, p in enumerate(sources)]
        parts = [features, *fused] if self.order == "released" else [*fused, features]
        return tf.concat([*parts, xyz], axis=1)

    def _weights(self, p):
        p = tf.stop_gradient(p) if self.stop_gradient else p
        return one_hot_assignment(p) if self.hard_assign else p

    def _fuse(self, i, features, p, row_splits, training):
        regions = region_features(p, features, row_splits)
        if not self.transfer:
            return spread(p, regions, row_splits)
        return self.transfers[i](regions, p, row_splits, training=training)
