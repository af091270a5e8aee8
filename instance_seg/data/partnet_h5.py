"""PartNet's labelled shapes: ins_seg_h5/<Category>/<split>-NN.h5, and the part trees in the .json beside each file.

`write_split` also writes everything PartNet derives from them, so that its own tools find what they expect.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from instance_seg.data.checked_h5 import Field, open_h5, read_dataset, reject_rows, write_h5
from instance_seg.data.checksums import forget_checksums, verify
from instance_seg.data.partnet_masks import check_instance_counts, write_level_masks
from instance_seg.data.partnet_paths import h5_path, remove_files_from, split_files
from instance_seg.data.partnet_shape import LabeledShape, Part, level_labels
from instance_seg.data.partnet_splits import ShapeId, write_split_list
from instance_seg.files import read_json, replacing, write_json

if TYPE_CHECKING:
    from instance_seg.data.taxonomy import Taxonomy

__all__ = [
    "LabeledShape",
    "Part",
    "SHAPES_PER_FILE",
    "count_shapes",
    "level_labels",
    "read_file",
    "read_split",
    "write_split",
]

TREE = "ins_seg_h5"
SHAPES_PER_FILE = 1024
_BLOCK = 64  # rows read at a time

_POINTS = Field((None, None, 3), np.floating)
_GRAY, _OPAQUE = 128, 1.0  # PartNet stores a color and an opacity for each point; nothing here reads them


def read_split(root: str | os.PathLike, category: str, split: str, limit: int | None = None) -> Iterator[LabeledShape]:
    """Reads the shapes of a split in the order of their files, at most `limit` of them (None = all).

    Raises ValueError naming the file, and the row where there is one, for whatever is missing, damaged or malformed.
    """
    files = split_files(root, TREE, category, split)
    return islice((shape for path in files for shape in read_file(path)), limit)


def read_file(path: Path) -> Iterator[LabeledShape]:
    """Reads the shapes of one file, a block at a time. Raises ValueError as read_split does."""
    with open_h5(path) as file:
        num_points = read_dataset(file, "pts", _POINTS, slice(0)).shape[1]
        num_rows = len(file["pts"])
        entries = _read_tree_entries(path, num_rows)
        rows_of = {
            "pts": Field((num_rows, num_points, 3), np.floating),
            "nor": Field((num_rows, num_points, 3), np.floating),
            "label": Field((num_rows, num_points), np.integer),
        }
        for start in range(0, num_rows, _BLOCK):
            rows = slice(start, start + _BLOCK)
            points, normals, labels = (read_dataset(file, name, field, rows) for name, field in rows_of.items())
            _check_values(path, points, normals, start)
            for row, arrays in enumerate(zip(points, normals, labels), start=start):
                tree = parse_tree_entry(path.with_suffix(".json"), row, entries[row])
                yield LabeledShape(*map(np.ndarray.astype, arrays, (np.float32, np.float32, np.int32)), *tree)


def count_shapes(root: str | os.PathLike, category: str, split: str) -> int:
    """Number of shapes in a split, from the files' headers. Raises ValueError as read_split does."""
    count = 0
    for path in split_files(root, TREE, category, split):
        with open_h5(path) as file:
            read_dataset(file, "pts", _POINTS, slice(0))
            count += len(file["pts"])
    return count


def write_split(
    root: str | os.PathLike, category: str, split: str, shapes: Iterable[LabeledShape], taxonomy: "Taxonomy"
) -> int:
    """Writes a split in PartNet's layout and returns how many shapes it has.

    Under `root`: ins_seg_h5, the per-level masks derived from it (see partnet_masks) for each level that exists in
    the category, and the split's list. Each file is whole or absent; files of an earlier, longer split are removed.

    Args:
        shapes: any number of shapes with equally many points; at most SHAPES_PER_FILE are held in memory.

    Raises:
        ValueError: a shape is malformed, has another number of points, or more than 200 instances at a level.
    """
    names: list[ShapeId] = []
    num_files = 0
    for num_files, block in enumerate(_blocks(shapes, SHAPES_PER_FILE), start=1):
        path = h5_path(root, TREE, category, split, num_files - 1)
        _check_shapes(path, block)
        check_instance_counts(path, block, taxonomy)
        _write_file(path, block)
        write_level_masks(root, category, split, num_files - 1, block, taxonomy)
        names += [ShapeId(shape.model_id, shape.anno_id) for shape in block]
    if not names:
        raise ValueError(f"{category} {split}: no shape to write")
    remove_files_from(root, category, split, num_files)
    write_split_list(root, category, split, names)
    return len(names)


def _blocks(shapes: Iterable[LabeledShape], size: int) -> Iterator[list[LabeledShape]]:
    iterator = iter(shapes)
    while block := list(islice(iterator, size)):
        yield block


def _write_file(path: Path, shapes: Sequence[LabeledShape]) -> None:
    """The .json goes first: readers look for the .h5."""
    forget_checksums([path, path.with_suffix(".json")])
    write_json(path.with_suffix(".json"), [_tree_entry(shape) for shape in shapes])
    with replacing(path) as temporary:
        write_h5(temporary, len(shapes), map(_h5_row, shapes))


def _h5_row(shape: LabeledShape) -> dict[str, np.ndarray]:
    num_points = len(shape.points)
    return {
        "pts": np.float32(shape.points),
        "nor": np.float32(shape.normals),
        "rgb": np.full((num_points, 3), _GRAY, np.uint8),
        "opacity": np.full(num_points, _OPAQUE, np.float32),
        "label": np.int32(shape.leaf_label),
    }


def _check_shapes(path: Path, shapes: Sequence[LabeledShape]) -> None:
    num_points = len(shapes[0].points)
    for row, shape in enumerate(shapes):
        found = [np.shape(array) for array in (shape.points, shape.normals, shape.leaf_label)]
        if found != [(num_points, 3), (num_points, 3), (num_points,)]:
            raise ValueError(f"{path}: row {row} has points, normals, labels of shapes {found}; row 0 has {num_points}")
    _check_values(path, np.stack([shape.points for shape in shapes]), np.stack([shape.normals for shape in shapes]))


def _check_values(path: Path, points: np.ndarray, normals: np.ndarray, first: int = 0) -> None:
    if points.shape[1] == 0:
        raise ValueError(f"{path}: its shapes are empty, they have no points")
    reject_rows(path, ~np.isfinite(points), "has NaN or infinite coordinates in 'pts'", first)
    reject_rows(path, ~np.isfinite(normals), "has NaN or infinite normals in 'nor'", first)


def _tree_entry(shape: LabeledShape) -> dict[str, Any]:
    parts = [
        {"part_name": part.part_name, "leaf_id_list": [int(leaf) for leaf in part.leaf_ids]} for part in shape.parts
    ]
    return {"model_id": shape.model_id, "anno_id": shape.anno_id, "ins_seg": parts}


def _read_tree_entries(path: Path, num_rows: int) -> list[Any]:
    """Content of the .json beside a file, one entry for each row."""
    verify(path.with_suffix(".json"))
    entries = read_json(path.with_suffix(".json"))
    if not isinstance(entries, list) or len(entries) != num_rows:
        found = f"{len(entries)} shapes" if isinstance(entries, list) else "no list of shapes"
        raise ValueError(f"{path.with_suffix('.json')}: has {found}, {path.name} has {num_rows}; they belong together")
    return entries


def parse_tree_entry(path: Path, row: int, entry: Any) -> tuple[tuple[Part, ...], str, str]:
    """Parts, model and annotation out of an entry of a JSON file. Raises ValueError naming both if it is malformed."""
    try:
        parts = tuple(
            Part(str(part["part_name"]), tuple(int(leaf) for leaf in part["leaf_id_list"])) for part in entry["ins_seg"]
        )
        return parts, str(entry["model_id"]), str(entry["anno_id"])
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path}: row {row} is malformed ({error!r}); see ins_seg_h5 in PartNet's layout") from error
