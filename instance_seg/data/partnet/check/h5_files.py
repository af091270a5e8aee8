"""Reads PartNet's HDF5 files to the end, whatever is wrong with them, and reports every problem with its row.

A file is cut into blocks of rows, which processes can go through side by side.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from instance_seg.data.files.checked_h5 import Field
from instance_seg.data.files.values import normal_complaints, point_complaints
from instance_seg.data.partnet.check.shapes import (
    Digest,
    Finding,
    count_level,
    crc,
    examine,
    level_crc,
    mask_complaints,
    part_complaints,
)
from instance_seg.data.partnet.hdf5.masks import MASK_FIELDS, MaskRow, mask_labels, mask_row
from instance_seg.data.partnet.hdf5.part_trees import leaf_complaints, parse_tree_entry, read_entries, tree_complaints
from instance_seg.data.partnet.hdf5.trees import TREE_FIELDS, TreeBlock, cut
from instance_seg.data.partnet.rows import Problem, count_rows, read_rows
from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.partnet.taxonomy import Taxonomy

Report = Callable[[str | os.PathLike, int | None, str], None]  # file, row, what is wrong
Work = Callable[[], list[Finding]]  # can be pickled; raises nothing

_BLOCK = 32  # rows of masks in a piece of work


def tree_work(path: Path, split: str, taxonomy: Taxonomy, labels: bool, report: Report) -> list[Work]:
    """Cuts a file of ins_seg_h5 into work, and reports what is wrong with the file as a whole."""
    entries, number = [], 0
    try:
        entries = read_entries(path)
    except ValueError as error:
        report(path.with_suffix(".json"), None, str(error))
    try:
        number = count_rows(path, TREE_FIELDS, sealed=True)
    except ValueError as error:
        report(path, None, str(error))
        return []
    if number != len(entries):
        report(path, None, f"has {number} rows, {path.with_suffix('.json').name} has {len(entries)} shapes")
    entries = [*entries[:number], *[None] * (number - len(entries))]
    return [
        partial(_check_rows, path, TREE_FIELDS, block.rows, partial(_check_tree, block, split, taxonomy, labels))
        for block in cut(path, entries)
    ]


def mask_work(path: Path, taxonomy: Taxonomy, level: int, tree: str, report: Report) -> list[Work]:
    """Cuts a file of ins_seg_h5_gt or ins_seg_h5_for_detection into work, as tree_work does."""
    try:
        number = count_rows(path, MASK_FIELDS[tree], sealed=True)
    except ValueError as error:
        report(path, None, str(error))
        return []
    ranges = (range(first, min(first + _BLOCK, number)) for first in range(0, number, _BLOCK))
    check = partial(_check_mask_row, path, taxonomy, level, tree)
    return [partial(_check_rows, path, MASK_FIELDS[tree], rows, check) for rows in ranges]


def _check_rows(
    path: Path, fields: Mapping[str, Field], rows: range, check: Callable[[int, tuple[np.ndarray, ...]], Finding]
) -> list[Finding]:
    findings = []
    for one in read_rows(path, fields, rows):
        if isinstance(one, Problem):
            findings.append(Finding(path, one.row, (one,)))
        else:
            findings += [check(row, arrays) for row, arrays in enumerate(zip(*one.arrays), start=one.first)]
    return findings


def _check_tree(
    block: TreeBlock, split: str, taxonomy: Taxonomy, labels: bool, row: int, arrays: tuple[np.ndarray, ...]
) -> Finding:
    path, entry = block.path, block.entries[row - block.first]
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


def _check_mask_row(
    path: Path, taxonomy: Taxonomy, level: int, tree: str, row: int, arrays: tuple[np.ndarray, ...]
) -> Finding:
    shape = mask_row(tree, arrays)
    complaints = [*point_complaints(shape.points), *_mask_row_complaints(shape, taxonomy.levels[level].num_classes)]
    problems = tuple(Problem(str(path), row, complaint) for complaint in complaints)
    labels = mask_labels(shape)
    with np.errstate(over="ignore"):
        found = Digest(crc(shape.points), None, (level_crc(labels),))
    return Finding(path, row, problems, None, found, len(shape.points), {level: count_level(labels)})


def _mask_row_complaints(shape: MaskRow, num_classes: int) -> Iterator[str]:
    detection = shape.semantic is not None
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
