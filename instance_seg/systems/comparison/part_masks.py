"""Detection by segmentation, the baseline of the PartNet paper (rows "PartNet" of Tables 1, 2 and 10).

Every point is shared out among 200 masks and "other" by a softmax; training matches masks with parts. As in PartNet's
program but for the data: shapes lie in their smallest enclosing sphere, parts without points do not count, and where
masks of the ground truth overlap the later part has the point.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from instance_seg.clustering.comparison.masks import masks_as_proposals
from instance_seg.clustering.components import splits_to_ids
from instance_seg.data.targets import InstanceRanks
from instance_seg.heads.branch import Branch
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.part_masks import MaskOutputs, part_mask_losses
from instance_seg.structures import Batch, Points, Segmented, Task
from instance_seg.systems.comparison.settings import MaskReading, PartMasksSettings
from instance_seg.systems.comparison.single_level import SingleLevel


class PartMasks(SingleLevel):
    """Classes and soft masks of the points, and a confidence for each mask, which the whole shape decides."""

    Settings = PartMasksSettings
    targets = InstanceRanks()

    def __init__(self, settings: PartMasksSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)

        def branch(name, outputs, *widths):
            return Branch(settings.widths(*widths), outputs, initializer=initializer, name=name)

        self.semantic = branch("semantic", len(self.level.classes), 256, 256, 128)
        self.masks = branch("masks", settings.num_masks + 1, 256, 256, 128)
        self.confidence = branch("confidence", settings.num_masks, 256, 256)

    def call(self, points: Points, tables, *, phase="", training=False) -> MaskOutputs:
        """The outputs for all points of a batch."""
        (features,), whole = self.backbone(points, training=training, with_summary=True)
        return MaskOutputs(
            self.semantic(features, training=training),
            tf.nn.softmax(self.masks(features, training=training)),
            tf.sigmoid(self.confidence(whole, training=training)),
        )

    def losses(self, outputs: MaskOutputs, batch: Batch) -> dict[str, tf.Tensor]:
        """The five terms of losses.part_masks."""
        (labels,), (rank,), splits = batch.labels, batch.targets, batch.points.row_splits
        count = tf.math.segment_max(rank, splits_to_ids(splits)) + 1
        terms = part_mask_losses(outputs, labels.semantic, rank, count, splits)
        return terms | {"norm": self.settings.norm_weight * terms["norm"]}

    def segment(self, readout: MaskOutputs, points: Points, reading: MaskReading) -> Sequence[tuple[Segmented, ...]]:
        """Masks of more than a few points whose class is not "other"."""
        found = []
        for b, (begin, end) in enumerate(zip(points.row_splits[:-1], points.row_splits[1:])):
            logits, masks = readout.logits[begin:end], readout.masks[begin:end, :-1]
            proposals = masks_as_proposals(
                logits, masks, readout.confidence[b], reading.mask_threshold, reading.mask_min_points
            )
            found.append((Segmented(logits.argmax(axis=1).astype(np.int32), proposals),))
        return found
