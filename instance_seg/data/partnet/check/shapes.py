"""What can be wrong with a shape whose arrays could be read: complaints, not errors, so that all of them are found."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.partnet.hdf5.masks import MAX_INSTANCES
from instance_seg.data.partnet.rows import Problem
from instance_seg.data.partnet.shape import LabeledShape, level_masks
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.stored_shape import StoredShape
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.structures import Labels

_MOST_CLASSES = 1000


class Digest(NamedTuple):
    """Checksums by which two formats are told to hold the same shape."""

    points: int
    normals: int | None  # None = the format does not store them
    levels: tuple[int | None, ...]  # None = not known


class LevelCount(NamedTuple):
    """What a shape has at one level."""

    classes: tuple[int, ...]  # those present, without 0
    instances: int


class Finding(NamedTuple):
    """What is known of one row after it was read; no arrays, so that processes may tell each other."""

    file: Path
    row: int
    problems: tuple[Problem, ...] = ()
    name: ShapeId | None = None
    digest: Digest | None = None  # None = the row makes no shape
    num_points: int = 0
    counts: Mapping[int, LevelCount] = {}  # by level; never changed


@dataclass
class Census:
    """What was counted at the levels of one category."""

    shapes: dict[str, int] = field(default_factory=dict)  # by split
    points: int = 0
    classes: dict[int, set[int]] = field(default_factory=dict)  # by level, those present, without 0
    instances: dict[int, list[int]] = field(default_factory=dict)  # by level, of each shape

    def add_points(self, split: str, num_points: int) -> None:
        """Counts the points of a shape, and the shape."""
        self.shapes[split] = self.shapes.get(split, 0) + 1
        self.points += num_points

    def add_levels(self, counts: Mapping[int, LevelCount]) -> None:
        """Counts the labels of a shape."""
        for index, count in counts.items():
            self.classes.setdefault(index, set()).update(count.classes)
            self.instances.setdefault(index, []).append(count.instances)


def examine(
    file: Path, row: int, shape: StoredShape, taxonomy: Taxonomy, complaints: Iterable[str] = (), labels: bool = True
) -> Finding:
    """Checksums and counts of a shape and, unless another format has told them, complaints about its labels."""
    if labels:
        complaints = [*complaints, *label_complaints(shape.levels, taxonomy)]
    problems = tuple(Problem(str(file), row, complaint) for complaint in complaints)
    counts = dict(enumerate(map(count_level, shape.levels)))
    digest = Digest(crc(shape.points), crc(shape.normals), tuple(map(level_crc, shape.levels)))
    return Finding(file, row, problems, shape.name, digest, len(shape.points), counts)


def count_level(level: Labels) -> LevelCount:
    """Counts the labels of a shape at one level; classes far outside of any taxonomy are left out."""
    counted = (level.semantic > 0) & (level.semantic < _MOST_CLASSES)
    classes = np.flatnonzero(np.bincount(level.semantic[counted])).tolist()
    return LevelCount(tuple(classes), int(np.count_nonzero(np.bincount(level.instance[level.instance >= 0]))))


def level_crc(level: Labels) -> int:
    """Checksum of the labels of a level."""
    return zlib.crc32(level.instance.astype("<i4").tobytes(), crc(level.semantic))


def crc(values: np.ndarray) -> int:
    """Checksum of points or normals [N, 3], as float32, or of labels [N], as int32."""
    kind = "<f4" if np.issubdtype(values.dtype, np.floating) else "<i4"
    return zlib.crc32(np.ascontiguousarray(values, kind).tobytes())


def label_complaints(levels: tuple[Labels, ...], taxonomy: Taxonomy) -> Iterator[str]:
    """What is wrong with the labels of a shape: classes the taxonomy lacks, or levels that contradict each other."""
    outside = False
    for index in taxonomy.real_levels:
        semantic, classes = levels[index].semantic, taxonomy.levels[index].num_classes
        if bad := int(((semantic < 0) | (semantic >= classes)).sum()):
            yield f"level {index + 1}: label {semantic.max()} outside the taxonomy, 0..{classes - 1} ({bad} points)"
            outside = True
    if not outside:
        yield from _instance_complaints(levels, taxonomy)
        yield from _hierarchy_complaints(levels, taxonomy)
        for index in taxonomy.real_levels:
            semantic, instance = levels[index]
            if bad := int(((semantic > 0) != (instance >= 0)).sum()):
                yield f"level {index + 1}: {bad} points have a class and no instance, or an instance and no class"
        if not levels[0].semantic.any():
            yield "level 1: no labeled point"


def mask_complaints(masks: np.ndarray, valid: np.ndarray, may_be_empty: bool) -> Iterator[str]:
    """What is wrong with the masks [I, N] of one level and their valid flags [I].

    `may_be_empty`: a valid row may have no point, as in PartNet's detection files.
    """
    filled = masks.any(axis=1)
    if not may_be_empty and (valid & ~filled).any():
        yield f"mask row {_first(valid & ~filled)} is marked valid and has no point"
    if (filled & ~valid).any():
        yield f"mask row {_first(filled & ~valid)} has points and is not marked valid"
    if (overlap := masks[filled & valid].sum(axis=0, dtype=np.uint16) > 1).any():
        rows = np.flatnonzero(masks[:, _first(overlap)] & valid)
        yield f"mask rows {rows[0]} and {rows[1]} overlap ({int(overlap.sum())} points are in more than one mask)"


def part_complaints(shape: LabeledShape, taxonomy: Taxonomy) -> Iterator[str]:
    """What is wrong with the parts of a shape at each level: overlaps, or too many of them."""
    for index in taxonomy.real_levels:
        masks, _ = level_masks(shape, taxonomy.levels[index])
        if len(masks) > MAX_INSTANCES:
            yield f"level {index + 1}: {len(masks)} instances, PartNet's layout holds {MAX_INSTANCES}"
        for complaint in mask_complaints(masks, np.ones(len(masks), bool), may_be_empty=True):
            yield f"level {index + 1}: {complaint}"


def _instance_complaints(levels: tuple[Labels, ...], taxonomy: Taxonomy) -> Iterator[str]:
    for index in taxonomy.real_levels:
        semantic, instance = levels[index]
        inside, classes = instance >= 0, int(semantic.max()) + 1
        pairs = np.flatnonzero(np.bincount(instance[inside].astype(np.int64) * classes + semantic[inside]))
        found = pairs // classes
        twice = found[1:][found[1:] == found[:-1]]
        if twice.size:
            yield f"level {index + 1}: instance {twice[0]} has points of two classes"


def _hierarchy_complaints(levels: tuple[Labels, ...], taxonomy: Taxonomy) -> Iterator[str]:
    """A point of a fine class must have the coarse class that contains it, if the coarse level lists one."""
    for coarse in taxonomy.real_levels:
        for fine in (level for level in taxonomy.real_levels if level > coarse):
            parent = taxonomy.parent_map(fine, coarse)[levels[fine].semantic]
            broken = (parent > 0) & (parent != levels[coarse].semantic)
            if broken.any():
                point = _first(broken)
                names = [taxonomy.levels[index].names[levels[index].semantic[point]] for index in (fine, coarse)]
                yield (
                    f"hierarchy broken at point {point} ({int(broken.sum())} in all): {names[0]!r} at level "
                    f"{fine + 1}, {names[1]!r} at level {coarse + 1}"
                )


def _first(flags: np.ndarray) -> int:
    return int(np.argmax(flags))
