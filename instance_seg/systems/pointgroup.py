"""PointGroup (Jiang et al., CVPR 2020): groups of the points as they are and of the shifted ones, each with a score.

The paper's fusion is one setting away: --fusion=own (Section 4.2, "PointGroup*").
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups, component_groups, join
from instance_seg.clustering.suppression import overlaps, suppress
from instance_seg.heads.group_unet import GroupUNet
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Linear
from instance_seg.losses.proposals import score_loss, true_overlaps
from instance_seg.structures import Batch, Points, Proposals, Segmented, Task, Tensor
from instance_seg.systems.proposal_settings import PointGroupReading, PointGroupSettings
from instance_seg.systems.proposal_system import PREPARE, PointOutputs, ProposalSystem, point_losses

LOW, HIGH = 0.25, 0.75  # overlaps with the truth at which a proposal should score 0 and 1


class PointGroupLevel(NamedTuple):
    """What is said of a batch at one level."""

    points: PointOutputs
    groups: Groups
    scores: Tensor  # [P] float32, logits


class Readout(NamedTuple):
    """What instances are read off."""

    semantic: Tensor  # [N] int32
    offset: Tensor  # [N, 3] float32
    groups: Groups
    score: Tensor  # [P] float32, in [0, 1]


class PointGroup(ProposalSystem):
    """Groups whose features, on a small grid of voxels, say how well they overlap an instance."""

    Settings = PointGroupSettings

    def __init__(self, settings: PointGroupSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        g, width = settings.groups, settings.head_width
        self.judges = {
            k: GroupUNet(width, g.grid_size, g.grid_scale, g.grid_seed, initializer=initializer, name=f"judge_{k}")
            for k in task.scored
        }
        self.scores = {
            k: Linear(1, use_bias=True, initializer=initializer, dtype="float32", name=f"score_{k}")
            for k in task.scored
        }

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[PointGroupLevel, ...]:
        """One PointGroupLevel per level; without groups in phase "prepare", and at levels that are not scored."""
        features, outputs = self.point_outputs(points, tables, training)
        levels = []
        for k, each in enumerate(outputs):
            groups, scores = NO_GROUPS, tf.zeros([0])
            if phase != PREPARE and k in self.judges:
                groups = self._groups(each, points, self.task.levels[k].things)
                voxels = self.judges[k](features, points, groups, training=training)
                scores = self.scores[k](tf.math.segment_max(voxels.features, voxels.group))[:, 0]
            levels.append(PointGroupLevel(each, groups, scores))
        return tuple(levels)

    def _groups(self, outputs, points, things):
        """Those of the points as they are, then those of the shifted ones."""
        g, semantic = self.settings.groups, tf.argmax(outputs.logits, axis=1, output_type=tf.int32)
        return join(
            [
                component_groups(
                    xyz, semantic, points.row_splits, things, g.group_radius, g.group_neighbors, g.group_min_points
                )
                for xyz in (points.xyz, points.xyz + outputs.offset)
            ]
        )

    def losses(self, outputs: tuple[PointGroupLevel, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "level_1/semantic", "level_1/norm", "level_1/direction", "level_1/score" and so on; all weights are 1."""
        terms = {}
        for level, each, labels in zip(self.task.levels, outputs, batch.labels, strict=True):
            found, truth = point_losses(each.points, labels, level, batch)
            found["score"] = score_loss(each.scores, true_overlaps(each.groups, truth), LOW, HIGH)
            terms |= {f"level_{level.number}/{name}": value for name, value in found.items()}
        return terms

    @classmethod
    def readings(cls, settings: PointGroupSettings) -> Mapping[str, PointGroupReading]:
        """One."""
        return {"proposals": settings.grouping}

    def readout(self, outputs: tuple[PointGroupLevel, ...]) -> tuple[Readout, ...]:
        """One for each level."""
        return tuple(
            Readout(
                tf.argmax(each.points.logits, axis=1, output_type=tf.int32),
                each.points.offset,
                each.groups,
                tf.sigmoid(each.scores),
            )
            for each in outputs
        )

    def segment(
        self, readout: tuple[Readout, ...], points: Points, reading: PointGroupReading
    ) -> list[tuple[Segmented, ...]]:
        """The proposals that score well and are not small, less those that overlap a better one."""
        return self.segment_clouds(_segmented, readout, points, reading)


def _segmented(level: Readout, xyz: np.ndarray, begin: int, end: int, reading: PointGroupReading) -> Segmented:
    semantic = level.semantic[begin:end]
    proposals = proposals_of(level, begin, end)
    good = (proposals.score > reading.proposal_score) & (proposals.size > reading.proposal_points)
    proposals = proposals.chosen(np.flatnonzero(good))
    left = suppress(proposals.score, overlaps(proposals, len(semantic)), reading.proposal_overlap)
    return Segmented(semantic, proposals.chosen(left), None, xyz[begin:end] + level.offset[begin:end])


def proposals_of(level: Readout, begin: int, end: int) -> Proposals:
    """The groups of the cloud with the rows begin:end; each has the class of its first point."""
    first = level.groups.points[level.groups.row_splits[:-1]]
    everything = Proposals(level.groups.points, level.groups.row_splits, level.semantic[first], level.score)
    own = everything.chosen(np.flatnonzero((begin <= first) & (first < end)))
    return own._replace(points=own.points - begin)
