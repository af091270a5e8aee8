"""One shape with the labels of every level: what each of the file formats holds, whatever its layout.

The instance of a point is the row of PartNet's mask that covers it, of ins_seg_h5_for_detection in the training and
validation splits, of ins_seg_h5_gt (which leaves out parts without points) in the test split.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from instance_seg.data.files.values import normal_complaints, point_complaints
from instance_seg.data.partnet.hdf5.masks import MAX_INSTANCES
from instance_seg.data.partnet.shape import LabeledShape, level_labels, level_masks
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import Level, Taxonomy
from instance_seg.structures import Labels

MISSING_NORMALS = 0.01  # share of a shape's normals that may be too short; faces without area have none
CODE_BASE = 100  # the authors store 100 * instance + semantic


class StoredShape(NamedTuple):
    """One shape, not normalized."""

    points: np.ndarray  # [N, 3] float32
    normals: np.ndarray  # [N, 3] float32
    levels: tuple[Labels, ...]  # coarse to fine; a level the category lacks repeats the coarser one's labels
    name: ShapeId


Block = Callable[[], Iterator[StoredShape]]  # reads some shapes of a split; can be pickled


def store_shape(shape: LabeledShape, taxonomy: Taxonomy, split: str) -> StoredShape:
    """Works out the labels of each level from the part tree, numbered as PartNet numbers the masks of that split."""
    labels = (level_rows(shape, taxonomy.levels[index], split) for index in taxonomy.real_levels)
    levels = borrow_missing_levels(labels, taxonomy)
    return StoredShape(np.float32(shape.points), np.float32(shape.normals), levels, shape.name)


def level_rows(shape: LabeledShape, level: Level, split: str) -> Labels:
    """Class and mask row of each point at one level, where masks overlap those of the later one."""
    semantic, instance = level_labels(shape, level)
    if split == "test":
        row_of_part = np.cumsum(level_masks(shape, level)[0].any(axis=1)) - 1
        instance = np.where(instance < 0, -1, np.append(row_of_part, -1)[instance])
    return Labels(semantic.astype(np.int32), instance.astype(np.int32))


def borrow_missing_levels(real: Iterable[Labels], taxonomy: Taxonomy) -> tuple[Labels, ...]:
    """Labels of all levels from those of the real ones: a missing level repeats the next coarser one."""
    real = iter(real)
    levels: list[Labels] = []
    for level in taxonomy.levels:
        levels.append(next(real) if level.real else levels[-1])
    return tuple(levels)


def encode_labels(level: Labels) -> np.ndarray:
    """100 * instance + semantic, [N] int64; a point without any label is -100."""
    return level.instance.astype(np.int64) * CODE_BASE + level.semantic


def decode_labels(codes: np.ndarray) -> Labels:
    """The inverse of encode_labels. Rounds down: -100 is semantic 0 of instance -1, not 0 of 0.

    Raises ValueError if a code is not a whole number, or beyond what 200 instances can give.
    """
    whole = np.asarray(codes)
    in_range = (whole >= -CODE_BASE) & (whole < CODE_BASE * MAX_INSTANCES)
    if not (in_range & (whole == np.floor(whole))).all():
        odd = whole[~(in_range & (whole == np.floor(whole)))][0]
        raise ValueError(f"{odd} is no label 100 * instance + semantic with instances -1..{MAX_INSTANCES - 1}")
    instance, semantic = np.divmod(whole.astype(np.int64), CODE_BASE)
    return Labels(semantic.astype(np.int32), instance.astype(np.int32))


def check_shape(where: str, shape: StoredShape, taxonomy: Taxonomy) -> StoredShape:
    """Returns the shape. Raises ValueError beginning with `where` if its arrays do not fit together or the taxonomy."""
    num_points = len(shape.points)
    sizes = [np.shape(shape.points), np.shape(shape.normals), *(np.shape(a) for level in shape.levels for a in level)]
    wanted = [(num_points, 3)] * 2 + [(num_points,)] * (2 * len(taxonomy.levels))
    if sizes != wanted or not num_points:
        raise ValueError(f"{where} has points, normals and labels of sizes {sizes}; they do not fit together")
    for complaint in chain(point_complaints(shape.points), normal_complaints(shape.normals, MISSING_NORMALS)):
        raise ValueError(f"{where} has {complaint}; tools/check_dataset.py tells all")
    for index, (level, found) in enumerate(zip(taxonomy.levels, shape.levels)):
        for name, values, first, last in (
            ("class", found.semantic, 0, level.num_classes - 1),
            ("instance", found.instance, -1, MAX_INSTANCES - 1),
        ):
            if values.min() < first or values.max() > last:
                raise ValueError(
                    f"{where} has {name} {values.min()}..{values.max()} at level {index + 1}; "
                    f"{taxonomy.category} has {first}..{last} there"
                )
        if found.semantic.any() != (found.instance >= 0).any():
            raise ValueError(f"{where} has classes and no instances, or instances and no classes, at level {index + 1}")
    return shape
