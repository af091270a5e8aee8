"""Reads PartNet's HDF5 files to the end, whatever is wrong with them, and reports every problem with its row."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from instance_seg.data.checked_h5 import Field, open_h5, read_dataset
from instance_seg.data.checks import array_complaints, mask_complaints, part_complaints
from instance_seg.data.checksums import verify
from instance_seg.data.partnet_h5 import parse_tree_entry
from instance_seg.data.partnet_masks import DETECTION_FIELDS, GT_FIELDS, DetectionShape, GroundTruthShape, sized
from instance_seg.data.partnet_shape import LabeledShape
from instance_seg.files import read_json

if TYPE_CHECKING:
    from instance_seg.data.taxonomy import Level, Taxonomy

Report = Callable[[str | os.PathLike, int | None, str], None]  # file, row, what is wrong

TREE_FIELDS = {
    "pts": Field((None, None, 3), np.floating),
    "nor": Field((None, None, 3), np.floating),
    "label": Field((None, None), np.integer),
}
_BLOCK = 16  # rows read at a time


def check_tree_file(path: Path, taxonomy: "Taxonomy", report: Report) -> Iterator[LabeledShape | None]:
    """Reads a file of ins_seg_h5 and yields its shapes, None for a row that makes no shape."""
    entries = _read_entries(path.with_suffix(".json"), report)
    row = -1
    for row, arrays in read_rows(path, TREE_FIELDS, report):
        entry = entries[row] if row < len(entries) else None
        yield arrays and entry and _tree_shape(path, row, arrays, entry, taxonomy, report)
    if row + 1 != len(entries):
        report(path, None, f"has {row + 1} rows, {path.with_suffix('.json').name} has {len(entries)} shapes")


def check_mask_file(
    path: Path, level: "Level", ground_truth: bool, report: Report
) -> Iterator[DetectionShape | GroundTruthShape | None]:
    """Reads a file of ins_seg_h5_gt or ins_seg_h5_for_detection and yields its rows, None for one that is no use."""
    fields, make = (GT_FIELDS, GroundTruthShape) if ground_truth else (DETECTION_FIELDS, DetectionShape)
    for row, arrays in read_rows(path, fields, report):
        shape = arrays and make(*arrays)
        complaints = list(_mask_row_complaints(shape, level)) if shape else []
        for complaint in complaints:
            report(path, row, complaint)
        yield shape


def read_rows(
    path: Path, fields: Mapping[str, Field], report: Report
) -> Iterator[tuple[int, tuple[np.ndarray, ...] | None]]:
    """Number and arrays of each row of a file, None for the arrays of one that cannot be read. Raises nothing."""
    try:
        with open_h5(path) as file:
            num_rows, num_points = _size(file, fields)
            exact = {name: sized(field, num_rows, num_points) for name, field in fields.items()}
            for name, field in exact.items():
                read_dataset(file, name, field, slice(0))  # a dataset of the wrong kind is told once, not for each row
            for start in range(0, num_rows, _BLOCK):
                yield from _read_block(path, file, exact, range(start, min(start + _BLOCK, num_rows)), report)
    except ValueError as error:
        report(path, None, str(error))


def _size(file: h5py.File, fields: Mapping[str, Field]) -> tuple[int, int]:
    read_dataset(file, "pts", fields["pts"], slice(0))
    return file["pts"].shape[:2]


def _read_block(path: Path, file: h5py.File, fields: Mapping[str, Field], rows: range, report: Report):
    try:
        blocks = [read_dataset(file, name, field, slice(rows.start, rows.stop)) for name, field in fields.items()]
        yield from ((row, tuple(block[row - rows.start] for block in blocks)) for row in rows)
    except ValueError as error:
        if len(rows) > 1:
            for row in rows:
                yield from _read_block(path, file, fields, range(row, row + 1), report)
        else:
            report(path, rows.start, str(error))
            yield rows.start, None


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


def _tree_shape(
    path: Path, row: int, arrays: tuple[np.ndarray, ...], entry: Any, taxonomy: "Taxonomy", report: Report
) -> LabeledShape | None:
    points, normals, label = arrays
    try:
        names = parse_tree_entry(path.with_suffix(".json"), row, entry)
    except ValueError as error:
        report(path.with_suffix(".json"), row, str(error))
        return None
    complaints = list(array_complaints(points, normals))
    shape = LabeledShape(np.float32(points), np.float32(normals), label.astype(np.int32), *names)
    for complaint in [*complaints, *part_complaints(shape, taxonomy)]:
        report(path, row, complaint)
    return None if complaints else shape


def _mask_row_complaints(shape: DetectionShape | GroundTruthShape, level: "Level") -> Iterator[str]:
    if not np.isfinite(shape.points).all():
        yield "NaN or infinite points"
    detection = isinstance(shape, DetectionShape)
    classes = shape.semantic if detection else shape.classes[shape.valid].astype(int) + 1
    if classes.size and classes.max() >= level.num_classes:
        yield f"label {classes.max()} outside the taxonomy, 0..{level.num_classes - 1}"
    yield from mask_complaints(shape.masks, shape.valid, may_be_empty=detection)
    if (shape.other == shape.masks[shape.valid].any(axis=0)).any():
        yield "the mask of all other points is not what the masks leave over"
