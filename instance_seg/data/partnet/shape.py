"""One PartNet shape in memory, and what a level of the hierarchy makes of its leaf labels."""

from typing import NamedTuple

import numpy as np

from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import Level
from instance_seg.structures import Labels

MIN_POINTS = 10  # a predicted instance counts if it has more points than this


class Part(NamedTuple):
    """One entry of "ins_seg": a node of the part tree, at any depth."""

    part_name: str  # full path, "chair/chair_back/..."
    leaf_ids: tuple[int, ...]  # leaf labels of the points that belong to it


class LabeledShape(NamedTuple):
    """One shape as PartNet stores it."""

    points: np.ndarray  # [N, 3] float32, centered at the bounding box, largest norm 1
    normals: np.ndarray  # [N, 3] float32, unit length
    leaf_label: np.ndarray  # [N] int32; a label that no part lists is an unlabeled point
    parts: tuple[Part, ...]
    name: ShapeId


def level_labels(shape: LabeledShape, level: Level) -> Labels:
    """Class (0 = unlabeled) and instance of every point at one level.

    The instance of a point is the row of `level_masks` that covers it; where rows overlap, the later one wins.
    """
    masks, leaf_of_point, classes = _leaf_masks(shape, level)
    instance = last_row(masks)[leaf_of_point]
    return Labels(np.append(classes, np.int32(0))[instance], instance)  # the appended class answers instance -1


def level_masks(shape: LabeledShape, level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Instance masks at one level; unlike the labels they may overlap.

    Returns:
        masks: [I, N] bool, one row for each part of the level, all False if the part has no point.
        classes: [I] int32 >= 1.
    """
    masks, leaf_of_point, classes = _leaf_masks(shape, level)
    return masks[:, leaf_of_point], classes


def last_row(masks: np.ndarray) -> np.ndarray:
    """Last row of masks [I, N] bool that covers each point, -1 if none does: [N] int32."""
    instance = np.full(masks.shape[1], -1, np.int32)
    for row in np.flatnonzero(masks.any(axis=1)):
        instance[masks[row]] = row
    return instance


def _leaf_masks(shape: LabeledShape, level: Level) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which leaves each part of the level covers [I, leaves], the leaf of each point [N], class of each part [I]."""
    named = [(level.class_of(part.part_name), part.leaf_ids) for part in shape.parts]
    rows = [(class_id, leaf_ids) for class_id, leaf_ids in named if class_id > 0]
    leaves, leaf_of_point = np.unique(shape.leaf_label, return_inverse=True)
    masks = np.zeros((len(rows), len(leaves)), bool)
    for row, (_, leaf_ids) in enumerate(rows):
        masks[row] = np.isin(leaves, leaf_ids)
    return masks, leaf_of_point, np.array([class_id for class_id, _ in rows], np.int32)
