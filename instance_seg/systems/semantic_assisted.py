"""The paper's network: octree U-Net, per-level heads, semantic-assisted fusion (Sections 3.1-3.3)."""

from dataclasses import dataclass

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.octree_unet import OctreeUNet
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.heads.offset import FUSE_FROM, OffsetHead
from instance_seg.heads.semantic import SemanticHead
from instance_seg.options import check_choices, option
from instance_seg.structures import LevelPrediction

FUSIONS = ("none", "own", "cross")


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and choices of the network. Defaults: the released program's layers, heads and input signal."""

    depth: int = option(6, "finest depth of the octree")
    full_depth: int = option(2, "every octant down to this depth exists")
    channels: tuple[int, ...] = option((64, 128, 256, 256, 256), "width of every depth of the U-Net, finest first")
    num_blocks: int = option(3, "residual blocks per stage of the U-Net")
    head_width: int = option(128, "width of the hidden units of the heads")
    head_hidden: int = option(2, "hidden units of a head; 1 is the paper's two-layer MLP")
    fusion: str = option("cross", "whose probabilities a level fuses: none, its own, or all levels'", FUSIONS)
    stop_gradient: bool = option(True, "stop the gradient of the fusion into the probabilities")
    hard_assign: bool = option(False, "fuse with one-hot probabilities (a row of Table 4)")
    transfer: bool = option(True, "a unit after each aggregation (released program; not in the paper)")
    fuse_from: str = option("hidden", "what is aggregated: hidden features (released) or F_ins (Fig. 2)", FUSE_FROM)
    concat_order: str = option("released", "order of the fused feature", SemanticAssistedFusion.ORDERS)
    abs_input: bool = option(True, "absolute value of the input signal (released program)")

    def __post_init__(self):
        check_choices(self)
        if not 1 <= self.full_depth <= self.depth <= 16:
            raise ValueError(f"depth={self.depth}, full_depth={self.full_depth}: want 1 <= full_depth <= depth <= 16")


def source_levels(fusion: str, level: int, num_levels: int) -> tuple[int, ...]:
    """The levels whose probabilities level `level` fuses: its own first, then the others ascending."""
    if fusion == "none":
        return ()
    others = tuple(r for r in range(num_levels) if r != level) if fusion == "cross" else ()
    return (level, *others)


class SemanticAssistedNetwork(keras.Model):
    """(Points, Octree, interpolation table) -> one LevelPrediction per level.

    Args:
        config: sizes and choices.
        num_classes: classes of every level, coarse to fine, class 0 included; any number of levels.
    """

    def __init__(self, config: NetworkConfig, num_classes: tuple[int, ...], **kwargs):
        super().__init__(**kwargs)
        self.config, self.num_classes = config, tuple(num_classes)
        levels = range(len(num_classes))
        self.sources = [source_levels(config.fusion, k, len(num_classes)) for k in levels]
        self.backbone = OctreeUNet(
            config.depth,
            config.channels,
            config.num_blocks,
            num_decoders=2,
            abs_input=config.abs_input,
            name="backbone",
        )
        self.semantic_heads = [
            SemanticHead(c, config.head_width, config.head_hidden, name=f"semantic_{k}")
            for k, c in enumerate(num_classes)
        ]
        self.offset_heads = [self._offset_head(k) for k in levels]

    def _offset_head(self, level):
        c = self.config
        fusion = None
        if c.fusion != "none":
            fusion = SemanticAssistedFusion(
                c.head_width, c.transfer, c.stop_gradient, c.hard_assign, c.concat_order, name=f"fusion_{level}"
            )
        return OffsetHead(fusion, c.head_width, c.head_hidden, c.fuse_from, name=f"offset_{level}")

    def call(self, points, octree, index, weight, training=False):
        """points: Points; octree: Octree of config.depth; index, weight [N, 8]: the octants around the points."""
        semantic, instance = (
            ops.octree_interpolate(x, index, weight) for x in self.backbone(octree, training=training)
        )
        logits = [head(semantic, training=training) for head in self.semantic_heads]
        probabilities = [tf.nn.softmax(x) for x in logits]
        predictions = []
        for k, head in enumerate(self.offset_heads):
            sources = [probabilities[r] for r in self.sources[k]]
            offsets = head(instance, sources, points.xyz, points.row_splits, training=training)
            predictions.append(LevelPrediction(logits[k], *offsets))
        return tuple(predictions)
