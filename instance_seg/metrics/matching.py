"""Which predicted instances of one shape hit a ground-truth instance: one shape, one level, all thresholds at once.

Instances that do not overlap each other are compared through one contingency table (a count of points per pair of
ids), never mask against mask. NumPy only.
"""

from typing import NamedTuple

import numpy as np


class Hits(NamedTuple):
    """Which proposals of a cloud count, and which of them are true positives."""

    proposal: np.ndarray  # [P] int, positions among the proposals of the cloud, the most confident first
    hit: np.ndarray  # [T, P] bool, at each threshold of the metric
    thresholds: tuple[float, ...]  # T of them, of the IoU


class ShapeMatches(NamedTuple):
    """What average precision needs to know of one shape. Predictions stand in descending order of confidence."""

    gt_label: np.ndarray  # [G] int64, class of each ground-truth instance
    label: np.ndarray  # [P] int64, class of each counted prediction
    confidence: np.ndarray  # [P] float32
    matched: np.ndarray  # [T, P] int64, the ground-truth instance that is hit at a threshold, -1 = false positive

    @property
    def hits(self) -> np.ndarray:
        """[T, P] bool, true positives."""
        return self.matched >= 0


def intersection_over_union(overlap: np.ndarray, size: np.ndarray, gt_size: np.ndarray) -> np.ndarray:
    """IoU [P, G] float64 from overlaps [P, G] and sizes [P], [G] in points; 0 where both sides are empty."""
    union = size[:, None] + gt_size[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros(overlap.shape), where=union > 0, dtype=np.float64)


def match_instances(
    iou: np.ndarray, label: np.ndarray, confidence: np.ndarray, gt_label: np.ndarray, thresholds: np.ndarray
) -> ShapeMatches:
    """Matches the predictions of a shape with its ground truth, the most confident prediction choosing first.

    A prediction looks only at ground-truth instances of its own class that no earlier prediction has hit, takes the
    one of highest IoU (the first of equals), and hits it if the IoU is strictly above the threshold. Equal confidences
    keep the order of the input, so that a result never depends on the sorting algorithm.

    Args:
      iou: [P, G] float64.
      label: [P] class of each prediction.
      confidence: [P] float32.
      gt_label: [G] class of each ground-truth instance.
      thresholds: [T] float64.
    """
    order = np.argsort(-confidence, kind="stable")
    label = label[order]
    same_class_iou = np.where(label[:, None] == gt_label[None, :], iou[order], 0.0)
    return ShapeMatches(gt_label, label, confidence[order], _choose_in_turn(same_class_iou, thresholds))


def _choose_in_turn(iou: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """[T, P] the column each row takes, -1 = none. The thresholds do not see each other's choices."""
    matched = np.full((len(thresholds), len(iou)), -1, np.int64)
    if iou.shape[1] == 0:
        return matched
    each = np.arange(len(thresholds))
    free = np.ones((len(thresholds), iou.shape[1]))
    for row in np.flatnonzero(iou.max(axis=1) > thresholds.min()):  # the others hit nothing at any threshold
        candidates = free * iou[row]
        best = candidates.argmax(axis=1)
        hit = candidates[each, best] > thresholds
        matched[hit, row] = best[hit]
        free[each[hit], best[hit]] = 0.0
    return matched
