"""PartNet's labeled shapes: ins_seg_h5/<Category>/<split>-NN.h5, and the part trees in the .json beside each file.

`write_split` also writes everything PartNet derives from them, so that its own tools find what they expect.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from instance_seg.data.files.checked_h5 import Field, write_h5
from instance_seg.data.files.checksums import forget_checksums
from instance_seg.data.partnet.hdf5.masks import check_instance_counts, write_level_masks
from instance_seg.data.partnet.hdf5.part_trees import parse_tree_entry, read_entries
from instance_seg.data.partnet.hdf5.paths import h5_path, remove_files_from, split_files
from instance_seg.data.partnet.rows import count_rows, read_rows, reject_values, strict
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId, write_split_list
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.files import adding_files, write_json

TREE = "ins_seg_h5"
SHAPES_PER_FILE = 1024
_BLOCK = 64  # rows

TREE_FIELDS = {
    "pts": Field((None, None, 3), np.floating, written="rows"),
    "nor": Field((None, None, 3), np.floating, written="rows"),
    "label": Field((None, None), np.integer, written="rows"),
}
_GRAY, _OPAQUE = 128, 1.0  # PartNet stores a color and an opacity for each point; nothing here reads them


class TreeBlock(NamedTuple):
    """Some rows of a file of ins_seg_h5, which can be read apart from the others."""

    path: Path
    first: int
    entries: Sequence[Any]  # what the .json says of each row

    @property
    def rows(self) -> range:
        """Their numbers."""
        return range(self.first, self.first + len(self.entries))


def read_file(path: Path) -> Iterator[LabeledShape]:
    """Reads the shapes of one file, a block at a time.

    Raises ValueError naming the file, and the row where there is one, for whatever is missing, damaged or malformed.
    """
    return chain.from_iterable(map(read_block, tree_blocks(path)))


def tree_blocks(path: Path) -> list[TreeBlock]:
    """Cuts a file, whose checksum and .json are looked at. Raises ValueError as read_file does."""
    number, entries = count_rows(path, TREE_FIELDS, sealed=True), read_entries(path)
    if len(entries) != number:
        trees = path.with_suffix(".json")
        raise ValueError(f"{trees}: has {len(entries)} shapes, {path.name} has {number}; they belong together")
    return cut(path, entries)


def cut(path: Path, entries: Sequence[Any]) -> list[TreeBlock]:
    """Cuts a file whose rows have these entries in the .json."""
    return [TreeBlock(path, first, entries[first : first + _BLOCK]) for first in range(0, len(entries), _BLOCK)]


def read_block(block: TreeBlock) -> Iterator[LabeledShape]:
    """Reads the shapes of some rows. Raises ValueError as read_file does."""
    path, start, entries = block
    for first, (points, normals, labels) in strict(read_rows(path, TREE_FIELDS, block.rows)):
        reject_values(path, {"pts": points, "nor": normals}, first)
        for row, arrays in enumerate(zip(points, normals, labels), start=first):
            tree = parse_tree_entry(path.with_suffix(".json"), row, entries[row - start])
            yield LabeledShape(*map(np.ndarray.astype, arrays, (np.float32, np.float32, np.int32)), *tree)


def count_shapes(root: str | os.PathLike, category: str, split: str) -> int:
    """Number of shapes in a split, from the files' headers. Raises ValueError as read_file does."""
    return sum(count_rows(path, TREE_FIELDS) for path in split_files(root, TREE, category, split))


def write_split(
    root: str | os.PathLike, category: str, split: str, shapes: Iterable[LabeledShape], taxonomy: Taxonomy
) -> int:
    """Writes a split in PartNet's layout and returns how many shapes it has.

    Under `root`: ins_seg_h5, the per-level masks derived from it (see partnet_masks) for each level that exists in
    the category, and the split's list. The split is whole or as before: its files lie in a hidden folder until the
    last shape is written. Files of an earlier, longer split are removed.

    Args:
        shapes: any number of shapes with equally many points; at most SHAPES_PER_FILE are held in memory.

    Raises:
        ValueError: a shape is malformed, has another number of points, or more than 200 instances at a level.
    """
    names: list[ShapeId] = []
    num_files = 0
    with adding_files(root) as new:
        for num_files, block in enumerate(_blocks(shapes, SHAPES_PER_FILE), start=1):
            path = h5_path(root, TREE, category, split, num_files - 1)
            _check_shapes(path, block)
            check_instance_counts(path, block, taxonomy)
            file = h5_path(new, TREE, category, split, num_files - 1)
            trees = [{**shape.name._asdict(), "ins_seg": list(map(_part_entry, shape.parts))} for shape in block]
            write_json(file.with_suffix(".json"), trees)
            write_h5(file, len(block), map(_h5_row, block))
            write_level_masks(new, category, split, num_files - 1, block, taxonomy)
            names += [shape.name for shape in block]
        if not names:
            raise ValueError(f"{category} {split}: no shape to write")
        write_split_list(new, category, split, names)
        forget_checksums(Path(root) / path.relative_to(new) for path in new.rglob("*.*"))
    remove_files_from(root, category, split, num_files)
    return len(names)


def _blocks(shapes: Iterable[LabeledShape], size: int) -> Iterator[list[LabeledShape]]:
    iterator = iter(shapes)
    while block := list(islice(iterator, size)):
        yield block


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
    values = {"pts": np.stack([shape.points for shape in shapes]), "nor": np.stack([shape.normals for shape in shapes])}
    reject_values(path, values)


def _part_entry(part: Part) -> dict[str, Any]:
    return {"part_name": part.part_name, "leaf_id_list": list(map(int, part.leaf_ids))}
