"""One PartNet shape in memory, and what a level of the hierarchy makes of its leaf labels."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from instance_seg.data.partnet.taxonomy import Level


class Part(NamedTuple):
    """One entry of "ins_seg": a node of the part tree, at any depth."""

    part_name: str  # full path, "chair/chair_back/..."
    leaf_ids: tuple[int, ...]  # leaf labels of the points that belong to it


class LabeledShape(NamedTuple):
    """One shape as PartNet stores it."""

    points: np.ndarray  # [N, 3] float32, centred at the bounding box, largest norm 1
    normals: np.ndarray  # [N, 3] float32, unit length
    leaf_label: np.ndarray  # [N] int32; a label that no part lists is an unlabelled point
    parts: tuple[Part, ...]
    model_id: str
    anno_id: str


class LevelPart(NamedTuple):
    """A part that belongs to a level: one row of PartNet's instance masks."""

    class_id: int  # >= 1
    leaf_ids: tuple[int, ...]


def level_parts(shape: LabeledShape, level: "Level") -> list[LevelPart]:
    """The parts whose name the level knows, in the order of the part list: the rows of PartNet's instance masks."""
    named = ((level.class_of(part.part_name), part.leaf_ids) for part in shape.parts)
    return [LevelPart(class_id, leaf_ids) for class_id, leaf_ids in named if class_id > 0]


def level_labels(shape: LabeledShape, level: "Level") -> tuple[np.ndarray, np.ndarray]:
    """Semantic and instance label of every point at one level.

    The instance of a point is the mask row that covers it; where rows overlap, the later one wins.

    Returns:
        semantic: [N] int32, class of the level, 0 = unlabelled.
        instance: [N] int32, index into `level_parts(shape, level)`, -1 = none.
    """
    rows = level_parts(shape, level)
    leaves, leaf_of_point = np.unique(shape.leaf_label, return_inverse=True)
    row_of_leaf = np.full(len(leaves), -1, np.int32)
    for row, part in enumerate(rows):
        row_of_leaf[np.isin(leaves, part.leaf_ids)] = row
    instance = row_of_leaf[leaf_of_point]
    class_of_row = np.array([part.class_id for part in rows] + [0], np.int32)  # the last one answers row -1
    return class_of_row[instance], instance


def level_masks(shape: LabeledShape, level: "Level") -> tuple[np.ndarray, np.ndarray]:
    """Instance masks at one level; unlike the labels they may overlap.

    Returns:
        masks: [I, N] bool, one row for each part of the level, all False if the part has no point.
        classes: [I] int32 >= 1.
    """
    rows = level_parts(shape, level)
    leaves, leaf_of_point = np.unique(shape.leaf_label, return_inverse=True)
    chosen = np.zeros((len(rows), len(leaves)), bool)
    for row, part in enumerate(rows):
        chosen[row] = np.isin(leaves, part.leaf_ids)
    return chosen[:, leaf_of_point], np.array([part.class_id for part in rows], np.int32)
