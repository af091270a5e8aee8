"""Panels as the paper's Figures 6, 8 and 11: one cloud and level, ground truth beside several segmentations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from instance_seg.drawing.pictures import Column, match_colors
from instance_seg.metrics.matching import Hits
from instance_seg.structures import Labels, Segmented

ERRORS = ("right", "other part", "other instance", "without ground truth")


def panel_columns(
    xyz: np.ndarray, truth: Labels, segmentations: Sequence[Any], normals: np.ndarray | None = None
) -> list[Column]:
    """The columns of a panel: ground truth, then the segmentations.

    Instances have the color of the ground truth they match, wrong ones a frame, shifted points are the inset.

    Args:
      xyz: [N, 3] the points.
      truth: of the points.
      segmentations: evaluation.Drawable: title, Segmented, and Hits or None.
      normals: [N, 3] unit length, or None.

    Raises:
      ValueError: there are no segmentations.
    """
    if not segmentations:
        raise ValueError("a panel needs at least one segmentation beside the ground truth")
    columns = [Column("ground truth", xyz, truth.instance, normals)]
    for title, segmented, hits in segmentations:
        instance = segmented.proposals.instance(len(xyz))
        wrong = wrong_instances(truth, segmented, hits)
        labels = match_colors(instance, truth.instance)
        columns.append(Column(title, xyz, labels, normals, wrong, segmented.shifted))
    return columns


def wrong_instances(truth: Labels, segmented: Segmented, hits: Hits | None, threshold: float = 0.5) -> np.ndarray:
    """The proposals that count as false positives, as the metric saw them: [N] int64, -1 elsewhere.

    Points without ground truth are nobody's.
    """
    instance = segmented.proposals.instance(len(truth.semantic))
    wrong = np.full(len(instance), -1, np.int64)
    if hits is not None:
        missed = hits.proposal[~hits.hit[hits.thresholds.index(threshold)]]
        shown = np.isin(instance, missed) & (np.asarray(truth.instance) >= 0)
        wrong[shown] = instance[shown]
    return wrong


def point_errors(truth: Labels, segmented: Segmented, first_scored: int = 0) -> np.ndarray:
    """What is wrong at each point: [N] int, positions in ERRORS.

    A point is in the right instance if its own is matched with the true one (see match_colors).

    Args:
      truth: of the points.
      segmented: of the points.
      first_scored: the first class of the level that counts.
    """
    semantic, instance = np.asarray(truth.semantic), np.asarray(truth.instance)
    matched = match_colors(segmented.proposals.instance(len(semantic)), instance)
    errors = np.where((instance >= 0) & (matched != instance), ERRORS.index("other instance"), ERRORS.index("right"))
    errors[segmented.semantic != semantic] = ERRORS.index("other part")
    errors[semantic < first_scored] = ERRORS.index("without ground truth")
    return errors
