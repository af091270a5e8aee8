"""What PartNet derives from ins_seg_h5 for each level: instance masks to learn from, and to be measured against.

    ins_seg_h5_for_detection/<Category>-<k>/{train,val}-NN.h5   pts, gt_label, gt_mask, gt_valid, gt_other_mask
    ins_seg_h5_for_detection/<Category>-<k>/test-NN.h5   pts
    ins_seg_h5_gt/<Category>-<k>/test-NN.h5   pts, gt_mask, gt_mask_label, gt_mask_valid, gt_mask_other

A mask row is a part whose name the level knows, in the order of the part list; rows left over are empty and invalid.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from instance_seg.data.files.checked_h5 import Field, open_dataset, open_h5, read_dataset, reject_rows, write_h5
from instance_seg.data.files.checksums import forget_checksums
from instance_seg.data.files.values import MAX_COORDINATE
from instance_seg.data.partnet.paths import data_folder, h5_path, level_folder, split_files
from instance_seg.data.partnet.shape import LabeledShape, level_labels, level_masks, level_parts
from instance_seg.files import replacing

if TYPE_CHECKING:
    from instance_seg.data.partnet.taxonomy import Level, Taxonomy

DETECTION_TREE = "ins_seg_h5_for_detection"
GT_TREE = "ins_seg_h5_gt"
MAX_INSTANCES = 200
_BLOCK = 16  # rows read at a time


class DetectionShape(NamedTuple):
    """One row of ins_seg_h5_for_detection."""

    points: np.ndarray  # [N, 3] float32
    semantic: np.ndarray  # [N] uint8; 0 = other
    masks: np.ndarray  # [200, N] bool
    valid: np.ndarray  # [200] bool; set for each part of the level, even one without points
    other: np.ndarray  # [N] bool; the points in no mask


class GroundTruthShape(NamedTuple):
    """One row of ins_seg_h5_gt."""

    points: np.ndarray  # [N, 3] float32
    masks: np.ndarray  # [200, N] bool
    classes: np.ndarray  # [200] uint8, 0-based: the level's class minus 1
    valid: np.ndarray  # [200] bool; set for each part with at least one point
    other: np.ndarray  # [N] bool; the points in no mask


DETECTION_FIELDS = {
    "pts": Field((None, None, 3), np.floating, written="rows"),
    "gt_label": Field((None, None), np.integer, written="some"),
    "gt_mask": Field((None, MAX_INSTANCES, None), np.bool_),
    "gt_valid": Field((None, MAX_INSTANCES), np.bool_),
    "gt_other_mask": Field((None, None), np.bool_),
}
GT_FIELDS = {
    "pts": Field((None, None, 3), np.floating, written="rows"),
    "gt_mask": Field((None, MAX_INSTANCES, None), np.bool_),
    "gt_mask_label": Field((None, MAX_INSTANCES), np.integer, written="some"),
    "gt_mask_valid": Field((None, MAX_INSTANCES), np.bool_),
    "gt_mask_other": Field((None, None), np.bool_),
}


def detection_row(shape: LabeledShape, level: "Level") -> DetectionShape:
    """What ins_seg_h5_for_detection says of a shape."""
    masks, classes = level_masks(shape, level)
    semantic, instance = level_labels(shape, level)
    valid = np.arange(MAX_INSTANCES) < len(classes)
    return DetectionShape(np.float32(shape.points), np.uint8(semantic), _pad(masks), valid, instance < 0)


def ground_truth_row(shape: LabeledShape, level: "Level") -> GroundTruthShape:
    """What ins_seg_h5_gt says of a shape: parts without points have no row."""
    masks, classes = level_masks(shape, level)
    seen = masks.any(axis=1)
    masks, classes = masks[seen], classes[seen]
    valid = np.arange(MAX_INSTANCES) < len(classes)
    return GroundTruthShape(
        np.float32(shape.points), _pad(masks), _pad(np.uint8(classes - 1)), valid, ~masks.any(axis=0)
    )


def check_instance_counts(path: Path, shapes: Sequence[LabeledShape], taxonomy: "Taxonomy") -> None:
    """Raises ValueError, naming the file and the row, for a shape with more than 200 instances at a level."""
    for row, shape in enumerate(shapes):
        for index, level in enumerate(taxonomy.levels):
            if (count := len(level_parts(shape, level))) > MAX_INSTANCES:
                raise ValueError(
                    f"{path}: row {row} ({shape.model_id}) has {count} instances at level {index + 1}, "
                    f"PartNet's layout holds {MAX_INSTANCES}; merge or drop parts"
                )


def write_level_masks(
    root: str | os.PathLike,
    category: str,
    split: str,
    index: int,
    shapes: Sequence[LabeledShape],
    taxonomy: "Taxonomy",
) -> None:
    """Writes the `index`-th file of a split in both trees, for each level that exists in the category."""
    for level_index in taxonomy.real_levels:
        level, folder = taxonomy.levels[level_index], level_folder(category, level_index)
        detection = h5_path(root, DETECTION_TREE, folder, split, index)
        if split == "test":
            _write(detection, len(shapes), ({"pts": np.float32(shape.points)} for shape in shapes))
            rows = (dict(zip(GT_FIELDS, ground_truth_row(shape, level))) for shape in shapes)
            _write(h5_path(root, GT_TREE, folder, split, index), len(shapes), rows)
        else:
            rows = (dict(zip(DETECTION_FIELDS, detection_row(shape, level))) for shape in shapes)
            _write(detection, len(shapes), rows)


def read_detection(root: str | os.PathLike, category: str, level: int, split: str) -> Iterator[DetectionShape]:
    """Reads the training masks of a level (0 = coarsest). Raises ValueError naming file and row for what is amiss."""
    for path in split_files(root, DETECTION_TREE, level_folder(category, level), split):
        yield from map(DetectionShape._make, _read(path, DETECTION_FIELDS))


def read_ground_truth(root: str | os.PathLike, category: str, level: int, split: str) -> Iterator[GroundTruthShape]:
    """Reads the ground truth of a level (0 = coarsest). Raises ValueError naming file and row for what is amiss."""
    for path in split_files(root, GT_TREE, level_folder(category, level), split):
        yield from map(GroundTruthShape._make, _read(path, GT_FIELDS))


def _pad(rows: np.ndarray) -> np.ndarray:
    """[I, ...] -> [200, ...] with zeros below."""
    padded = np.zeros((MAX_INSTANCES, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return padded


def _write(path: Path, num_rows: int, rows: Iterable[Mapping[str, np.ndarray]]) -> None:
    forget_checksums([path])
    with replacing(path) as temporary:
        write_h5(temporary, num_rows, rows)


def _read(path: Path, fields: Mapping[str, Field]) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows of a file, one value for each field, in blocks: a file of a thousand shapes holds gigabytes of masks."""
    with open_h5(path, data_folder(path)) as file:
        num_rows, num_points, _ = open_dataset(file, "pts", fields["pts"]).shape
        exact = {name: sized(field, num_rows, num_points) for name, field in fields.items()}
        for start in range(0, num_rows, _BLOCK):
            rows = slice(start, start + _BLOCK)
            points, *block = (read_dataset(file, name, field, rows) for name, field in exact.items())
            reject_rows(path, ~np.isfinite(points), "has NaN or infinite coordinates in 'pts'", start)
            reject_rows(path, np.abs(points) > MAX_COORDINATE, f"has points beyond {MAX_COORDINATE:g}", start)
            yield from zip(points.astype(np.float32), *block)


def sized(field: Field, num_rows: int, num_points: int) -> Field:
    """Puts the sizes that `pts` has into the sizes that a field leaves open."""
    free = iter((num_rows, num_points))
    return field._replace(shape=tuple(next(free) if size is None else size for size in field.shape))
