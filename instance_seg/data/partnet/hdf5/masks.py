"""What PartNet derives from ins_seg_h5 for each level: instance masks to learn from, and to be measured against.

    ins_seg_h5_for_detection/<Category>-<k>/{train,val}-NN.h5   pts, gt_label, gt_mask, gt_valid, gt_other_mask
    ins_seg_h5_for_detection/<Category>-<k>/test-NN.h5   pts
    ins_seg_h5_gt/<Category>-<k>/test-NN.h5   pts, gt_mask, gt_mask_label, gt_mask_valid, gt_mask_other

A mask row is a part whose name the level knows, in the order of the part list; rows left over are empty and invalid.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.files.checked_h5 import Field, write_h5
from instance_seg.data.files.checksums import forget_checksums
from instance_seg.data.partnet.hdf5.paths import h5_path, level_folder, split_files
from instance_seg.data.partnet.rows import count_rows, read_rows, reject_values, strict
from instance_seg.data.partnet.shape import LabeledShape, last_row, level_labels, level_masks
from instance_seg.data.partnet.taxonomy import Level, Taxonomy
from instance_seg.files import replacing
from instance_seg.structures import Labels

DETECTION_TREE = "ins_seg_h5_for_detection"
GT_TREE = "ins_seg_h5_gt"
MAX_INSTANCES = 200


class MaskRow(NamedTuple):
    """One shape at one level as PartNet's masks have it."""

    points: np.ndarray  # [N, 3] float32
    masks: np.ndarray  # [200, N] bool
    valid: np.ndarray  # [200] bool; set for each part, in the ground truth for each with at least one point
    other: np.ndarray  # [N] bool; the points in no mask
    semantic: np.ndarray | None = None  # [N] uint8, 0 = other; in ins_seg_h5_for_detection alone
    classes: np.ndarray | None = None  # [200] uint8, 0-based: the level's class minus 1; in ins_seg_h5_gt alone


_DATASETS = {  # of each tree, and the attributes of MaskRow they hold
    DETECTION_TREE: {
        "pts": "points",
        "gt_label": "semantic",
        "gt_mask": "masks",
        "gt_valid": "valid",
        "gt_other_mask": "other",
    },
    GT_TREE: {
        "pts": "points",
        "gt_mask": "masks",
        "gt_mask_label": "classes",
        "gt_mask_valid": "valid",
        "gt_mask_other": "other",
    },
}
_FIELDS = {
    "points": Field((None, None, 3), np.floating, written="rows"),
    "masks": Field((None, MAX_INSTANCES, None), np.bool_),
    "valid": Field((None, MAX_INSTANCES), np.bool_),
    "other": Field((None, None), np.bool_),
    "semantic": Field((None, None), np.integer, written="some"),
    "classes": Field((None, MAX_INSTANCES), np.integer, written="some"),
}
MASK_FIELDS = {tree: {name: _FIELDS[held] for name, held in names.items()} for tree, names in _DATASETS.items()}


def mask_row(tree: str, arrays: Iterable[np.ndarray]) -> MaskRow:
    """A row of a tree from the values of its datasets, in the order of MASK_FIELDS."""
    return MaskRow(**dict(zip(_DATASETS[tree].values(), arrays, strict=True)))


def mask_labels(row: MaskRow) -> Labels:
    """Labels of each point by the masks of one level."""
    rows = np.append(np.flatnonzero(row.valid), -1).astype(np.int32)
    instance = rows[last_row(row.masks[row.valid])]
    if row.semantic is not None:
        return Labels(row.semantic.astype(np.int32), instance)
    class_of_row = np.append(row.classes.astype(np.int32) + 1, 0)  # the last one answers row -1
    return Labels(class_of_row[instance].astype(np.int32), instance)


def check_instance_counts(path: Path, shapes: Sequence[LabeledShape], taxonomy: Taxonomy) -> None:
    """Raises ValueError, naming the file and the row, for a shape with more than 200 instances at a level."""
    for row, shape in enumerate(shapes):
        for index, level in enumerate(taxonomy.levels):
            if (count := sum(level.class_of(part.part_name) > 0 for part in shape.parts)) > MAX_INSTANCES:
                raise ValueError(
                    f"{path}: row {row} ({shape.name.model_id}) has {count} instances at level {index + 1}, "
                    f"PartNet's layout holds {MAX_INSTANCES}; merge or drop parts"
                )


def write_level_masks(
    root: str | os.PathLike,
    category: str,
    split: str,
    index: int,
    shapes: Sequence[LabeledShape],
    taxonomy: Taxonomy,
) -> None:
    """Writes the `index`-th file of a split in both trees, for each level that exists in the category."""
    for level_index in taxonomy.real_levels:
        level, folder = taxonomy.levels[level_index], level_folder(category, level_index)
        if split == "test":
            points = ({"pts": np.float32(shape.points)} for shape in shapes)
            _write(h5_path(root, DETECTION_TREE, folder, split, index), len(shapes), points)
        tree = mask_tree(split)
        rows = (_values(tree, shape, level) for shape in shapes)
        _write(h5_path(root, tree, folder, split, index), len(shapes), rows)


def mask_tree(split: str) -> str:
    """The tree that has the masks of a split."""
    return GT_TREE if split == "test" else DETECTION_TREE


def read_masks(root: str | os.PathLike, category: str, level: int, split: str) -> Iterator[MaskRow]:
    """Reads the masks of a level (0 = coarsest). Raises ValueError naming file and row for what is amiss."""
    tree = mask_tree(split)
    for path in split_files(root, tree, level_folder(category, level), split):
        number = count_rows(path, MASK_FIELDS[tree], sealed=True)
        for first, (points, *arrays) in strict(read_rows(path, MASK_FIELDS[tree], range(number))):
            reject_values(path, {"pts": points}, first)
            for row in zip(points.astype(np.float32), *arrays):
                yield mask_row(tree, row)


def _values(tree: str, shape: LabeledShape, level: Level) -> dict[str, np.ndarray]:
    """What a tree says of a shape, by dataset; parts without points have no row in the ground truth."""
    masks, classes = level_masks(shape, level)
    semantic, instance = level_labels(shape, level)
    if tree == GT_TREE:
        seen = masks.any(axis=1)
        masks, classes = masks[seen], classes[seen]
    valid = np.arange(MAX_INSTANCES) < len(classes)
    of_tree = np.uint8(semantic), pad(np.uint8(classes - 1))
    row = MaskRow(np.float32(shape.points), pad(masks), valid, instance < 0, *of_tree)
    return {name: getattr(row, held) for name, held in _DATASETS[tree].items()}


def pad(rows: np.ndarray) -> np.ndarray:
    """[I, ...] -> [200, ...] with zeros below."""
    padded = np.zeros((MAX_INSTANCES, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return padded


def _write(path: Path, num_rows: int, rows: Iterable[Mapping[str, np.ndarray]]) -> None:
    forget_checksums([path])
    with replacing(path) as temporary:
        write_h5(temporary, num_rows, rows)
