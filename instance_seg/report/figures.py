"""Panels as the paper's Figures 6, 8 and 11: one shape and level, ground truth beside several segmentations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.metrics.matching import (
    contingency,
    find_instances,
    instance_confidence,
    intersection_over_union,
    match_instances,
)
from instance_seg.metrics.partnet import MIN_POINTS
from instance_seg.report.pictures import Column, match_colors
from instance_seg.structures import ShapeLevel


class Segmentation(NamedTuple):
    """One shape and level, segmented in one way."""

    title: str
    level: ShapeLevel
    shifted: np.ndarray | None = None  # [N, 3] float32, where clustering saw the points (Eq. 7)


def panel_columns(
    xyz: np.ndarray, segmentations: Sequence[Segmentation], normals: np.ndarray | None = None
) -> list[Column]:
    """The columns of a panel: ground truth, then the segmentations.

    Instances have the color of the ground truth they match, wrong ones a frame, shifted points are the inset.

    Args:
      xyz: [N, 3] the points.
      segmentations: of these points, all with the same ground truth.
      normals: [N, 3] unit length, or None.

    Raises:
      ValueError: there are no segmentations.
    """
    if not segmentations:
        raise ValueError("a panel needs at least one segmentation beside the ground truth")
    truth = segmentations[0].level
    columns = [Column("ground truth", xyz, truth.gt_instance, normals)]
    for title, level, shifted in segmentations:
        labels = match_colors(level.instance, level.gt_instance)
        columns.append(Column(title, xyz, labels, normals, wrong_instances(level), shifted))
    return columns


def wrong_instances(level: ShapeLevel, threshold: float = 0.5) -> np.ndarray:
    """The predicted instances that count as false positives, as the metrics see them: [N] int64, -1 elsewhere.

    Points without ground truth are nobody's. Instances of class 0 and of at most 10 labelled points do not count.
    """
    labelled = np.flatnonzero(np.asarray(level.gt_semantic) > 0)
    wrong = np.full(len(level.gt_semantic), -1, np.int64)
    if not len(labelled):
        return wrong
    level = ShapeLevel(*(np.asarray(array)[labelled] for array in level))
    num_classes = int(max(level.gt_semantic.max(), level.semantic.max())) + 1
    gt = find_instances(level.gt_instance, level.gt_semantic, num_classes)
    found = find_instances(level.instance, level.semantic, num_classes)
    counted = np.flatnonzero((found.size > MIN_POINTS) & (found.label > 0) & (found.ids >= 0))
    overlap = contingency(found.index, gt.index, len(found.ids), len(gt.ids))
    iou = intersection_over_union(overlap, found.size, gt.size)[counted]
    confidence = instance_confidence(found, level.entropy)[counted]
    hits = match_instances(iou, found.label[counted], confidence, gt.label, np.array([threshold])).hits[0]
    ranked = counted[np.argsort(-confidence, kind="stable")]  # the order of the matches
    missed = np.isin(found.index, ranked[~hits])
    wrong[labelled[missed]] = level.instance[missed]
    return wrong
