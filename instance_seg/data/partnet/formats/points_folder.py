"""A folder of the authors' .points files: one for each shape and real level, named as in points_file.

    <root>/points/<Category>/<Category>_<index>_<model>_<anno>_level<k>_<split>.points

The levels of a shape repeat its points and normals. A level that the category lacks has no file.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from instance_seg.data.files.checksums import read_checksums, reject_missing, verify
from instance_seg.data.partnet.formats.points_file import (
    PointsBuffer,
    PointsFileName,
    read_points_file,
)
from instance_seg.data.partnet.stored_shape import (
    Block,
    StoredShape,
    borrow_missing_levels,
    check_shape,
    decode_labels,
    encode_labels,
)
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.structures import Labels

FOLDER = "points"
_BLOCK = 64  # shapes


def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
    """The files of a split, in <root>/points/<Category>, <root>/<Category> or <root>, in the order of the shapes."""
    for folder in (Path(root) / FOLDER / category, Path(root) / category, Path(root)):
        named = ((PointsFileName.parse(path.name), path) for path in folder.glob(f"{category}_*_{split}.points"))
        found = {name: path for name, path in named if name and (name.category, name.split) == (category, split)}
        if found:
            return [found[name] for name in sorted(found, key=lambda name: (name.index, name))]
    return []


def count(root: str | os.PathLike, category: str, split: str) -> int:
    """Number of shapes, by the files' names."""
    return len({PointsFileName.parse(path.name).index for path in files(root, category, split)})


def blocks(
    root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy, limit: int | None = None
) -> list[Block]:
    """Cuts a split, or its first shapes, into blocks. Raises ValueError naming the file that is missing."""
    found = files(root, category, split)
    if not found:
        raise ValueError(f"{root}: has no {category}_..._level1_{split}.points, nor has {FOLDER}/{category} in it")
    folder = found[0].parent
    listed = read_checksums(folder)
    reject_missing(folder, f"{category}_*_{split}.points", listed)
    by_index: dict[int, list[PointsFileName]] = {}
    for path in found:
        name = PointsFileName.parse(path.name)
        by_index.setdefault(name.index, []).append(name)
    for place, (index, names) in enumerate(by_index.items()):
        if index != place:
            raise ValueError(f"{folder}: shape {place:04d} of {category} {split} is missing; after it comes {names[0]}")
    shapes = list(by_index.values())[:limit]
    cut = []
    for first in range(0, len(shapes), _BLOCK):
        part = shapes[first : first + _BLOCK]
        sums = {str(name): listed[str(name)] for names in part for name in names if str(name) in listed}
        cut.append(partial(_read_block, folder, part, sums, taxonomy))
    return cut


def level_buffer(shape: StoredShape, level: int) -> PointsBuffer:
    """What the file of a level holds (0 = coarsest)."""
    return PointsBuffer(shape.points, shape.normals, labels=encode_labels(shape.levels[level]))


def _read_block(
    folder: Path, shapes: Sequence[Sequence[PointsFileName]], listed: Mapping[str, str], taxonomy: Taxonomy
) -> Iterator[StoredShape]:
    """The shapes of which these are the files; `listed` are the checksums of these."""
    for names in shapes:
        if tuple(name.level for name in names) != taxonomy.real_levels or len({name[:3] for name in names}) != 1:
            wanted = ", ".join(str(level + 1) for level in taxonomy.real_levels)
            raise ValueError(f"{folder}: {names[0]} and the files beside it are not one shape at the levels {wanted}")
        paths = [folder / str(name) for name in names]
        for path in paths:
            verify(path, listed)
        first, *others = buffers = [read_points_file(path) for path in paths]
        levels = borrow_missing_levels(map(_labels, paths, buffers), taxonomy)
        for path, buffer in zip(paths[1:], others):
            if not all(np.array_equal(*both, equal_nan=True) for both in zip(buffer[:2], first[:2])):
                raise ValueError(f"{path}: its points or normals are not those of {paths[0].name}")
        yield check_shape(str(paths[0]), StoredShape(*first[:2], levels, names[0].shape), taxonomy)


def _labels(path: Path, buffer: PointsBuffer) -> Labels:
    if buffer.normals is None or buffer.labels is None:
        raise ValueError(f"{path}: has no normals or no labels")
    try:
        return decode_labels(buffer.labels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
