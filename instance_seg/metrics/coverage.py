"""Coverage, precision and recall of instances as ASIS and JSNet report them on S3DIS, and mIoU (metrics.md, S3DIS).

Coverage is the IoU of the best proposal of its class, a mean over the ground-truth instances of a class. Precision and
recall count a proposal as right if the IoU with an instance of its class reaches one half. The published program does
not match one to one: two halves of one object are two right proposals, and recall may exceed 100 %.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from instance_seg.clustering.partition import contingency
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.matching import Hits, intersection_over_union
from instance_seg.structures import Labels, Level, Segmented

THRESHOLD = 0.5


class Coverage:
    """mCov, mWCov, mPrec, mRec, mIoU in percent; a cloud is a room.

    A class that cannot be measured is NaN and does not count in a mean: the published program divides by zero there,
    which makes its mean NaN.
    """

    def __init__(self, level: Level, config: MetricConfig):
        self._level = level
        self._coverage = defaultdict(list)  # class -> a value for each room that has it
        self._weighted = defaultdict(list)
        num_classes = len(level.classes)
        self._num_proposals, self._num_hits, self._num_true, self._inside, self._truth, self._predicted = np.zeros(
            (6, num_classes), np.int64
        )

    def add(self, truth: Labels, segmented: Segmented) -> Hits:
        """Adds a room; points without a class are left out."""
        known = np.asarray(truth.semantic) >= self._level.first_scored
        semantic, instance = np.asarray(truth.semantic)[known], np.asarray(truth.instance)[known]
        self._add_points(semantic, np.asarray(segmented.semantic)[known])

        _, instance = np.unique(instance, return_inverse=True)
        votes = contingency(instance, semantic, instance.max(initial=-1) + 1, len(self._level.classes))
        gt_label, gt_size = votes.argmax(axis=1), votes.sum(axis=1)
        of_point = np.full(len(known), -1)
        of_point[known] = instance
        proposals = segmented.proposals
        hit_by = of_point[proposals.points]
        counted = hit_by >= 0
        overlap = contingency(proposals.of_entry[counted], hit_by[counted], len(proposals.label), len(gt_label))
        size = np.bincount(proposals.of_entry[counted], minlength=len(proposals.label))
        iou = intersection_over_union(overlap, size, gt_size)
        iou = np.where(proposals.label[:, None] == gt_label[None, :], iou, 0.0)

        best = iou.max(axis=0, initial=0.0)
        for c in np.unique(gt_label):
            of_class = gt_label == c
            self._coverage[c].append(best[of_class].mean())
            self._weighted[c].append(np.average(best[of_class], weights=gt_size[of_class]))
        hit = iou.max(axis=1, initial=0.0) >= THRESHOLD
        exists = size > 0
        self._num_proposals += np.bincount(proposals.label[exists], minlength=len(self._level.classes))
        self._num_hits += np.bincount(proposals.label[exists & hit], minlength=len(self._level.classes))
        self._num_true += np.bincount(gt_label, minlength=len(self._level.classes))
        order = np.argsort(-proposals.score, kind="stable")
        order = order[exists[order]]
        return Hits(order, hit[None, order], (THRESHOLD,))

    def _add_points(self, semantic, predicted):
        count = len(self._level.classes)
        self._inside += np.bincount(semantic[semantic == predicted], minlength=count)
        self._truth += np.bincount(semantic, minlength=count)
        self._predicted += np.bincount(predicted, minlength=count)

    def result(self) -> dict[str, Any]:
        """The means over the classes that can be measured, and the measures of every class.

        With each class stand the counts that its measures are means over: so several results can be made one.
        """
        classes = range(self._level.first_scored, len(self._level.classes))
        union = self._truth + self._predicted - self._inside
        columns = {
            "Cov": [np.mean(self._coverage[c]) if self._coverage[c] else np.nan for c in classes],
            "WCov": [np.mean(self._weighted[c]) if self._weighted[c] else np.nan for c in classes],
            "Prec": [_ratio(self._num_hits[c], self._num_proposals[c]) for c in classes],
            "Rec": [_ratio(self._num_hits[c], self._num_true[c]) for c in classes],
            "IoU": [_ratio(self._inside[c], union[c]) for c in classes],
        }
        percent = {name: 100 * np.array(values) for name, values in columns.items()}
        means = {f"m{name}": _mean_of_known(values) for name, values in percent.items()}
        per_class = {
            self._level.classes[c]: {name: float(values[i]) for name, values in percent.items()}
            | {"instances": int(self._num_true[c]), "rooms": len(self._coverage[c])}
            | {"proposals": int(self._num_proposals[c]), "union": int(union[c])}
            for i, c in enumerate(classes)
        }
        return {**means, "per_class": per_class}


def _ratio(part, whole) -> float:
    return part / whole if whole else np.nan


def _mean_of_known(values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan
