"""The paper's network: a backbone, per-level heads, semantic-assisted fusion (Sections 3.1-3.3)."""

import tensorflow as tf

from instance_seg.fusion import source_levels
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.fusion.two_direction import SemanticPath
from instance_seg.heads.offset import OffsetHead
from instance_seg.heads.semantic import SemanticHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.structures import LevelPrediction, Points, Task
from instance_seg.systems.offset_system import OffsetSystem
from instance_seg.systems.settings import SemanticAssistedSettings


class SemanticAssisted(OffsetSystem):
    """A semantic and an offset head per level; the latter fuses the probabilities of the former."""

    Settings = SemanticAssistedSettings

    def __init__(self, settings: SemanticAssistedSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        levels, s = range(len(task.levels)), settings
        self.sources = [source_levels(s.fusion, k, len(levels)) for k in levels]
        self.semantic_heads = [
            SemanticHead(c, s.head_width, s.head_hidden, initializer=initializer, name=f"semantic_{k}")
            for k, c in enumerate(task.num_classes)
        ]
        self.offset_heads = [self._offset_head(k) for k in levels]

    def _offset_head(self, level):
        c = self.settings
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

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[LevelPrediction, ...]:
        """One LevelPrediction per level; `tables` are the backbone's."""
        semantic, instance = self.backbone.at_points(points, tables, training=training)
        logits = [head(semantic, training=training) for head in self.semantic_heads]
        probabilities = [tf.nn.softmax(x) for x in logits]
        predictions = []
        for k, head in enumerate(self.offset_heads):
            sources = [probabilities[r] for r in self.sources[k]]
            offsets = head(instance, sources, points.xyz, points.row_splits, semantic=semantic, training=training)
            predictions.append(LevelPrediction(logits[k], *offsets))
        return tuple(predictions)
