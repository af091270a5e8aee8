"""PartNet's measures of one category and level: AP25, AP50, AP75, s-AP50 and mIoU, all in percent. NumPy only.

Two variants share matching and averaging and differ in what counts as an instance:

* `PartNetAP`, the paper authors' variant, for predictions that partition the points (all rows of the paper's Table 4).
  Points without ground truth vanish first; a predicted instance counts if more than 10 points remain; its confidence
  is one minus the mean entropy of the remaining points.
* `evaluate_official`, that of PartNet's benchmark, for predictions given as masks, which may overlap.

Both take the arithmetic in which recall is compared with its levels (average_precision.py): the published one, or that
of NumPy 2.

Equal confidences keep their order (shape by shape, and by instance id within a shape); the published scripts leave
that order to an unstable sort.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from instance_seg.clustering.partition import contingency, find_instances, mean_score
from instance_seg.data.partnet.shape import MIN_POINTS
from instance_seg.metrics.average_precision import PUBLISHED, average_precision, precision_recall
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.matching import Hits, ShapeMatches, intersection_over_union, match_instances
from instance_seg.metrics.mean_iou import LabelCounts, count_labels, pooled_mean_iou, shape_mean_iou
from instance_seg.structures import Labels, Level, Segmented

THRESHOLDS = (0.25, 0.5, 0.75)
AP_NAMES = ("AP25", "AP50", "AP75")

_LEVELS = np.array(THRESHOLDS)
_HALF = THRESHOLDS.index(0.5)


class MaskShape(NamedTuple):
    """One shape as PartNet's evaluation files hold it. Labels count from 0 and leave out "other"."""

    mask: np.ndarray  # [P, N] bool, predicted instances
    label: np.ndarray  # [P] integer
    valid: np.ndarray  # [P] bool, rows that are predictions at all
    confidence: np.ndarray  # [P] float32
    gt_mask: np.ndarray  # [G, N] bool
    gt_label: np.ndarray  # [G] integer
    gt_valid: np.ndarray  # [G] bool
    gt_other: np.ndarray  # [N] bool, points that are nobody's


class ShapeResult(NamedTuple):
    """All that the measures of a level keep of one shape: a few kilobytes, so results can be gathered one by one."""

    matches: ShapeMatches
    counts: LabelCounts | None  # None: masks carry no label per point


class Curve(NamedTuple):
    """Precision over recall of one part at one threshold, as drawn in figures (fractions, not percent)."""

    precision: np.ndarray  # [n + 1] float64
    recall: np.ndarray  # [n + 1] float32 or float64, the arithmetic's dtype
    confidence: np.ndarray  # [n] float32, descending; the first point of the curve has none


class LevelMetrics(NamedTuple):
    """The measures of one level in percent; NaN where nothing could be measured."""

    AP25: float
    AP50: float
    AP75: float
    sAP50: float  # AP50 within each shape, then the mean over shapes
    mIoU: float  # points pooled over all shapes (version 2)
    mIoU_v1: float  # mean over shapes, classes of the ground truth
    mIoU_v3: float  # mean over shapes, classes of ground truth and prediction
    per_part: dict[str, dict[str, float]]  # parts of the ground truth: {"AP25", "AP50", "AP75", "instances"}
    curves: dict[str, tuple[Curve, ...]]  # the same parts, one curve a threshold

    def measures(self) -> dict[str, Any]:
        """All but the curves, by name, and the parts as "per_class"."""
        *numbers, per_part, _ = self
        return {**dict(zip(self._fields, numbers)), "per_class": per_part}


class PartNetAP:
    """The authors' variant for one level, cloud by cloud.

    Args:
      level: points of classes below `first_scored` are left out; instances have the classes `things`.
      config: the arithmetic of average precision.
      min_points: proposals of at most so many labeled points are dropped.
    """

    def __init__(self, level: Level, config: MetricConfig, min_points: int = MIN_POINTS):
        self.level, self.arithmetic, self.min_points = level, config.ap_arithmetic, min_points
        self._results: list[ShapeResult] = []
        self._num_added = 0

    def add(self, truth: Labels, segmented: Segmented) -> Hits | None:
        """Adds a cloud; None, and nothing counts, if none of its points has a class that is scored.

        Every ground-truth id left among the labeled points is an instance, however small. What is left of a proposal
        has the majority class of its points and their mean certainty, where the system gives certainties, else the
        label and score of the proposal. Raises ValueError, naming the cloud's position, for
        arrays of different length and classes outside [0, S).
        """
        row, self._num_added = self._num_added, self._num_added + 1
        num_classes = len(self.level.classes)
        _check_cloud(truth, segmented, num_classes, row)
        labeled = np.flatnonzero(truth.semantic >= max(self.level.first_scored, 0))
        if len(labeled) == 0:
            return None
        gt = find_instances(truth.instance[labeled], truth.semantic[labeled], num_classes)
        gt_of_point = np.full(len(truth.semantic), -1)
        gt_of_point[labeled] = gt.index

        proposals = segmented.proposals
        kept = gt_of_point[proposals.points] >= 0
        points, index = proposals.points[kept], proposals.of_entry[kept]
        num = len(proposals.label)
        size = np.bincount(index, minlength=num)
        label, score = proposals.label, proposals.score
        if segmented.certainty is not None:
            label = contingency(index, segmented.semantic[points], num, num_classes).argmax(axis=1)
            score = mean_score(index, segmented.certainty[points], size)
        iou = intersection_over_union(contingency(index, gt_of_point[points], num, len(gt.ids)), size, gt.size)
        counted = np.flatnonzero((size > self.min_points) & np.isin(label, self.level.things))
        wanted = np.isin(gt.label, self.level.things)
        matches = match_instances(iou[counted][:, wanted], label[counted], score[counted], gt.label[wanted], _LEVELS)
        counts = count_labels(truth.semantic[labeled], segmented.semantic[labeled], num_classes)
        self._results.append(ShapeResult(matches, counts))
        return Hits(counted[np.argsort(-score[counted], kind="stable")], matches.hits, THRESHOLDS)

    def summary(self) -> "LevelMetrics":
        """All measures of the clouds so far, and the curves behind them."""
        return summarize_level(self._results, self.level.classes, self.arithmetic, self.level.first_scored)

    def result(self) -> dict[str, Any]:
        """The measures in percent, NaN where nothing could be measured, and "per_class"."""
        return self.summary().measures()


def evaluate_official(
    shapes: Iterable[MaskShape], class_names: Sequence[str], arithmetic: str = PUBLISHED
) -> LevelMetrics:
    """Measures one level in PartNet's own variant; the three mIoU are NaN, since masks carry no label per point.

    Args:
      shapes: the test shapes with predicted and ground-truth masks, read once.
      class_names: S names, class 0 = "other"; label l of the files is class l + 1.
      arithmetic: of average precision, "float32" (published) or "float64".

    Raises:
      ValueError: shapes that do not fit, or labels outside [0, S - 1), naming the shape's position.
    """
    results = [measure_masks(shape, len(class_names), row) for row, shape in enumerate(shapes)]
    return summarize_level(results, class_names, arithmetic)


def measure_masks(shape: MaskShape, num_classes: int, row: int = 0) -> ShapeResult:
    """The part of `evaluate_official` that looks at one shape. Points of "other" leave the predicted masks first."""
    valid, gt_valid = np.asarray(shape.valid, bool), np.asarray(shape.gt_valid, bool)
    label = np.asarray(shape.label)[valid].astype(np.int64) + 1
    gt_label = np.asarray(shape.gt_label)[gt_valid].astype(np.int64) + 1
    for name, labels in (("label", label), ("gt_label", gt_label)):
        _check_range(name, labels - 1, 0, num_classes - 1, row)
    if shape.mask.shape[1] != shape.gt_mask.shape[1]:
        raise ValueError(
            f"shape {row}: predicted masks of {shape.mask.shape[1]} points, ground truth of {shape.gt_mask.shape[1]}; "
            "predict on the points of the ground-truth file, in their order"
        )
    # float32 counts points exactly up to 2^24 and multiplies far faster than integers do
    mask = (shape.mask[valid] & ~shape.gt_other).astype(np.float32)
    gt_mask = shape.gt_mask[gt_valid].astype(np.float32)
    iou = intersection_over_union(mask @ gt_mask.T, mask.sum(axis=1), gt_mask.sum(axis=1))
    confidence = np.asarray(shape.confidence, np.float32)[valid]
    return ShapeResult(match_instances(iou, label, confidence, gt_label, _LEVELS), None)


def summarize_level(
    results: Sequence[ShapeResult], class_names: Sequence[str], arithmetic: str = PUBLISHED, first_scored: int = 1
) -> LevelMetrics:
    """Pools the shapes of a level: the last step of both variants; arguments as there."""
    matches = [result.matches for result in results]
    per_part, curves = {}, {}
    labels = np.concatenate([np.zeros(0, np.int64), *(match.gt_label for match in matches)])
    for label, num_gt in enumerate(np.bincount(labels, minlength=len(class_names))):
        if label >= first_scored and num_gt > 0:
            confidence, hits = _pool_class(matches, label)
            aps = [100.0 * average_precision(hit, num_gt, arithmetic) for hit in hits]
            per_part[class_names[label]] = {**dict(zip(AP_NAMES, aps)), "instances": int(num_gt)}
            curves[class_names[label]] = tuple(
                Curve(*precision_recall(hit, num_gt, arithmetic), confidence) for hit in hits
            )
    mean_ap = {name: _mean([part[name] for part in per_part.values()]) for name in AP_NAMES}
    shape_ap = [_shape_ap50(match, arithmetic) for match in matches if len(match.gt_label) + len(match.label)]
    return LevelMetrics(
        **mean_ap, sAP50=100.0 * _mean(shape_ap), **_mean_ious(results, first_scored), per_part=per_part, curves=curves
    )


def _pool_class(matches: Sequence[ShapeMatches], label: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidence [n] and hits [T, n] of all predictions of a class, in descending order of confidence."""
    chosen = [(match.confidence[match.label == label], match.hits[:, match.label == label]) for match in matches]
    confidence = np.concatenate([confidence for confidence, _ in chosen])
    hits = np.concatenate([hits for _, hits in chosen], axis=1)
    order = np.argsort(-confidence, kind="stable")
    return confidence[order], hits[:, order]


def _shape_ap50(match: ShapeMatches, arithmetic: str) -> float:
    """Mean AP50 over the classes that the shape has in its ground truth or among its predictions."""
    hits = match.hits[_HALF]
    classes = np.union1d(match.gt_label, match.label)
    num_gt = {c: np.count_nonzero(match.gt_label == c) for c in classes}
    return _mean([average_precision(hits[match.label == c], num_gt[c], arithmetic) for c in classes])


def _mean_ious(results: Sequence[ShapeResult], first_scored: int) -> dict[str, float]:
    counts = [result.counts for result in results if result.counts is not None]
    if not counts:
        return {"mIoU": np.nan, "mIoU_v1": np.nan, "mIoU_v3": np.nan}
    return {
        "mIoU": 100.0 * pooled_mean_iou(counts, first_scored),
        "mIoU_v1": 100.0 * shape_mean_iou(counts, include_predicted=False),
        "mIoU_v3": 100.0 * shape_mean_iou(counts, include_predicted=True),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _check_cloud(truth: Labels, segmented: Segmented, num_classes: int, row: int) -> None:
    arrays = {"truth.semantic": truth.semantic, "truth.instance": truth.instance, "semantic": segmented.semantic}
    if segmented.certainty is not None:
        arrays["certainty"] = segmented.certainty
    lengths = {name: np.shape(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1 or np.ndim(truth.semantic) != 1:
        raise ValueError(f"shape {row}: every array must be [N], got {lengths}")
    _check_range("truth.semantic", truth.semantic, -1, num_classes, row)
    _check_range("semantic", segmented.semantic, 0, num_classes, row)
    _check_range("proposals.points", segmented.proposals.points, 0, len(truth.semantic), row)
    _check_range("proposals.label", segmented.proposals.label, 0, num_classes, row)
    scores = segmented.proposals.score if segmented.certainty is None else segmented.certainty
    if not np.isfinite(scores).all():
        raise ValueError(f"shape {row}: certainty has NaN or infinite values; the network's logits are not finite")


def _check_range(name: str, labels: np.ndarray, lowest: int, end: int, row: int) -> None:
    if len(labels) and not (lowest <= labels.min() and labels.max() < end):
        raise ValueError(
            f"shape {row}: {name} holds labels from {labels.min()} to {labels.max()}, outside [{lowest}, {end}); "
            "data and class names belong to different categories or levels"
        )
