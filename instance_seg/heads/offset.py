"""Per-level offset head: hidden features, fusion with the semantic probabilities, two offsets (paper, Section 3)."""

import tensorflow as tf

from instance_seg.layers import Composite, Linear, Unit

FUSE_FROM = ("hidden", "feature")


class OffsetHead(Composite):
    """F_ins [N, C] -> O_I, O_S [N, 3] each: to the instance center and to the semantic region center.

    Args:
        fusion: a layer (features, probabilities, xyz, row_splits) -> fused features, or None for the baseline, which
            then has no fusion unit either.
        width, num_hidden: the units before the fusion.
        fuse_from: "hidden" aggregates the hidden features (released program), "feature" the decoder's own F_ins (paper,
            Fig. 2), in which case the hidden units come to nothing and are left out.
    """

    def __init__(self, fusion=None, width: int = 128, num_hidden: int = 2, fuse_from: str = "hidden", **kwargs):
        super().__init__(**kwargs)
        if fuse_from not in FUSE_FROM:
            raise ValueError(f"fuse_from={fuse_from!r} is unknown; choose one of {FUSE_FROM}")
        direct = fusion is not None and fuse_from == "feature"
        self.hidden = [] if direct else [Unit(width, name=f"hidden_{i}") for i in range(num_hidden)]
        self.fusion = fusion
        self.fusion_unit = None if fusion is None else Unit(width, name="fusion_unit")
        self.output_layer = Linear(6, use_bias=True, name="offsets")

    def call(self, features, probabilities, xyz, row_splits, training=False):
        """features [N, C]; probabilities: [N, S_r] per source, own level first; xyz [N, 3]; row_splits [B + 1]."""
        for unit in self.hidden:
            features = unit(features, training=training)
        if self.fusion is not None:
            features = self.fusion(features, probabilities, xyz, row_splits, training=training)
            features = self.fusion_unit(features, training=training)
        return tf.split(self.output_layer(features), 2, axis=1)
