"""Our own records: compressed, in shards, with everything that training needs and no HDF5 to take apart.

    <root>/shards/<Category>/<split>-<file>-<part>.tfrecords.gz
    <root>/shards/<Category>/<split>.json   {"schema", "num_classes", "shards": {file name: number of shapes}}

The .json is written last, so a split that has one is complete. Records carry checksums of their own.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from instance_seg.data.files.checksums import sealing, verify
from instance_seg.data.files.records import Example, Value, read_examples, write_examples
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.stored_shape import StoredShape, check_shape
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.files import read_json, write_json
from instance_seg.options import shown
from instance_seg.structures import Labels

FOLDER = "shards"
SCHEMA = 1
SHAPES_PER_SHARD = 128


def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
    """The list of a split, in <root>/shards/<Category> or <root>/<Category>, or nothing if there is none."""
    folders = (Path(root) / FOLDER / category, Path(root) / category)
    return [path for path in (folder / f"{split}.json" for folder in folders) if path.is_file()][:1]


def count(root: str | os.PathLike, category: str, split: str) -> int:
    """Number of shapes, by the list. Raises ValueError if there is no list or it is malformed."""
    return sum(_read_list(_list_path(root, category, split))["shards"].values())


def read(root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy) -> Iterator[StoredShape]:
    """Reads the shapes of a split. Raises ValueError naming the file and the record for what is amiss."""
    path = _list_path(root, category, split)
    listed = _read_list(path)
    if listed["num_classes"] != list(taxonomy.num_classes):
        raise ValueError(
            f"{path}: made for {shown(listed['num_classes'])} classes a level, "
            f"{category} has {list(taxonomy.num_classes)}; run tools/prepare_partnet.py again"
        )
    missing = [name for name in listed["shards"] if not (path.parent / name).is_file()]
    if missing:
        raise ValueError(f"{path}: lists {missing[0]}, which is not there; run tools/prepare_partnet.py again")
    for name, number in listed["shards"].items():
        for example in read_examples(path.parent / name, number, "GZIP"):
            yield check_shape(example.where, _shape(example, len(taxonomy.levels)), taxonomy)


def shard_path(root: str | os.PathLike, category: str, split: str, file: int, part: int) -> Path:
    """Where part `part` of the shapes of the split's `file`-th HDF5 file belongs."""
    return Path(root) / FOLDER / category / f"{split}-{file:02d}-{part:02d}.tfrecords.gz"


def list_path(root: str | os.PathLike, category: str, split: str) -> Path:
    """Where the list of a split belongs."""
    return Path(root) / FOLDER / category / f"{split}.json"


def write_shard(path: str | os.PathLike, shapes: Iterable[StoredShape]) -> int:
    """Writes one shard, whole or not at all, and returns how many shapes it has."""
    return write_examples(path, map(_features, shapes), "GZIP")


def write_list(path: str | os.PathLike, shards: Mapping[Path, int], taxonomy: Taxonomy) -> None:
    """Writes the list of a split, {shard: number of shapes} in their order; the shards must be there already."""
    numbers = {shard.name: number for shard, number in shards.items()}
    with sealing(path):
        write_json(path, {"schema": SCHEMA, "num_classes": list(taxonomy.num_classes), "shards": numbers}, indent=1)


def _list_path(root: str | os.PathLike, category: str, split: str) -> Path:
    found = files(root, category, split)
    if not found:
        raise ValueError(f"{list_path(root, category, split)}: no such file; run tools/prepare_partnet.py")
    return found[0]


def _read_list(path: Path) -> dict[str, Any]:
    verify(path)
    listed = read_json(path)
    try:
        whole = listed["schema"] == SCHEMA and bool(listed["shards"]) and listed["num_classes"] is not None
        whole = whole and all(type(number) is int and number > 0 for number in listed["shards"].values())
        whole = whole and all(Path(name).name == name for name in listed["shards"])  # none leads out of the folder
    except (TypeError, KeyError, AttributeError):
        whole = False
    if not whole:
        raise ValueError(f"{path}: no list of shards of schema {SCHEMA}; run tools/prepare_partnet.py again")
    return listed


def _features(shape: StoredShape) -> dict[str, Value]:
    semantic, instance = (np.stack(arrays).astype("<i2") for arrays in zip(*shape.levels))
    return {
        "points": shape.points.astype("<f4").tobytes(),
        "normals": shape.normals.astype("<f4").tobytes(),
        "semantic": semantic.tobytes(),
        "instance": instance.tobytes(),
        "model_id": shape.name.model_id.encode(),
        "anno_id": shape.name.anno_id.encode(),
    }


def _shape(example: Example, num_levels: int) -> StoredShape:
    points, normals = (_array(example, name, "<f4", (-1, 3)).astype(np.float32) for name in ("points", "normals"))
    semantic, instance = (
        _array(example, name, "<i2", (num_levels, -1)).astype(np.int32) for name in ("semantic", "instance")
    )
    levels = tuple(map(Labels, semantic, instance))
    return StoredShape(points, normals, levels, ShapeId(example.text("model_id"), example.text("anno_id")))


def _array(example: Example, name: str, dtype: str, shape: tuple[int, int]) -> np.ndarray:
    try:
        return np.frombuffer(example.bytes(name), dtype).reshape(shape)
    except ValueError as error:
        raise ValueError(f"{example.where}: {name!r} has no shape {list(shape)} ({error})") from error
