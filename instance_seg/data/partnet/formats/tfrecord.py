"""The authors' TFRecords: all shapes of a split in one file, <Category>_level123_<split>_<count>.tfrecords.

    points_bytes   the .points buffer of level 1: points, normals, and labels that nobody reads
    label_1, label_2, label_3   int64 [N], 100 * instance + semantic
    points_flag    1
    shape_index    place of the shape in the sorted list of .points files

Names of the shapes are not in there; they are those of the split's list where it lies in the same folder.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from instance_seg.data.files.records import Example, Value, read_examples, write_examples
from instance_seg.data.partnet.formats.points_file import decode_points, encode_points
from instance_seg.data.partnet.formats.points_folder import level_buffer
from instance_seg.data.partnet.splits import ShapeId, read_split_list, split_list_path
from instance_seg.data.partnet.stored_shape import StoredShape, check_shape, decode_labels, encode_labels
from instance_seg.data.partnet.taxonomy import Taxonomy

FOLDER = "tfrecords"
_LABELS = ("label_1", "label_2", "label_3")
_COUNT = re.compile(r".*_(\d+)\.tfrecords")


def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
    """The files of a split, in <root>/tfrecords or in <root>: one, or none."""
    name = f"{category}_level123_{split}_*.tfrecords"
    found = [path for folder in (Path(root) / FOLDER, Path(root)) for path in sorted(folder.glob(name))]
    return [path for path in found if _COUNT.fullmatch(path.name)]


def count(root: str | os.PathLike, category: str, split: str) -> int:
    """Number of shapes, by the file's name. Raises ValueError if there is no file, or more than one."""
    return _count(_file(root, category, split))


def read(root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy) -> Iterator[StoredShape]:
    """Reads the shapes of a split. Raises ValueError naming the file and the record for what is amiss."""
    path = _file(root, category, split)
    names = _names(root, category, split, path)
    last = -1
    for name, example in zip(names, read_examples(path, len(names)), strict=True):
        index = example.integers("shape_index").max(initial=-1)
        if index <= last:
            raise ValueError(
                f"{example.where} has the shape_index {index} after {last}; records are missing or swapped"
            )
        last = index
        yield check_shape(example.where, _shape(example, name), taxonomy)


def path_for(root: str | os.PathLike, category: str, split: str, num_shapes: int) -> Path:
    """Where the file of a split with so many shapes belongs."""
    return Path(root) / FOLDER / f"{category}_level123_{split}_{num_shapes}.tfrecords"


def write(path: str | os.PathLike, shapes: Iterable[StoredShape]) -> None:
    """Writes the file, whole or not at all.

    Raises ValueError if its name tells of another number of shapes; no file is left then.
    """
    path = Path(path)
    written = write_examples(path, (_features(index, shape) for index, shape in enumerate(shapes)))
    if written != _count(path):
        path.unlink()
        raise ValueError(f"{path}: named for {_count(path)} shapes, but {written} were given")


def _file(root: str | os.PathLike, category: str, split: str) -> Path:
    found = files(root, category, split)
    if len(found) != 1:
        there = ", ".join(map(str, found)) or "none"
        raise ValueError(f"{root}: expected one {category}_level123_{split}_<count>.tfrecords, found {there}")
    return found[0]


def _count(path: Path) -> int:
    return int(_COUNT.fullmatch(path.name)[1])


def _names(root: str | os.PathLike, category: str, split: str, path: Path) -> list[ShapeId]:
    number = _count(path)
    if not split_list_path(root, category, split).is_file():
        return [ShapeId(f"{category}_{split}", str(index)) for index in range(number)]
    names = read_split_list(root, category, split)
    if len(names) != number:
        listed = split_list_path(root, category, split)
        raise ValueError(f"{listed}: names {len(names)} shapes, {path} has {number}; they belong together")
    return names


def _features(index: int, shape: StoredShape) -> Mapping[str, Value]:
    labels = dict(zip(_LABELS, map(encode_labels, shape.levels), strict=True))
    return {"points_bytes": encode_points(level_buffer(shape, 0)), "points_flag": [1], "shape_index": [index], **labels}


def _shape(example: Example, name: ShapeId) -> StoredShape:
    buffer = decode_points(example.bytes("points_bytes"), example.where)
    if buffer.normals is None:
        raise ValueError(f"{example.where}: its points have no normals")
    try:
        levels = tuple(decode_labels(example.integers(label)) for label in _LABELS)
    except ValueError as error:
        raise ValueError(f"{example.where}: {error}") from error
    return StoredShape(buffer.points, buffer.normals, levels, name)
