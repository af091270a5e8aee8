"""Reads PartNet's HDF5 files to the end, whatever is wrong with them, and reports every problem with its row.

A file is cut into blocks of rows, which processes can go through side by side.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from instance_seg.data.files.checked_h5 import Field, open_dataset, open_h5, read_dataset
from instance_seg.data.files.checksums import verify
from instance_seg.data.files.values import normal_complaints, point_complaints
from instance_seg.data.partnet.check.shapes import (
    Digest,
    Finding,
    Problem,
    count_level,
    crc,
    examine,
    level_crc,
    mask_complaints,
    part_complaints,
)
from instance_seg.data.partnet.h5 import TREE_FIELDS, TreeBlock
from instance_seg.data.partnet.h5_sources import mask_labels
from instance_seg.data.partnet.masks import DETECTION_FIELDS, GT_FIELDS, DetectionShape, GroundTruthShape, sized
from instance_seg.data.partnet.part_trees import leaf_complaints, parse_tree_entry, tree_complaints
from instance_seg.data.partnet.paths import data_folder
from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.files import read_json

if TYPE_CHECKING:
    from instance_seg.data.partnet.taxonomy import Taxonomy

Report = Callable[[str | os.PathLike, int | None, str], None]  # file, row, what is wrong
Work = Callable[[], list[Finding]]  # can be pickled; raises nothing

_BLOCK = 32  # rows of a piece of work
_ROWS = 4  # read at a time, 8 MB of masks


def tree_work(path: Path, split: str, taxonomy: "Taxonomy", labels: bool, report: Report) -> list[Work]:
    """Cuts a file of ins_seg_h5 into work, and reports what is wrong with the file as a whole."""
    entries, number = _read_entries(path.with_suffix(".json"), report), _count_rows(path, TREE_FIELDS, report)
    if number is None:
        return []
    if number != len(entries):
        report(path, None, f"has {number} rows, {path.with_suffix('.json').name} has {len(entries)} shapes")
    entries += [None] * (number - len(entries))
    blocks = (TreeBlock(path, first, entries[first:][:_BLOCK]) for first in range(0, number, _BLOCK))
    return [partial(_check_trees, block, split, taxonomy, labels) for block in blocks]


def mask_work(path: Path, taxonomy: "Taxonomy", level: int, ground_truth: bool, report: Report) -> list[Work]:
    """Cuts a file of ins_seg_h5_gt or ins_seg_h5_for_detection into work, as tree_work does."""
    number = _count_rows(path, GT_FIELDS if ground_truth else DETECTION_FIELDS, report)
    ranges = (range(first, min(first + _BLOCK, number)) for first in range(0, number or 0, _BLOCK))
    return [partial(_check_masks, path, rows, taxonomy, level, ground_truth) for rows in ranges]


def _count_rows(path: Path, fields: Mapping[str, Field], report: Report) -> int | None:
    """Number of rows; None, and a report, if the file or one of its datasets is of no use at all."""
    try:
        with open_h5(path, data_folder(path)) as file:
            exact = _exact_fields(file, fields)
            for name, field in exact.items():
                open_dataset(file, name, field)
            return exact["pts"].shape[0]
    except ValueError as error:
        report(path, None, str(error))
    return None


def _exact_fields(file, fields: Mapping[str, Field]) -> dict[str, Field]:
    num_rows, num_points, _ = open_dataset(file, "pts", fields["pts"]).shape
    return {name: sized(field, num_rows, num_points) for name, field in fields.items()}


def _read_entries(path: Path, report: Report) -> list[Any]:
    try:
        verify(path)
        entries = read_json(path)
        if isinstance(entries, list):
            return entries
        report(path, None, "has no list of shapes")
    except ValueError as error:
        report(path, None, str(error))
    return []


def _read_rows(
    path: Path, fields: Mapping[str, Field], rows: range
) -> Iterator[tuple[int, tuple[np.ndarray, ...] | str]]:
    """Number and arrays of each row, or what is wrong with one that cannot be read."""
    try:
        with open_h5(path, data_folder(path), sealed=False) as file:
            exact = _exact_fields(file, fields)
            for start in range(rows.start, rows.stop, _ROWS):
                yield from _read_few(file, exact, range(start, min(start + _ROWS, rows.stop)))
    except ValueError as error:  # the file has changed since it was cut
        yield rows.start, str(error)


def _read_few(file, fields: Mapping[str, Field], rows: range):
    try:
        blocks = [read_dataset(file, name, field, slice(rows.start, rows.stop)) for name, field in fields.items()]
    except ValueError as error:
        if len(rows) > 1:
            for row in rows:
                yield from _read_few(file, fields, range(row, row + 1))
        else:
            yield rows.start, str(error)
        return
    yield from ((row, tuple(block[row - rows.start] for block in blocks)) for row in rows)


def _check_trees(block: TreeBlock, split: str, taxonomy: "Taxonomy", labels: bool) -> list[Finding]:
    rows = _read_rows(block.path, TREE_FIELDS, range(block.first, block.first + len(block.entries)))
    return [
        _unreadable(block.path, row, arrays)
        if isinstance(arrays, str)
        else _check_tree(block.path, row, arrays, block.entries[row - block.first], split, taxonomy, labels)
        for row, arrays in rows
    ]


def _check_tree(
    path: Path, row: int, arrays: tuple[np.ndarray, ...], entry: Any, split: str, taxonomy: "Taxonomy", labels: bool
) -> Finding:
    points, normals, leaf_label = arrays
    trees = path.with_suffix(".json")
    complaints = [*point_complaints(points), *normal_complaints(normals)]
    problems = [Problem(str(path), row, complaint) for complaint in complaints]
    if entry is None:  # told of the file as a whole
        return Finding(path, row, tuple(problems))
    try:
        names = parse_tree_entry(trees, row, entry)
    except ValueError as error:
        return Finding(path, row, (*problems, Problem(str(trees), row, str(error))))
    with np.errstate(over="ignore"):  # which has been complained about
        arrays = points.astype(np.float32), normals.astype(np.float32), leaf_label.astype(np.int32)
    shape = LabeledShape(*arrays, *names)
    of_tree = chain(tree_complaints(shape, taxonomy), leaf_complaints(shape))
    problems += [Problem(str(trees), row, complaint) for complaint in of_tree]
    of_parts = part_complaints(shape, taxonomy)
    finding = examine(path, row, store_shape(shape, taxonomy, split), taxonomy, of_parts, labels)
    return finding._replace(problems=(*problems, *finding.problems))


def _check_masks(path: Path, rows: range, taxonomy: "Taxonomy", level: int, ground_truth: bool) -> list[Finding]:
    fields, make = (GT_FIELDS, GroundTruthShape) if ground_truth else (DETECTION_FIELDS, DetectionShape)
    return [
        _unreadable(path, row, arrays)
        if isinstance(arrays, str)
        else _check_mask_row(path, row, make(*arrays), taxonomy, level)
        for row, arrays in _read_rows(path, fields, rows)
    ]


def _check_mask_row(
    path: Path, row: int, shape: DetectionShape | GroundTruthShape, taxonomy: "Taxonomy", level: int
) -> Finding:
    complaints = [*point_complaints(shape.points), *_mask_row_complaints(shape, taxonomy.levels[level].num_classes)]
    problems = tuple(Problem(str(path), row, complaint) for complaint in complaints)
    labels = mask_labels(shape)
    with np.errstate(over="ignore"):
        found = Digest(crc(shape.points), None, (level_crc(labels),))
    return Finding(path, row, problems, None, found, len(shape.points), {level: count_level(labels)})


def _mask_row_complaints(shape: DetectionShape | GroundTruthShape, num_classes: int) -> Iterator[str]:
    detection = isinstance(shape, DetectionShape)
    classes = shape.semantic if detection else shape.classes[shape.valid].astype(int) + 1
    if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
        odd = classes.max() if classes.max() >= num_classes else classes.min()
        yield f"label {odd} outside the taxonomy, 0..{num_classes - 1}"
    yield from mask_complaints(shape.masks, shape.valid, may_be_empty=detection)
    covered = shape.masks[shape.valid].any(axis=0)
    if detection and (bad := int(((shape.semantic > 0) != covered).sum())):
        yield f"{bad} points have a class and are in no mask, or are in a mask and have no class"
    if (shape.other == covered).any():
        yield "the mask of all other points is not what the masks leave over"


def _unreadable(path: Path, row: int, reason: str) -> Finding:
    return Finding(path, row, (Problem(str(path), row, reason),))
