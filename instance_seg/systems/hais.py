"""HAIS (Chen et al., ICCV 2021): components absorb the fragments near by, and each proposal gets a mask and a score.

The paper's fusion is one setting away: --fusion=own (Section 4.2, "HAIS*").
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups, component_groups, splits_to_ids
from instance_seg.clustering.set_aggregation import ClassSizes, hierarchical_groups, measured_sizes
from instance_seg.heads.group_unet import GroupUNet
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Composite, Linear
from instance_seg.losses.proposals import mask_loss, mask_targets, score_loss, true_overlaps
from instance_seg.structures import Batch, Cloud, Points, Proposals, Segmented, Task, Tensor
from instance_seg.systems.proposal_settings import HaisReading, HaisSettings
from instance_seg.systems.proposal_system import PREPARE, PROPOSALS, PointOutputs, ProposalSystem, point_losses

FILTERED = "filtered"  # the last phase


class HaisLevel(NamedTuple):
    """What is said of a batch at one level."""

    points: PointOutputs
    groups: Groups
    scores: Tensor  # [P] float32, logits
    masks: Tensor  # [T] float32, logits, for each entry of the groups
    counted: Tensor  # [T] bool, the entries that overlaps with the truth are measured on


class Readout(NamedTuple):
    """What instances are read off."""

    semantic: Tensor  # [N] int32
    offset: Tensor  # [N, 3] float32
    groups: Groups
    score: Tensor  # [P] float32, in [0, 1]
    masks: Tensor  # [T] float32, logits


class Judge(Composite):
    """The intra-instance network: a mask and a score for each group."""

    def __init__(self, settings: HaisSettings, **kwargs):
        super().__init__(**kwargs)
        g, width, made = settings.groups, settings.head_width, {"initializer": self.initializer}
        self.unet = GroupUNet(width, g.grid_size, g.grid_scale, g.grid_seed, **made, name="unet")
        self.mask_hidden = Linear(width, use_bias=True, **made, name="mask_hidden")
        self.mask = Linear(1, use_bias=True, **made, dtype="float32", name="mask")
        self.score = Linear(1, use_bias=True, **made, dtype="float32", name="score")

    def call(self, features, points, groups, filtered=True, training=False):
        """Scores [P] and masks [T], both logits; `filtered`: only voxels in the mask have a say in the score."""
        voxels = self.unet(features, points, groups, training=training)
        masks = self.mask(tf.nn.relu(self.mask_hidden(voxels.features)))[:, 0]
        judged = voxels.features
        if filtered:
            judged *= tf.cast(masks >= 0, judged.dtype)[:, None]
        scores = self.score(tf.math.segment_max(judged, voxels.group))[:, 0]
        return scores, tf.gather(masks, voxels.of_entry)


class Hais(ProposalSystem):
    """Groups of the shifted points alone; the network sees each on a grid of voxels of its own."""

    Settings = HaisSettings

    def __init__(self, settings: HaisSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, semantic_hidden=1, **kwargs)
        self.judges = {k: Judge(settings, initializer=initializer, name=f"judge_{k}") for k in task.scored}
        self.sizes = {k: self._given_sizes(k) for k in task.scored}

    def _given_sizes(self, k):
        """The settings' sizes as weights, so that a checkpoint keeps those that are measured."""
        level, weights = self.task.levels[k], []
        for name in ClassSizes._fields:
            given = getattr(self.settings.groups, f"class_{name}")
            if given and len(given) != len(level.things):
                raise ValueError(
                    f"class_{name} has {len(given)} numbers for the {len(level.things)} classes with instances of "
                    f"level {level.name}; leave it empty to measure them on the training clouds"
                )
            value = np.zeros(len(level.classes), np.float32)
            value[list(level.things)] = given or 1.0
            init = lambda shape, dtype=None, value=value: tf.constant(value, dtype)  # noqa: E731
            weights.append(
                self.add_weight(name=f"class_{name}_{k}", shape=value.shape, initializer=init, trainable=False)
            )
        return ClassSizes(*weights)

    def calibrate(self, clouds: Sequence[Cloud]) -> dict[str, Any]:
        """Measures the sizes that the settings leave empty."""
        given, found = self.settings.groups, {}
        if given.class_points and given.class_radius:
            return {}
        for k, weights in self.sizes.items():
            measured = measured_sizes(
                ((cloud.xyz, cloud.labels[k]) for cloud in clouds), len(self.task.levels[k].classes)
            )
            for name, weight, value in zip(ClassSizes._fields, weights, measured):
                if not getattr(given, f"class_{name}"):
                    weight.assign(value)
                    found[f"level_{self.task.levels[k].number}/class_{name}"] = value.tolist()
        return found

    def phase(self, step: int) -> str:
        """First classes and offsets alone, then proposals, then scores and overlaps of what the masks leave."""
        return FILTERED if step >= self.settings.groups.filter_iter else super().phase(step)

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[HaisLevel, ...]:
        """One HaisLevel per level; without groups in phase "prepare", and at levels that are not scored.

        In no phase, when it is evaluated, components absorb fragments and no proposal is left out.
        """
        features, outputs = self.point_outputs(points, tables, training)
        levels = []
        for k, each in enumerate(outputs):
            groups, scores, masks = NO_GROUPS, tf.zeros([0]), tf.zeros([0])
            if phase != PREPARE and k in self.judges:
                groups = self._groups(each, points, k, absorb=not phase)
                filtered = phase != PROPOSALS
                scores, masks = self.judges[k](features, points, groups, filtered=filtered, training=training)
            counted = masks > 0 if phase == FILTERED else tf.ones_like(masks, tf.bool)
            levels.append(HaisLevel(each, groups, scores, masks, counted))
        return tuple(levels)

    def _groups(self, outputs, points, k, absorb):
        g, semantic = self.settings.groups, tf.argmax(outputs.logits, axis=1, output_type=tf.int32)
        xyz, things = tf.stop_gradient(points.xyz + outputs.offset), self.task.levels[k].things
        components = component_groups(
            xyz, semantic, points.row_splits, things, g.group_radius, g.group_neighbors, g.group_min_points
        )

        def aggregate(*arrays):
            return hierarchical_groups(*arrays[:5], ClassSizes(*arrays[5:]), absorb)

        clouds, sizes = splits_to_ids(points.row_splits), map(tf.convert_to_tensor, self.sizes[k])
        found = tf.numpy_function(aggregate, [*components, xyz, semantic, clouds, *sizes], [tf.int32, tf.int32])
        members, row_splits = (tf.ensure_shape(x, [None]) for x in found)
        if not absorb:
            row_splits = row_splits[: g.group_limit + 1]
        return Groups(members[: row_splits[-1]], row_splits)

    def losses(self, outputs: tuple[HaisLevel, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "level_1/semantic", "level_1/norm", "level_1/score", "level_1/mask" and so on; all weights are 1."""
        terms = {}
        for level, each, labels in zip(self.task.levels, outputs, batch.labels, strict=True):
            found, truth = point_losses(each.points, labels, level, batch)
            del found["direction"]
            overlaps = true_overlaps(each.groups, truth, each.counted)
            found["score"] = score_loss(each.scores, overlaps, 0.0, 1.0 + 1e-5)
            found["mask"] = mask_loss(each.masks, *mask_targets(each.groups, truth, overlaps))
            terms |= {f"level_{level.number}/{name}": value for name, value in found.items()}
        return terms

    @classmethod
    def readings(cls, settings: HaisSettings) -> Mapping[str, HaisReading]:
        """One."""
        return {"proposals": settings.grouping}

    def readout(self, outputs: tuple[HaisLevel, ...]) -> tuple[Readout, ...]:
        """One for each level."""
        return tuple(
            Readout(
                tf.argmax(each.points.logits, axis=1, output_type=tf.int32),
                each.points.offset,
                each.groups,
                tf.sigmoid(each.scores),
                each.masks,
            )
            for each in outputs
        )

    def segment(
        self, readout: tuple[Readout, ...], points: Points, reading: HaisReading
    ) -> list[tuple[Segmented, ...]]:
        """The points in the masks of the proposals that score well and keep enough of them; they may overlap."""
        return self.segment_clouds(_segmented, readout, points, reading)


def _segmented(level: Readout, xyz: np.ndarray, begin: int, end: int, reading: HaisReading) -> Segmented:
    first = level.groups.points[level.groups.row_splits[:-1]]
    inside = level.masks > reading.mask_logit
    splits = np.concatenate([[0], np.cumsum(inside)])[level.groups.row_splits]
    masked = Proposals(level.groups.points[inside], splits, level.semantic[first], level.score)
    good = (masked.score > reading.proposal_score) & (masked.size >= reading.proposal_points)
    kept = masked.chosen(np.flatnonzero(good & (begin <= first) & (first < end)))
    proposals = kept._replace(points=kept.points - begin)
    return Segmented(level.semantic[begin:end], proposals, None, xyz[begin:end] + level.offset[begin:end])
