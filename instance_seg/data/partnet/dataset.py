"""A split of PartNet, read once: normalized clouds with the labels of every level."""

import os
import sys
from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
from tqdm import tqdm

from instance_seg.data.bounding_sphere import bounding_sphere
from instance_seg.data.partnet.sources import blocks_of, count_stored
from instance_seg.data.partnet.stored_shape import Block, StoredShape
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.processes import available_cores, map_in_processes
from instance_seg.structures import Cloud, Labels

MANY_SHAPES = 300  # from here on processes are worth their start
RADIUS_MARGIN = 1e-10  # O-CNN adds it to the radius; it keeps a shape of one point from a division by 0


def read_clouds(
    root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy, limit: int | None = None
) -> Iterator[Cloud]:
    """Reads the shapes out of whatever format the folder holds: ins_seg_h5, shards, TFRecords, .points files.

    A large split is read by all cores, where the format can be cut into blocks.

    Args:
        limit: read no more than this many shapes; None = all.

    Raises:
        ValueError: the files are missing or malformed (the message names file and row), or no shape has a part that the
            category's first level lists.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"the number of shapes to read must be at least 1, got {limit}")
    total = min(count_stored(root, category, split), limit or sys.maxsize)
    workers = available_cores() if total >= MANY_SHAPES else 1
    blocks = blocks_of(root, category, split, taxonomy, limit)
    if workers > 1 and len(blocks) > 1:
        parts = map_in_processes(_clouds_of, blocks, workers)
    else:
        parts = (map(as_cloud, block()) for block in blocks)
    any_label = False
    clouds = islice(chain.from_iterable(parts), limit)
    for cloud in tqdm(clouds, f"{category} {split}", total, delay=2, leave=False):
        any_label = any_label or cloud.labels[0].semantic.any()
        yield cloud
    if not any_label:
        raise ValueError(
            f"{root}: no shape of {category} {split} has a part that level 1 lists, such as "
            f"{taxonomy.levels[0].names[1]!r}; the part names in the .json files are those of another category"
        )


def as_cloud(shape: StoredShape) -> Cloud:
    """The shape in the unit sphere; ids take two bytes, since whole splits stay in memory."""
    labels: list[Labels] = []
    for k, level in enumerate(shape.levels):
        borrowed = k > 0 and level is shape.levels[k - 1]
        labels.append(labels[-1] if borrowed else Labels(*(array.astype(np.int16) for array in level)))
    name = " ".join(shape.name).strip()
    return Cloud(to_unit_sphere(shape.points), shape.normals, tuple(labels), name)


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Moves and scales points [N, 3] so that their smallest enclosing sphere is the unit sphere: [N, 3] float32."""
    center, radius = bounding_sphere(points)
    return ((points.astype(np.float64) - center) / (radius + RADIUS_MARGIN)).astype(np.float32)


def _clouds_of(block: Block) -> list[Cloud]:
    return list(map(as_cloud, block()))
