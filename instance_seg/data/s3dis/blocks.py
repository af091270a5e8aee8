"""A room in blocks: columns of one square meter that overlap by half (datasets.md, S3DIS)."""

from typing import NamedTuple

import numpy as np

from instance_seg.data.s3dis.annotations import FEWEST_POINTS

SIZE, STRIDE = 1.0, 0.5  # meters


class Block(NamedTuple):
    """What the network sees of a block."""

    xyz: np.ndarray  # [P, 3], meters; x and y from the middle of the block, z from the floor of the room
    color: np.ndarray  # [P, 3] in [0, 1]
    position: np.ndarray  # [P, 3] coordinates divided by the extent of the room, in [0, 1]


def cut_blocks(xyz: np.ndarray) -> list[np.ndarray]:
    """The rows of each block, ascending, in snake order over x, then y; blocks of fewer than 100 points are dropped.

    Args:
        xyz: [N, 3] meters, the smallest of each axis 0. A block contains its borders.
    """
    extent = xyz[:, :2].max(axis=0).astype(np.float64)
    count_x, count_y = np.maximum(1, np.ceil((extent - SIZE) / STRIDE).astype(int) + 1)
    blocks = []
    for i in range(count_x):
        column = np.flatnonzero(_between(xyz[:, 0], i * STRIDE))
        y = xyz[column, 1]
        for j in range(count_y) if i % 2 == 0 else reversed(range(count_y)):
            rows = column[_between(y, j * STRIDE)]
            if len(rows) >= FEWEST_POINTS:
                blocks.append(rows)
    return blocks


def _between(values: np.ndarray, begin: float) -> np.ndarray:
    return (values >= begin) & (values <= begin + SIZE)


def sample_rows(count: int, wanted: int, random: np.random.Generator | np.random.RandomState) -> np.ndarray:
    """[wanted] positions among `count`: all and repetitions where there are fewer, drawn with replacement of more."""
    if count > wanted:
        return random.choice(count, wanted)
    return np.concatenate([np.arange(count), random.choice(count, wanted - count)])


def as_block(xyz: np.ndarray, color: np.ndarray, extent: np.ndarray) -> Block:
    """What the network sees of the sampled points of a block.

    Args:
        xyz: [P, 3] meters from the corner of the room.
        color: [P, 3] in 0 ... 255.
        extent: [3] meters, of the room.
    """
    middle = np.append(xyz[:, :2].min(axis=0) + SIZE / 2, 0)
    return Block(xyz - middle, color / 255.0, xyz / np.where(extent > 0, extent, 1))
