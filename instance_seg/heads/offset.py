"""Per-level offset head: hidden features, fusion with the semantic probabilities, two offsets (paper, Section 3)."""

from collections.abc import Callable

import tensorflow as tf

from instance_seg.heads import FUSE_FROM, PLAIN_UNITS
from instance_seg.layers import Composite, Linear, Unit, side_by_side


class OffsetHead(Composite):
    """F_ins [N, C] -> a list of offsets [N, 3]: O_I to the instance center, O_S to the semantic region center.

    Args:
        fusion: a layer (features, probabilities, xyz, row_splits) -> fused features, or None for the baseline.
        width, num_hidden: the units before the fusion.
        fuse_from: "hidden" aggregates the hidden features (released program), "feature" the decoder's own F_ins (paper,
            Fig. 2), in which case the hidden units come to nothing and are left out.
        plain_unit: of the baseline: "none" leaves out the unit behind the fusion as well (the paper's MLP has no place
            for it), "features" keeps it, "features_xyz" gives it the coordinates too.
        semantic_path: a layer (instance, semantic features) -> instance features before the fusion, or None.
        num_offsets: 1 leaves O_S out.
        make_unit: called as make_unit(width, initializer=..., name=...), gives a unit.
    """

    def __init__(
        self,
        fusion=None,
        width: int = 128,
        num_hidden: int = 2,
        fuse_from: str = "hidden",
        plain_unit: str = "none",
        semantic_path=None,
        num_offsets: int = 2,
        make_unit: Callable[..., Unit] = Unit,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if fuse_from not in FUSE_FROM:
            raise ValueError(f"fuse_from={fuse_from!r} is unknown; choose one of {FUSE_FROM}")
        if plain_unit not in PLAIN_UNITS:
            raise ValueError(f"plain_unit={plain_unit!r} is unknown; choose one of {PLAIN_UNITS}")
        direct = fusion is not None and fuse_from == "feature"
        hidden = 0 if direct else num_hidden
        self.hidden = [make_unit(width, initializer=self.initializer, name=f"hidden_{i}") for i in range(hidden)]
        self.fusion, self.semantic_path, self.num_offsets = fusion, semantic_path, num_offsets
        self.append_xyz = fusion is None and plain_unit == "features_xyz"
        without_unit = fusion is None and plain_unit == "none"
        self.fusion_unit = None if without_unit else make_unit(width, initializer=self.initializer, name="fusion_unit")
        self.output_layer = Linear(
            3 * num_offsets, use_bias=True, initializer=self.initializer, dtype="float32", name="offsets"
        )

    def call(self, features, probabilities, xyz, row_splits, semantic=None, training=False):
        """F_ins [N, C] and what is fused with it.

        Args:
            probabilities: [N, S_r] per source, own level first.
            xyz: [N, 3].
            row_splits: [B + 1].
            semantic: F_sem [N, C]; the semantic path alone needs it.
        """
        for unit in self.hidden:
            features = unit(features, training=training)
        if self.semantic_path is not None:
            features = self.semantic_path(features, semantic, training=training)
        if self.fusion is not None:
            features = self.fusion(features, probabilities, xyz, row_splits, training=training)
        elif self.append_xyz:
            features = side_by_side([features, xyz])
        if self.fusion_unit is not None:
            features = self.fusion_unit(features, training=training)
        return tf.split(self.output_layer(features), self.num_offsets, axis=1)
