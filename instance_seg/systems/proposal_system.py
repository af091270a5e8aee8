"""What PointGroup and its heirs share: classes and an offset for every point, of which they make proposals."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.heads.offset import OffsetHead
from instance_seg.heads.semantic import SemanticHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Unit
from instance_seg.losses.proposals import Truth, center_offsets, offset_losses, true_instances
from instance_seg.losses.segmentation import average, cross_entropy
from instance_seg.structures import Batch, Labels, Level, Points, Task, Tensor
from instance_seg.systems.proposal_settings import ProposalSettings
from instance_seg.systems.system import System, make_backbone

PREPARE, PROPOSALS = "prepare", "proposals"  # phases

make_unit = functools.partial(Unit, activation_name="relu", use_bias=True, epsilon=1e-4, decay=0.9)


class PointOutputs(NamedTuple):
    """What is said of every point at one level."""

    logits: Tensor  # [N, S] float32
    offset: Tensor  # [N, 3] float32, to the center of the point's instance


class ProposalSystem(System):
    """A backbone with one decoder, and a semantic and an offset head for every level.

    Args:
        semantic_hidden: hidden units of the semantic head.
    """

    def __init__(
        self,
        settings: ProposalSettings,
        task: Task,
        initializer: Initializer = RELEASED,
        semantic_hidden: int = 0,
        **kwargs,
    ):
        super().__init__(settings, task, initializer, **kwargs)
        width = settings.head_width
        self.backbone = make_backbone(settings, task, initializer, num_decoders=1)
        made = {"make_unit": make_unit, "initializer": initializer}
        self.semantic_heads = [
            SemanticHead(c, width, semantic_hidden, **made, name=f"semantic_{k}")
            for k, c in enumerate(task.num_classes)
        ]
        self.offset_heads = [
            OffsetHead(self._fusion(k), width, num_hidden=1, num_offsets=1, **made, name=f"offset_{k}")
            for k in range(len(task.levels))
        ]

    def _fusion(self, k):
        """[F^, F_ins, p] without a unit behind the aggregation, as the paper has it."""
        if self.settings.fusion == "none":
            return None
        return SemanticAssistedFusion(transfer=False, order="paper", initializer=self.initializer, name=f"fusion_{k}")

    def point_outputs(self, points: Points, tables, training: bool) -> tuple[tf.Tensor, tuple[PointOutputs, ...]]:
        """The features of the points [N, C], which no fusion touches, and what is said of them at each level."""
        (features,) = self.backbone.at_points(points, tables, training=training)
        levels = []
        for semantic, offset in zip(self.semantic_heads, self.offset_heads):
            logits = semantic(features, training=training)
            sources = [tf.nn.softmax(logits)]
            levels.append(
                PointOutputs(logits, *offset(features, sources, points.xyz, points.row_splits, training=training))
            )
        return features, tuple(levels)

    def segment_clouds(self, of_level: Callable, readout: Sequence[Any], points: Points, reading: Any) -> list[tuple]:
        """of_level(readout of a level, xyz of the batch, first row, end, reading) of every cloud at every level."""
        return [
            tuple(of_level(readout[k], points.xyz, begin, end, reading) for k in self.task.measured_at)
            for begin, end in zip(points.row_splits[:-1], points.row_splits[1:])
        ]

    def phase(self, step: int) -> str:
        """First classes and offsets alone, then proposals as well."""
        return PROPOSALS if step >= self.settings.groups.prepare_iter else PREPARE


def point_losses(
    outputs: PointOutputs, labels: Labels, level: Level, batch: Batch
) -> tuple[dict[str, tf.Tensor], Truth]:
    """ "semantic", "norm" and "direction" of one level, unweighted, and the instances of the batch.

    Classes are learned at the points that have one which is scored, offsets at all points of instances, whatever their
    class. Centers are those of the points in the batch, of what a crop has left.
    """
    xyz, row_splits = batch.points.xyz, batch.points.row_splits
    known = tf.cast(labels.semantic >= level.first_scored, xyz.dtype)
    entropy = cross_entropy(outputs.logits, tf.maximum(labels.semantic, 0))
    truth = true_instances(labels, row_splits)
    terms = {"semantic": average(entropy, known, row_splits, "point")}
    return terms | offset_losses(outputs.offset, center_offsets(xyz, truth), truth, row_splits), truth
