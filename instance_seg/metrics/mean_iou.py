"""Mean IoU of the semantic labels, in the three versions that are in use for PartNet.

All of them look only at points whose ground-truth class is scored; a prediction of one that is not is an error there.
NumPy only.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.clustering.partition import contingency


class LabelCounts(NamedTuple):
    """Points of one shape per class, int64 [S] each."""

    both: np.ndarray  # ground truth and prediction agree on the class
    gt: np.ndarray
    predicted: np.ndarray

    @property
    def union(self) -> np.ndarray:
        return self.gt + self.predicted - self.both


def count_labels(gt_semantic: np.ndarray, semantic: np.ndarray, num_classes: int) -> LabelCounts:
    """Counts over [N] points, all of which have a ground-truth class that is scored."""
    confusion = contingency(gt_semantic, semantic, num_classes, num_classes)
    return LabelCounts(np.diagonal(confusion).copy(), confusion.sum(axis=1), confusion.sum(axis=0))


def pooled_mean_iou(shapes: Sequence[LabelCounts], first_scored: int = 1) -> float:
    """Version 2, PartNet's part-category mIoU: points of all shapes pooled, then the mean over classes.

    The sum runs over the classes from `first_scored` on and is divided by the number of those that occur in the ground
    truth.
    """
    pooled = LabelCounts(*(np.sum(counts, axis=0) for counts in zip(*shapes)))
    iou = pooled.both[first_scored:] / (pooled.union[first_scored:] + 1e-5)
    return float(iou.sum() / np.count_nonzero(pooled.gt[first_scored:]))


def shape_mean_iou(shapes: Sequence[LabelCounts], include_predicted: bool) -> float:
    """Mean over shapes of the mean over the shape's classes.

    Args:
      shapes: counts of shapes with at least one point each.
      include_predicted: False = version 1, the classes of the ground truth; True = version 3, those of the prediction
        too, where one that is not scored, if predicted, is one more class of IoU 0.
    """
    present = [counts.union > 0 if include_predicted else counts.gt > 0 for counts in shapes]
    return float(np.mean([np.mean(c.both[there] / c.union[there]) for c, there in zip(shapes, present)]))
