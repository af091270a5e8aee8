"""Average precision of instances whatever their class (ours): is a part found, even if it is called another?"""

from typing import Any

import numpy as np

from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.matching import Hits
from instance_seg.metrics.partnet import AP_NAMES, PartNetAP
from instance_seg.structures import Labels, Level, Segmented


class ClassAgnosticAP:
    """AP25_any, AP50_any, AP75_any: PartNet's measure with all classes that have instances as one."""

    def __init__(self, level: Level, config: MetricConfig):
        self._things = level.things
        self._one_class = PartNetAP(Level(level.number, level.name, ("ignored", "any"), 1, (1,)), config)

    def add(self, truth: Labels, segmented: Segmented) -> Hits | None:
        """Adds a cloud."""

        def scored(classes):
            return np.isin(classes, self._things).astype(np.int32)

        proposals = segmented.proposals._replace(label=scored(segmented.proposals.label))
        return self._one_class.add(
            truth._replace(semantic=scored(truth.semantic)),
            segmented._replace(semantic=scored(segmented.semantic), proposals=proposals),
        )

    def result(self) -> dict[str, Any]:
        """Measures in percent, NaN where nothing could be measured."""
        found = self._one_class.result()
        return {f"{name}_any": found[name] for name in AP_NAMES} | {"per_class": {}}
