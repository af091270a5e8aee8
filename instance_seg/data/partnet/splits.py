"""Lists of shapes of a split, stats/train_val_test_split/<Category>.<split>.json; HDF5 rows follow their order."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from instance_seg.files import read_json, write_json
from instance_seg.options import shown

SPLITS = ("train", "val", "test")
MAX_NAME = 200  # letters of a model's or an annotation's name; it becomes part of file names
FOLDER = Path("stats") / "train_val_test_split"


class ShapeId(NamedTuple):
    """Names of a shape: the model, and the annotation of it."""

    model_id: str
    anno_id: str


def split_list_path(root: str | os.PathLike, category: str, split: str) -> Path:
    """Where the list lies. Raises ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")
    return Path(root) / FOLDER / f"{category}.{split}.json"


def write_split_list(root: str | os.PathLike, category: str, split: str, shapes: Iterable[ShapeId]) -> None:
    """Writes the list, atomically."""
    write_json(split_list_path(root, category, split), [shape._asdict() for shape in shapes])


def read_split_list(root: str | os.PathLike, category: str, split: str) -> list[ShapeId]:
    """Reads the list. Raises ValueError naming the file, and the entry that is no {model_id, anno_id}."""
    path = split_list_path(root, category, split)
    entries = read_json(path)
    if not isinstance(entries, list):
        raise ValueError(f"{path}: expected a list of {{model_id, anno_id}}")
    return [as_shape_id(path, row, entry) for row, entry in enumerate(entries)]


def as_shape_id(path: Path, row: int, entry: object) -> ShapeId:
    """Names out of entry `row` of a JSON file. Raises ValueError naming the file and the entry if it has none."""
    if not isinstance(entry, dict) or not {"model_id", "anno_id"} <= entry.keys():
        raise ValueError(f"{path}: row {row} has no model_id and anno_id, but is {shown(entry)}")
    for key in ShapeId._fields:
        name = entry[key]
        named = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable()
        if not named and not (type(name) is int and 0 <= name < 1 << 63):
            raise ValueError(f"{path}: row {row} has no {key} of 1 to {MAX_NAME} letters, but {shown(name)}")
    return ShapeId(str(entry["model_id"]), str(entry["anno_id"]))
