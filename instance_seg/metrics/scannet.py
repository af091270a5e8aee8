"""ScanNet's measures: AP, AP50, AP25 of instances and mIoU of semantics, in percent, as its scripts have them.

What is unusual about them is kept, since published figures depend on it:

* AP is the mean over nine thresholds of the IoU, 0.5 to 0.9; 0.95 is not one of them.
* Ground-truth instances and proposals of fewer than 100 points do not count. Points of a class that has no instances
  are void. A proposal without a match is left out, if more of it than the threshold is void or on small instances.
* Ground truth chooses among proposals, in their order, not the most confident first. A second proposal that covers the
  same instance is a false positive, with the lower of the two scores.
* Precision is not made monotone. A class without ground truth is left out of the mean.

Where every proposal and instance of a class is left out, the published script of Python 2 stops with an error; here, as
in the copies of PointGroup and HAIS, the AP is 0. NumPy only.
"""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from instance_seg.clustering.partition import compact_ids, contingency
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.matching import Hits, intersection_over_union
from instance_seg.structures import Labels, Level, Proposals, Segmented

THRESHOLDS = (*np.arange(0.5, 0.95, 0.05).tolist(), 0.25)
MIN_POINTS = 100  # of an instance or a proposal that counts

_IOU = np.array(THRESHOLDS)[:, None]  # [T, 1]
_HALF = THRESHOLDS.index(0.5)


class Truth(NamedTuple):
    """The instances of a cloud."""

    of_point: np.ndarray  # [N] int, the instance of each point, -1 = none
    label: np.ndarray  # [G] int, class of its first point
    size: np.ndarray  # [G] int


class Judged(NamedTuple):
    """The rows of a curve that one cloud and class give, at each of T thresholds."""

    true: np.ndarray  # [R] bool
    score: np.ndarray  # [R] float64
    threshold: np.ndarray  # [R] int, which one the row belongs to
    missed: np.ndarray  # [T] int, instances that no proposal covers


class ScanNetAP:
    """Both measures for one level, cloud by cloud.

    Args:
        level: its `things` are the classes with instances; every class counts for mIoU.
        min_points: instances and proposals of fewer points do not count.
    """

    def __init__(self, level: Level, config: MetricConfig | None = None, min_points: int = MIN_POINTS):
        self.level, self.min_points = level, min_points
        self._judged: dict[int, list[Judged]] = {c: [] for c in level.things}
        self._instances = dict.fromkeys(level.things, 0)
        self._proposals = dict.fromkeys(level.things, 0)
        num_classes = len(level.classes)
        self._confusion = np.zeros((num_classes + 1, num_classes + 1), np.int64)  # row and column 0: without a class
        self._num_added = 0

    def add(self, truth: Labels, segmented: Segmented) -> Hits | None:
        """Adds a cloud; None if it has no proposal that counts.

        Raises:
            ValueError: arrays that do not fit each other or the level, naming the cloud's position.
        """
        row, self._num_added = self._num_added, self._num_added + 1
        num_classes = len(self.level.classes)
        _check(truth, segmented, num_classes, row)
        self._confusion += contingency(truth.semantic + 1, segmented.semantic + 1, *self._confusion.shape)
        return self.add_proposals(find_truth(truth, self.level), segmented.proposals)

    def add_proposals(self, truth: Truth, proposals: Proposals) -> Hits | None:
        """Adds the proposals of a cloud for AP alone."""
        size = proposals.size
        counted = np.flatnonzero((size >= self.min_points) & np.isin(proposals.label, self.level.things))
        overlap = contingency(
            proposals.of_entry, truth.of_point[proposals.points] + 1, len(size), len(truth.label) + 1
        )[counted]
        void, overlap, size = overlap[:, 0], overlap[:, 1:], size[counted]
        iou = intersection_over_union(overlap, size, truth.size)
        label, score = proposals.label[counted], proposals.score[counted].astype(np.float64)
        small = truth.size < self.min_points
        hit, ignored = np.zeros((2, len(THRESHOLDS), len(counted)), bool)
        for c in self.level.things:
            gt, mine = np.flatnonzero(truth.label == c), np.flatnonzero(label == c)
            table = iou[np.ix_(mine, gt)]
            unscored = void[mine] + overlap[np.ix_(mine, gt[small[gt]])].sum(axis=1)
            judged, hit[:, mine], ignored[:, mine] = judge(
                table, table[:, ~small[gt]], score[mine], unscored / np.maximum(size[mine], 1)
            )
            self._judged[c].append(judged)
            self._instances[c] += np.count_nonzero(~small[gt])
            self._proposals[c] += len(mine)
        shown = np.flatnonzero(~ignored[_HALF])
        shown = shown[np.argsort(-score[shown], kind="stable")]
        return Hits(counted[shown], hit[:, shown], THRESHOLDS) if len(shown) else None

    def result(self) -> dict[str, Any]:
        """The measures in percent, NaN where nothing could be measured, and "per_class".

        mIoU is that of ScanNet's script, over the points that have a class; mIoU_hais is that of HAIS' program, where
        the classes predicted for other points count as errors.
        """
        ap = 100.0 * self.average_precisions()
        official, hais = (100.0 * iou for iou in self.class_ious())
        per_class: dict[str, dict[str, float]] = {}
        for c, name in enumerate(self.level.classes):
            measures: dict[str, float] = {"IoU": official[c]}
            if c in self._judged:
                measures |= dict(zip(("AP", "AP50", "AP25"), _three(ap[[self.level.things.index(c)]])))
            if measured := {key: value for key, value in measures.items() if not np.isnan(value)}:
                per_class[name] = measured | {"instances": int(self._instances.get(c, 0))}
        means = dict(zip(("AP", "AP50", "AP25"), _three(ap)))
        return means | {"mIoU": _nanmean(official), "mIoU_hais": _nanmean(hais), "per_class": per_class}

    def average_precisions(self) -> np.ndarray:
        """[things, T] in 0 .. 1; NaN: a class without ground truth."""
        found = np.full((len(self.level.things), len(THRESHOLDS)), np.nan)
        for i, c in enumerate(self.level.things):
            if self._instances[c]:
                found[i] = _curves(self._judged[c]) if self._proposals[c] else 0.0
        return found

    def class_ious(self) -> tuple[np.ndarray, np.ndarray]:
        """[S] in 0 .. 1 by ScanNet's script and by HAIS' program.

        NaN: a class that occurs nowhere, and for HAIS one without ground truth.
        """
        both, gt = np.diagonal(self._confusion)[1:], self._confusion[1:].sum(axis=1)
        labeled, everywhere = (self._confusion[first:, 1:].sum(axis=0) for first in (1, 0))
        with np.errstate(invalid="ignore"):
            return both / (gt + labeled - both), np.where(gt > 0, both / (gt + everywhere - both), np.nan)


def find_truth(truth: Labels, level: Level) -> Truth:
    """The instances of the classes that have them, in the order of class and id; the rest of the cloud is void."""
    ids, index = compact_ids(truth.instance)
    first = np.zeros(len(ids), np.intp)
    first[index[::-1]] = np.arange(len(index))[::-1]  # the last one that is assigned stays
    label = np.where(ids >= 0, truth.semantic[first], -1)
    kept = np.flatnonzero(np.isin(label, level.things))
    kept = kept[np.argsort(label[kept], kind="stable")]
    new = np.full(len(ids), -1)
    new[kept] = np.arange(len(kept))
    of_point = new[index]
    return Truth(of_point, label[kept], np.bincount(of_point[of_point >= 0], minlength=len(kept)))


def judge(
    iou: np.ndarray, scored_iou: np.ndarray, score: np.ndarray, unscored: np.ndarray
) -> tuple[Judged, np.ndarray, np.ndarray]:
    """What the proposals and instances of one class and cloud come to, at all thresholds.

    Args:
        iou: [P, G] with all instances of the class.
        scored_iou: [P, G'] with those that count.
        score: [P] confidences.
        unscored: [P] share of the proposal that is void or on instances that do not count.

    Returns:
        the rows, hit [T, P] (the proposals that an instance chose), ignored [T, P].
    """
    num_scored = scored_iou.shape[1]
    chosen = np.zeros((len(THRESHOLDS), len(score)), bool)
    best = np.full((len(THRESHOLDS), num_scored), np.nan)  # score of each instance; NaN = no match yet
    lower = []  # (thresholds, score) of further proposals for an instance that has one
    for g, p in np.argwhere(scored_iou.T > min(THRESHOLDS)):
        over = (scored_iou[p, g] > _IOU[:, 0]) & ~chosen[:, p]
        again = over & ~np.isnan(best[:, g])
        if again.any():
            lower.append((again, np.minimum(best[:, g], score[p])))
        chosen[over & ~again, p] = True
        best[over, g] = np.fmax(best[over, g], score[p])
    covers = iou.max(axis=1, initial=0.0) > _IOU
    ignored = ~covers & (unscored > _IOU)
    tables = [
        (~np.isnan(best), best, True),
        *((again[:, None], scores[:, None], False) for again, scores in lower),
        (~covers & ~ignored, np.broadcast_to(score, covers.shape), False),
    ]
    rows = [(np.full(np.count_nonzero(mask), true), value[mask], np.nonzero(mask)[0]) for mask, value, true in tables]
    judged = Judged(*(np.concatenate(column) for column in zip(*rows)), np.isnan(best).sum(axis=1))
    return judged, chosen, ignored


def scannet_average_precision(true: np.ndarray, score: np.ndarray, missed: int) -> float:
    """The area under precision over recall, a point for each distinct score; 0 without any row.

    Args:
        true: [n] bool, true positives.
        score: [n] confidences.
        missed: instances without a match.
    """
    if len(score) == 0:
        return 0.0
    order = np.argsort(score, kind="stable")
    before = np.concatenate([[0], np.cumsum(true[order])])  # true positives of lower scores
    _, first = np.unique(score[order], return_index=True)
    hits = before[-1] - before[first]
    precision = np.append(hits / (len(score) - first), 1.0)
    recall = np.append(hits / np.maximum(before[-1] + missed, 1), 0.0)
    padded = np.concatenate([recall[:1], recall, [0.0]])
    return float(precision @ (0.5 * (padded[:-2] - padded[2:])))


def _curves(judged: Sequence[Judged]) -> list[float]:
    """The average precision of a class at every threshold."""
    true, score, threshold = (np.concatenate([getattr(each, name) for each in judged]) for name in Judged._fields[:3])
    missed = np.sum([each.missed for each in judged], axis=0)
    rows = [np.flatnonzero(threshold == t) for t in range(len(THRESHOLDS))]
    return [scannet_average_precision(true[r], score[r], missed[t]) for t, r in enumerate(rows)]


def _three(ap: np.ndarray) -> tuple[float, float, float]:
    """AP, AP50, AP25 of [classes, T]."""
    return _nanmean(ap[:, :-1]), _nanmean(ap[:, _HALF]), _nanmean(ap[:, -1])


def _nanmean(values: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NaN is the mean of nothing
        return float(np.nanmean(values))


def _check(truth: Labels, segmented: Segmented, num_classes: int, row: int) -> None:
    n = len(truth.semantic)
    lengths = {"truth.instance": len(truth.instance), "semantic": len(segmented.semantic)}
    for name, length in lengths.items():
        if length != n:
            raise ValueError(f"cloud {row}: {name} has {length} points, truth.semantic {n}")
    for name, values, low, end in (
        ("truth.semantic", truth.semantic, -1, num_classes),
        ("semantic", segmented.semantic, -1, num_classes),
        ("proposals.points", segmented.proposals.points, 0, n),
    ):
        if len(values) and not low <= values.min() <= values.max() < end:
            raise ValueError(f"cloud {row}: {name} from {values.min()} to {values.max()} lies outside [{low}, {end})")
    if not np.isfinite(segmented.proposals.score).all():
        raise ValueError(f"cloud {row}: a proposal's score is NaN or infinite; the network's outputs are not finite")
