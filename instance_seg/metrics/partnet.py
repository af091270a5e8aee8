"""PartNet's measures of one category and level: AP25, AP50, AP75, s-AP50 and mIoU, all in percent. NumPy only.

Two variants share matching and averaging and differ in what counts as an instance:

* `evaluate_level`, the paper authors' variant, for predictions that partition the points (all rows of the paper's
  Table 4). Points without ground truth vanish first; a predicted instance counts if more than 10 points remain;
  its confidence is one minus the mean entropy of the remaining points.
* `evaluate_official`, that of PartNet's benchmark, for predictions given as masks, which may overlap.

Both take the arithmetic in which recall is compared with its levels (average_precision.py): the published one, or that
of NumPy 2.

Equal confidences keep their order (shape by shape, and by instance id within a shape); the published scripts leave
that order to an unstable sort.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.metrics.average_precision import PUBLISHED, average_precision, precision_recall
from instance_seg.metrics.matching import (
    ShapeMatches,
    contingency,
    find_instances,
    instance_confidence,
    intersection_over_union,
    match_instances,
)
from instance_seg.metrics.mean_iou import LabelCounts, count_labels, pooled_mean_iou, shape_mean_iou
from instance_seg.structures import ShapeLevel

THRESHOLDS = (0.25, 0.5, 0.75)
AP_NAMES = ("AP25", "AP50", "AP75")
MIN_POINTS = 10  # a predicted instance must have more points than this

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


def evaluate_level(
    shapes: Iterable[ShapeLevel],
    class_names: Sequence[str],
    min_points: int = MIN_POINTS,
    arithmetic: str = PUBLISHED,
) -> LevelMetrics:
    """Measures one level in the authors' variant.

    Args:
      shapes: the test shapes, read once; a generator keeps memory small. Shapes without a labelled point are left out.
      class_names: S names, class 0 = "other", which is never scored.
      min_points: predicted instances of at most so many labelled points are dropped.
      arithmetic: of average precision, "float32" (published) or "float64".

    Raises:
      ValueError: arrays of different length, or classes outside [0, S), naming the shape's position.
    """
    results = (measure_shape(shape, len(class_names), min_points, row) for row, shape in enumerate(shapes))
    return summarize_level([result for result in results if result is not None], class_names, arithmetic)


def measure_shape(
    shape: ShapeLevel, num_classes: int, min_points: int = MIN_POINTS, row: int = 0
) -> ShapeResult | None:
    """The part of `evaluate_level` that looks at one shape's points; None if no point has a ground-truth class.

    Every ground-truth id left among the labelled points is an instance, however small. A negative predicted id means
    "no instance". `row` is the shape's position, for error messages.
    """
    shape = ShapeLevel(*map(np.asarray, shape))
    _check_shape(shape, num_classes, row)
    shape = ShapeLevel(*(array[shape.gt_semantic > 0] for array in shape))
    if len(shape.gt_semantic) == 0:
        return None
    gt = find_instances(shape.gt_instance, shape.gt_semantic, num_classes)
    predicted = find_instances(shape.instance, shape.semantic, num_classes)
    overlap = contingency(predicted.index, gt.index, len(predicted.ids), len(gt.ids))
    iou = intersection_over_union(overlap, predicted.size, gt.size)
    confidence = instance_confidence(predicted, shape.entropy)
    counted = (predicted.size > min_points) & (predicted.label > 0) & (predicted.ids >= 0)
    matches = match_instances(iou[counted], predicted.label[counted], confidence[counted], gt.label, _LEVELS)
    return ShapeResult(matches, count_labels(shape.gt_semantic, shape.semantic, num_classes))


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
    results: Sequence[ShapeResult], class_names: Sequence[str], arithmetic: str = PUBLISHED
) -> LevelMetrics:
    """Pools the shapes of a level: the last step of both variants; arguments as there."""
    matches = [result.matches for result in results]
    per_part, curves = {}, {}
    for label, num_gt in enumerate(_instances_per_class(matches, len(class_names))):
        if label > 0 and num_gt > 0:
            confidence, hits = _pool_class(matches, label)
            aps = [100.0 * average_precision(hit, num_gt, arithmetic) for hit in hits]
            per_part[class_names[label]] = {**dict(zip(AP_NAMES, aps)), "instances": int(num_gt)}
            curves[class_names[label]] = tuple(
                Curve(*precision_recall(hit, num_gt, arithmetic), confidence) for hit in hits
            )
    mean_ap = {name: _mean([part[name] for part in per_part.values()]) for name in AP_NAMES}
    shape_ap = [_shape_ap50(match, arithmetic) for match in matches if len(match.gt_label) + len(match.label)]
    return LevelMetrics(
        **mean_ap, sAP50=100.0 * _mean(shape_ap), **_mean_ious(results), per_part=per_part, curves=curves
    )


def _instances_per_class(matches: Sequence[ShapeMatches], num_classes: int) -> np.ndarray:
    labels = [match.gt_label for match in matches]
    return np.bincount(np.concatenate([np.zeros(0, np.int64), *labels]), minlength=num_classes)


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


def _mean_ious(results: Sequence[ShapeResult]) -> dict[str, float]:
    counts = [result.counts for result in results if result.counts is not None]
    if not counts:
        return {"mIoU": np.nan, "mIoU_v1": np.nan, "mIoU_v3": np.nan}
    return {
        "mIoU": 100.0 * pooled_mean_iou(counts),
        "mIoU_v1": 100.0 * shape_mean_iou(counts, include_predicted=False),
        "mIoU_v3": 100.0 * shape_mean_iou(counts, include_predicted=True),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _check_shape(shape: ShapeLevel, num_classes: int, row: int) -> None:
    lengths = {name: array.shape for name, array in shape._asdict().items()}
    if len(set(lengths.values())) != 1 or shape.gt_semantic.ndim != 1:
        raise ValueError(f"shape {row}: every array must be [N], got {lengths}")
    _check_range("gt_semantic", shape.gt_semantic, 0, num_classes, row)
    _check_range("semantic", shape.semantic, 0, num_classes, row)
    if not np.isfinite(shape.entropy).all():
        raise ValueError(f"shape {row}: entropy has NaN or infinite values; the network's logits are not finite")


def _check_range(name: str, labels: np.ndarray, lowest: int, end: int, row: int) -> None:
    if len(labels) and not (lowest <= labels.min() and labels.max() < end):
        raise ValueError(
            f"shape {row}: {name} holds labels from {labels.min()} to {labels.max()}, outside [{lowest}, {end}); "
            "data and class names belong to different categories or levels"
        )
