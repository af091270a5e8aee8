"""Measures of instances whatever their class: is a part found, even if it is called another?"""

from typing import Any

import numpy as np

from instance_seg.metrics.best_overlap import best_of_proposals
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.matching import Hits
from instance_seg.metrics.partnet import AP_NAMES, PartNetAP
from instance_seg.structures import Labels, Level, Segmented


class ClassAgnosticAP:
    """AP25_any, AP50_any, AP75_any: PartNet's measure with all classes that have instances as one (ours).

    mIoU_any: of each true part the IoU of the proposal that overlaps it best; the mean over the parts of a cloud, then
    over clouds. Points of no part are left out, and so are proposals whose class has no instances.
    """

    def __init__(self, level: Level, config: MetricConfig):
        self._things = level.things
        self._one_class = PartNetAP(Level(level.number, level.name, ("ignored", "any"), 1, (1,)), config)
        self._best: list[float] = []

    def add(self, truth: Labels, segmented: Segmented) -> Hits | None:
        """Adds a cloud."""

        def scored(classes):
            return np.isin(classes, self._things).astype(np.int32)

        proposals = segmented.proposals._replace(label=scored(segmented.proposals.label))
        ids, part = np.unique(np.where(scored(truth.semantic), truth.instance, -1), return_inverse=True)
        part -= np.count_nonzero(ids < 0)
        best = best_of_proposals(part, proposals.chosen(np.flatnonzero(proposals.label)))
        self._best += [best.mean()] if len(best) else []
        return self._one_class.add(
            truth._replace(semantic=scored(truth.semantic)),
            segmented._replace(semantic=scored(segmented.semantic), proposals=proposals),
        )

    def result(self) -> dict[str, Any]:
        """Measures in percent, NaN where nothing could be measured."""
        found = self._one_class.result()
        best = 100 * float(np.mean(self._best)) if self._best else np.nan
        return {f"{name}_any": found[name] for name in AP_NAMES} | {"mIoU_any": best, "per_class": {}}
