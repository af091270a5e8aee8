"""Which predicted instances of one shape hit a ground-truth instance: one shape, one level, all thresholds at once.

Instances that do not overlap each other are compared through one contingency table (a count of points per pair of
ids), never mask against mask. NumPy only.
"""

from typing import NamedTuple

import numpy as np


class Instances(NamedTuple):
    """The instances of one shape on one side, prediction or ground truth."""

    ids: np.ndarray  # [I] the ids that occur, ascending
    index: np.ndarray  # [N] intp, position of each point's id in `ids`
    size: np.ndarray  # [I] int64, number of points
    label: np.ndarray  # [I] int64, most frequent class of the points; the smaller class wins a tie


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


def compact_ids(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ids [I], ascending, and each point's position among them [N] (as np.unique, without its sort)."""
    if len(ids) == 0:
        return ids, np.zeros(0, np.intp)
    lowest = int(ids.min())
    span = int(ids.max()) - lowest + 1
    if span > 4 * len(ids) + 1024:  # far-apart ids: a table over the whole range would be larger than the sort is slow
        return np.unique(ids, return_inverse=True)
    shifted = ids.astype(np.intp) - lowest
    occurs = np.bincount(shifted, minlength=span) > 0
    position = np.cumsum(occurs) - 1
    return (np.flatnonzero(occurs) + lowest).astype(ids.dtype), position[shifted]


def find_instances(ids: np.ndarray, labels: np.ndarray, num_classes: int) -> Instances:
    """Sizes and majority classes of the instances.

    Args:
      ids: [N] integer instance ids, any values.
      labels: [N] integer classes in [0, num_classes).
    """
    distinct, index = compact_ids(ids)
    votes = contingency(index, labels, len(distinct), num_classes)
    return Instances(distinct, index, votes.sum(axis=1), votes.argmax(axis=1))


def contingency(rows: np.ndarray, columns: np.ndarray, num_rows: int, num_columns: int) -> np.ndarray:
    """How often each pair occurs: [num_rows, num_columns] int64 from two [N] index arrays."""
    flat = rows.astype(np.intp) * num_columns + columns
    return np.bincount(flat, minlength=num_rows * num_columns).reshape(num_rows, num_columns)


def instance_confidence(instances: Instances, entropy: np.ndarray) -> np.ndarray:
    """[I] float32: one minus the mean entropy (nats) of the points of each instance; may be negative."""
    total = np.bincount(instances.index, weights=entropy, minlength=len(instances.ids))
    return (1.0 - total / instances.size).astype(np.float32)


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
