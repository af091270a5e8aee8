"""PartNet's official measure of proposals, which is for predictions given as masks that may overlap."""

from typing import Any

import numpy as np

from instance_seg.data.partnet.formats.predictions_h5 import proposals_to_masks
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.mean_iou import count_labels
from instance_seg.metrics.partnet import MaskShape, ShapeResult, measure_masks, summarize_level
from instance_seg.structures import Labels, Level, Segmented


class PartNetOfficialAP:
    """What `evaluate_official` says of the prediction files of the proposals, and mIoU as `PartNetAP` has it.

    The label and the score are those of the proposals. Its measures have the names of the authors' variant, so it
    takes the place of that: --metrics=partnet_official.

    Args:
        level: class 0 is "other".
        config: the arithmetic of average precision.
    """

    def __init__(self, level: Level, config: MetricConfig):
        self.level, self.arithmetic = level, config.ap_arithmetic
        self._results: list[ShapeResult] = []

    def add(self, truth: Labels, segmented: Segmented) -> None:
        """Adds a cloud. ValueError naming its position for labels outside of the classes."""
        semantic, instance = np.asarray(truth.semantic), np.asarray(truth.instance)
        ids, first = np.unique(np.where(semantic > 0, instance, -1), return_index=True)
        ids, first = ids[ids >= 0], first[ids >= 0]
        shape = MaskShape(
            *proposals_to_masks(segmented.proposals, len(semantic)),
            gt_mask=instance == ids[:, None],
            gt_label=semantic[first] - 1,
            gt_valid=np.ones(len(ids), bool),
            gt_other=(semantic <= 0) | (instance < 0),
        )
        found = measure_masks(shape, len(self.level.classes), len(self._results))
        labeled = semantic > 0
        counts = count_labels(semantic[labeled], segmented.semantic[labeled], len(self.level.classes))
        self._results.append(found._replace(counts=counts))

    def result(self) -> dict[str, Any]:
        """The measures in percent, NaN where nothing could be measured, and "per_class"."""
        return summarize_level(self._results, self.level.classes, self.arithmetic).measures()
