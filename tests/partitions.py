"""Clouds whose instances partition their points, out of plain arrays, and PartNet's measures of them."""

from typing import NamedTuple

import numpy as np

from instance_seg.clustering.partition import as_proposals
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import MIN_POINTS, LevelMetrics, PartNetAP
from instance_seg.structures import Labels, Level, Segmented


class Partition(NamedTuple):
    """One cloud at one level: ground truth, and the points of a segmentation; arrays [N]."""

    gt_semantic: np.ndarray
    gt_instance: np.ndarray
    semantic: np.ndarray
    instance: np.ndarray  # negative = in no instance
    entropy: np.ndarray  # float32, nats

    @property
    def truth(self) -> Labels:
        return Labels(self.gt_semantic, self.gt_instance)

    def segmented(self, shifted: np.ndarray | None = None) -> Segmented:
        num_classes = int(self.semantic.max(initial=0)) + 1
        proposals = as_proposals(self.instance, self.semantic, -self.entropy, num_classes)
        return Segmented(self.semantic, proposals, -self.entropy, shifted)


def partnet_ap(names, min_points=MIN_POINTS, first_scored=1, **config) -> PartNetAP:
    """The metric of a level with these classes."""
    things = tuple(range(first_scored, len(names)))
    return PartNetAP(Level(1, "coarse", tuple(names), first_scored, things), MetricConfig(**config), min_points)


def measured(shapes, names, min_points=MIN_POINTS) -> LevelMetrics:
    """PartNet's measures of partitions."""
    metric = partnet_ap(names, min_points)
    for shape in shapes:
        metric.add(shape.truth, shape.segmented())
    return metric.summary()
