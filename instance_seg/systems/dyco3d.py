"""DyCo3D (He et al., CVPR 2021): groups of shifted points make layers, which find the mask of each in its whole cloud.

Its sparse U-Net has attention at the two coarsest levels (--attention_levels=2). The paper's fusion is one setting
away: --fusion=own (Section 4.2, "DyCo3D*").
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import expit

from instance_seg.clustering.components import NO_GROUPS, Groups, among, component_groups
from instance_seg.clustering.suppression import overlaps, suppress
from instance_seg.heads.dynamic_mask import DynamicMaskHead, Masks
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.instance_masks import instance_mask_losses, instance_mask_targets
from instance_seg.structures import Batch, Points, Proposals, Segmented, Task, Tensor
from instance_seg.systems.proposal_settings import DyCo3DReading, DyCo3DSettings
from instance_seg.systems.proposal_system import PREPARE, PointOutputs, ProposalSystem, point_losses


class DyCo3DLevel(NamedTuple):
    """What is said of a batch at one level."""

    points: PointOutputs
    groups: Groups
    label: Tensor  # [P] int32, the class that all points of a group are said to have
    masks: Masks


class Readout(NamedTuple):
    """What instances are read off."""

    semantic: Tensor  # [N] int32
    offset: Tensor  # [N, 3] float32
    candidates: Groups  # of each group the points of its cloud and class
    label: Tensor  # [P] int32
    masks: Tensor  # [E] float32, logits, for each entry of the candidates


class DyCo3D(ProposalSystem):
    """Groups of the shifted points alone; each makes the layers that say which points belong to its instance."""

    Settings = DyCo3DSettings

    def __init__(self, settings: DyCo3DSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, semantic_hidden=2, **kwargs)
        g, made = settings.groups, {"initializer": initializer}
        self.mask_heads = {
            k: DynamicMaskHead(settings.head_width, g.grid_size, g.grid_scale, g.grid_seed, **made, name=f"masks_{k}")
            for k in task.scored
        }

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[DyCo3DLevel, ...]:
        """One DyCo3DLevel per level; without groups in phase "prepare", and at levels that are not scored.

        In no phase, when it is evaluated, no group is left out.
        """
        features, outputs = self.point_outputs(points, tables, training)
        levels = []
        for k, each in enumerate(outputs):
            groups, label, masks = NO_GROUPS, tf.zeros([0], tf.int32), Masks(NO_GROUPS, tf.zeros([0]))
            if phase != PREPARE and k in self.mask_heads:
                semantic, things = _classes(each), self.task.levels[k].things
                groups = self._groups(each.offset, semantic, points, things)
                if phase:
                    groups = groups.first(self.settings.groups.group_limit)
                label = tf.gather(semantic, tf.gather(groups.points, groups.row_splits[:-1]))
                masks = self.mask_heads[k](features, points, groups, among(semantic, things), training=training)
            levels.append(DyCo3DLevel(each, groups, label, masks))
        return tuple(levels)

    def _groups(self, offset, semantic, points, things):
        g, shifted = self.settings.groups, points.xyz + offset
        sizes = g.group_radius, g.group_neighbors, g.group_min_points
        return component_groups(shifted, semantic, points.row_splits, things, *sizes)

    def losses(self, outputs: tuple[DyCo3DLevel, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "level_1/semantic", ".../norm", ".../direction", ".../mask", ".../dice" and so on; all weights are 1."""
        terms = {}
        for level, each, labels in zip(self.task.levels, outputs, batch.labels, strict=True):
            found, truth = point_losses(each.points, labels, level, batch)
            candidates, logits = each.masks
            targets = instance_mask_targets(each.groups, candidates, truth, labels.semantic, each.label)
            found |= instance_mask_losses(logits, candidates, targets)
            terms |= {f"level_{level.number}/{name}": value for name, value in found.items()}
        return terms

    @classmethod
    def readings(cls, settings: DyCo3DSettings) -> Mapping[str, DyCo3DReading]:
        """One."""
        return {"proposals": settings.grouping}

    def readout(self, outputs: tuple[DyCo3DLevel, ...]) -> tuple[Readout, ...]:
        """One for each level."""
        levels = []
        for each in outputs:
            semantic, (candidates, logits) = _classes(each.points), each.masks
            own = tf.gather(semantic, candidates.points) == tf.gather(each.label, candidates.of_entry())
            before = tf.concat([[0], tf.cumsum(tf.cast(own, tf.int32))], axis=0)
            kept = Groups(tf.boolean_mask(candidates.points, own), tf.gather(before, candidates.row_splits))
            levels.append(Readout(semantic, each.points.offset, kept, each.label, tf.boolean_mask(logits, own)))
        return tuple(levels)

    def segment(
        self, readout: tuple[Readout, ...], points: Points, reading: DyCo3DReading
    ) -> list[tuple[Segmented, ...]]:
        """The masks that are sure of themselves and not small, less those that overlap a better one."""
        return self.segment_clouds(_segmented, readout, points, reading)


def _classes(outputs):
    return tf.argmax(outputs.logits, axis=1, output_type=tf.int32)


def _segmented(level: Readout, xyz: np.ndarray, begin: int, end: int, reading: DyCo3DReading) -> Segmented:
    """A mask scores the sigmoid of its mean probability, in 0.5 to 0.73, as in the released program."""
    first = level.candidates.points[level.candidates.row_splits[:-1]]  # every group has its own members among them
    inside = level.masks > reading.mask_logit
    before = np.concatenate([[0], np.cumsum(inside)])
    total = np.concatenate([[0], np.cumsum(np.where(inside, expit(level.masks), 0), dtype=np.float64)])
    splits = before[level.candidates.row_splits]
    score = np.diff(total[level.candidates.row_splits]) / np.maximum(np.diff(splits), 1)
    masks = Proposals(level.candidates.points[inside], splits, level.label, np.float32(expit(score)))
    good = (masks.score > reading.proposal_score) & (masks.size > reading.proposal_points)
    kept = masks.chosen(np.flatnonzero(good & (begin <= first) & (first < end)))
    proposals = kept._replace(points=kept.points - begin)
    left = suppress(proposals.score, overlaps(proposals, end - begin), reading.proposal_overlap)
    return Segmented(level.semantic[begin:end], proposals.chosen(left), None, xyz[begin:end] + level.offset[begin:end])
