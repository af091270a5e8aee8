"""The paper's network: a backbone, per-level heads, semantic-assisted fusion (Sections 3.1-3.3)."""

import keras
import tensorflow as tf

from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.fusion.two_direction import SemanticPath
from instance_seg.heads.offset import OffsetHead
from instance_seg.heads.semantic import SemanticHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.structures import LevelPrediction
from instance_seg.systems.backbone import make_backbone
from instance_seg.systems.settings import NetworkConfig as NetworkConfig


def source_levels(fusion: str, level: int, num_levels: int) -> tuple[int, ...]:
    """The levels whose probabilities level `level` fuses: its own first, then the others ascending."""
    if fusion == "none":
        return ()
    others = tuple(r for r in range(num_levels) if r != level) if fusion == "cross" else ()
    return (level, *others)


class SemanticAssistedNetwork(keras.Model):
    """(Points, Octree, interpolation table) -> one LevelPrediction per level.

    Args:
        config: sizes and choices; its fusion is none, own or cross.
        num_classes: classes of every level, coarse to fine, class 0 included; any number of levels.
        initializer: of all weights.
    """

    def __init__(
        self, config: NetworkConfig, num_classes: tuple[int, ...], initializer: Initializer = RELEASED, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.config, self.num_classes, self.initializer = config, tuple(num_classes), initializer
        levels = range(len(num_classes))
        self.sources = [source_levels(config.fusion, k, len(num_classes)) for k in levels]
        self.backbone = make_backbone(config, initializer)
        self.semantic_heads = [
            SemanticHead(c, config.head_width, config.head_hidden, initializer=initializer, name=f"semantic_{k}")
            for k, c in enumerate(num_classes)
        ]
        self.offset_heads = [self._offset_head(k) for k in levels]

    def _offset_head(self, level):
        c = self.config
        fusion = semantic_path = None
        if c.fusion != "none":
            fusion = SemanticAssistedFusion(
                c.head_width,
                c.transfer,
                c.stop_gradient,
                c.hard_assign,
                c.concat_order,
                gradient_to=c.gradient_to,
                hard_in=c.hard_in,
                concatenate=False,
                initializer=self.initializer,
                name=f"fusion_{level}",
            )
        if c.semantic_path != "none":
            semantic_path = SemanticPath(
                c.head_width,
                c.semantic_path,
                c.semantic_path_gradient,
                initializer=self.initializer,
                name="semantic_path",
            )
        return OffsetHead(
            fusion,
            c.head_width,
            c.head_hidden,
            c.fuse_from,
            plain_unit=c.baseline_unit,
            semantic_path=semantic_path,
            initializer=self.initializer,
            name=f"offset_{level}",
        )

    def call(self, points, octree, index, weight, training=False):
        """points: Points; octree: Octree of config.depth; index, weight [N, 8]: the octants around the points."""
        semantic, instance = self.backbone.at_points(points, octree, index, weight, training=training)
        logits = [head(semantic, training=training) for head in self.semantic_heads]
        probabilities = [tf.nn.softmax(x) for x in logits]
        predictions = []
        for k, head in enumerate(self.offset_heads):
            sources = [probabilities[r] for r in self.sources[k]]
            offsets = head(instance, sources, points.xyz, points.row_splits, semantic=semantic, training=training)
            predictions.append(LevelPrediction(logits[k], *offsets))
        return tuple(predictions)
