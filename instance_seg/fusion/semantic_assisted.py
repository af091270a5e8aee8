"""Semantic segmentation-assisted instance feature fusion (paper, Section 3.2) as one Keras layer."""

import tensorflow as tf

from instance_seg.fusion import GRADIENT_TO, HARD_IN, ORDERS
from instance_seg.fusion.aggregate import one_hot_assignment, region_features, spread
from instance_seg.layers import BatchNorm, Composite, Layer, Linear, side_by_side


class Transfer(Composite):
    """The released program's unit after each aggregation: linear, batch normalization, leaky ReLU.

    F^ W = P (Z W): the linear part acts on the S class features before they are spread over the N points, which is the
    same arithmetic on far fewer rows. Batch normalization needs the statistics of the points and stays behind it.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.linear = Linear(units, initializer=self.initializer, name="linear")
        self.norm = BatchNorm("leaky_relu", name="norm")

    def call(self, regions, probabilities, row_splits, training=False):
        """regions: one [S, C] per shape, probabilities [N, S] -> [N, units]."""
        sizes = [z.shape[0] for z in regions]
        moved = tf.split(self.linear(tf.concat(regions, axis=0)), sizes)
        return self.norm(spread(probabilities, moved, row_splits), training=training)

    def multiplications(self, regions, probabilities, row_splits) -> int:
        return probabilities.shape[0] * probabilities.shape[1] * self.linear.units


class SemanticAssistedFusion(Layer):
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
        gradient_to: without stop_gradient, which sources get gradient: "all", "own" (the first) or "others".
        hard_in: with hard_assign, whether pooling (Eqs. 3, 5) is hard too ("both") or the spreading alone (Eqs. 4, 6).
    """

    def __init__(
        self,
        units: int = 128,
        transfer: bool = True,
        stop_gradient: bool = True,
        hard_assign: bool = False,
        order: str = "released",
        gradient_to: str = "all",
        hard_in: str = "both",
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, known in (
            ("order", order, ORDERS),
            ("gradient_to", gradient_to, GRADIENT_TO),
            ("hard_in", hard_in, HARD_IN),
        ):
            if value not in known:
                raise ValueError(f"{name}={value!r} is unknown; choose one of {known}")
        self.units, self.transfer, self.stop_gradient = units, transfer, stop_gradient
        self.hard_assign, self.order = hard_assign, order
        self.gradient_to, self.hard_in = gradient_to, hard_in
        self.transfers = []

    def build(self, features_shape, probabilities_shape):
        if self.transfer:
            self.transfers = [
                Transfer(self.units, initializer=self.initializer, name=f"transfer_{i}")
                for i in range(len(probabilities_shape))
            ]

    def call(self, features, probabilities, xyz, row_splits, training=False):
        """features [N, C], probabilities: one [N, S_r] per source, xyz [N, 3], row_splits [B + 1] -> [N, C']."""
        fused = [self._fuse(i, features, p, row_splits, training) for i, p in enumerate(probabilities)]
        parts = [features, *fused] if self.order == "released" else [*fused, features]
        return side_by_side([*parts, xyz])

    def multiplications(self, features, probabilities, xyz, row_splits) -> int:
        pooled = features.shape[0] * features.shape[1] * sum(p.shape[1] for p in probabilities)
        return pooled if self.transfer else 2 * pooled

    def _fuse(self, i, features, p, row_splits, training):
        if self.stop_gradient or {"all": False, "own": i > 0, "others": i == 0}[self.gradient_to]:  # source 0: its own
            p = tf.stop_gradient(p)
        hard = one_hot_assignment(p) if self.hard_assign else p
        regions = region_features(hard if self.hard_in == "both" else p, features, row_splits)
        if not self.transfer:
            return spread(hard, regions, row_splits)
        return self.transfers[i](regions, hard, row_splits, training=training)
