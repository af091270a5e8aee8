"""A split of PartNet, read once: normalised points, labels of every level, and the centers to aim at."""

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from instance_seg.data.bounding_sphere import bounding_sphere
from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.sources import count_stored, read_in_blocks, read_shapes
from instance_seg.data.partnet.stored_shape import StoredShape, store_shape
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.data.targets import CenterTables, center_tables
from instance_seg.processes import available_cores, map_in_processes

MANY_SHAPES = 300  # from here on processes are worth their start
RADIUS_MARGIN = 1e-10  # O-CNN adds it to the radius; it keeps a shape of one point from a division by 0


class ShapeLevelData(NamedTuple):
    """Ground truth of one shape at one level."""

    semantic: np.ndarray  # [N] int16 in [0, S); 0 = unlabelled
    instance: np.ndarray  # [N] int16; -1 = none
    centers: CenterTables  # of all points, before any augmentation


class Shape(NamedTuple):
    """One shape, normalised to the unit sphere."""

    points: np.ndarray  # [N, 3] float32
    normals: np.ndarray  # [N, 3] float32
    levels: tuple[ShapeLevelData, ...]  # coarse to fine; a level the category lacks is the coarser one's
    model_id: str
    anno_id: str


class SpilledShapes(Sequence):
    """Shapes in a temporary file without a name, read back one by one: however many there are, none stays in memory."""

    def __init__(self, shapes: Iterable[Shape]):
        self._file = tempfile.TemporaryFile()
        self._entries: list[tuple[int, int, int, str, str]] = []  # begin, end, number of levels, names
        for shape in shapes:
            begin = self._file.tell()
            of_levels = [a for level in shape.levels for a in (level.semantic, level.instance, *level.centers)]
            for array in (shape.points, shape.normals, *of_levels):
                np.save(self._file, array, allow_pickle=False)
            self._entries.append((begin, self._file.tell(), len(shape.levels), shape.model_id, shape.anno_id))
        self._file.flush()

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, row: int) -> Shape:
        """One shape; several threads may ask at once."""
        begin, end, num_levels, *names = self._entries[row]
        stream = io.BytesIO(os.pread(self._file.fileno(), end - begin, begin))
        points, normals = np.load(stream), np.load(stream)
        levels = []
        for _ in range(num_levels):
            semantic, instance, *centers = (np.load(stream) for _ in range(4))
            levels.append(ShapeLevelData(semantic, instance, CenterTables(*centers)))
        return Shape(points, normals, tuple(levels), *names)


@dataclass(frozen=True)
class PartNetDataset:
    """The shapes of a split, in the order of its files."""

    category: str
    split: str
    shapes: Sequence[Shape]

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def num_levels(self) -> int:
        """Number of levels of every shape."""
        return len(self.shapes[0].levels)

    def only(self, level: int) -> "PartNetDataset":
        """The same shapes with the labels of one level alone, counted from 0."""
        one = (s._replace(levels=(s.levels[level],)) for s in self.shapes)
        return PartNetDataset(self.category, self.split, type(self.shapes)(one))

    @classmethod
    def load(
        cls,
        root: str | os.PathLike,
        category: str,
        split: str,
        taxonomy: Taxonomy,
        limit: int | None = None,
        spilled: bool = False,
    ) -> "PartNetDataset":
        """Reads the shapes out of whatever format the folder holds: ins_seg_h5, shards, TFRecords, .points files.

        Args:
            limit: read no more than this many shapes; None = all.
            spilled: keep the shapes in a temporary file, not in memory; for a split that is gone through in its order.

        Raises:
            ValueError: the files are missing or malformed (the message names file and row), or no shape has a part
                that the category's first level lists.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"the number of shapes to read must be at least 1, got {limit}")
        prepared = _read_prepared(root, category, split, taxonomy, limit)
        shapes = SpilledShapes(prepared) if spilled else tuple(prepared)
        if not any(shape.levels[0].semantic.any() for shape in shapes):
            raise ValueError(
                f"{root}: no shape of {category} {split} has a part that level 1 lists, such as "
                f"{taxonomy.levels[0].names[1]!r}; the part names in the .json files are those of another category"
            )
        return cls(category, split, shapes)


def _read_prepared(
    root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy, limit: int | None
) -> Iterator[Shape]:
    """The shapes of a split; a large one is read by all cores, where the format can be cut into blocks."""
    total = min(count_stored(root, category, split), limit or sys.maxsize)
    workers = available_cores() if total >= MANY_SHAPES else 1
    blocks = read_in_blocks(root, category, split, taxonomy, limit) if workers > 1 else None
    with tqdm(desc=f"{category} {split}", total=total, delay=2, leave=False) as bar:
        if blocks is None:
            parts = ([prepare_stored(shape, taxonomy)] for shape in read_shapes(root, category, split, taxonomy, limit))
        else:
            parts = map_in_processes(partial(_prepare_block, taxonomy=taxonomy), blocks, workers)
        for shapes in parts:
            bar.update(len(shapes))
            yield from shapes


def _prepare_block(block: Callable[[], Iterator[StoredShape]], taxonomy: Taxonomy) -> list[Shape]:
    return [prepare_stored(shape, taxonomy) for shape in block()]


def prepare_shape(shape: LabeledShape, taxonomy: Taxonomy) -> Shape:
    """Normalises a shape and works out labels and centers of each level."""
    return prepare_stored(store_shape(shape, taxonomy, "train"), taxonomy)


def prepare_stored(shape: StoredShape, taxonomy: Taxonomy) -> Shape:
    """Normalises a shape and works out the centers of each level."""
    points = to_unit_sphere(shape.points)
    levels: list[ShapeLevelData] = []
    for level, (semantic, instance) in zip(taxonomy.levels, shape.levels):
        if level.real:
            centers = center_tables(points, semantic, instance, level.num_classes)
            levels.append(ShapeLevelData(semantic.astype(np.int16), instance.astype(np.int16), centers))
        else:
            levels.append(levels[-1])
    return Shape(points, shape.normals, tuple(levels), shape.model_id, shape.anno_id)


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Moves and scales points [N, 3] so that their smallest enclosing sphere is the unit sphere: [N, 3] float32."""
    center, radius = bounding_sphere(points)
    return ((points.astype(np.float64) - center) / (radius + RADIUS_MARGIN)).astype(np.float32)
