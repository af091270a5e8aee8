"""O-CNN's "points" buffers, which the paper's authors keep one shape at one level in; written and read byte for byte.

Little endian, no padding: 16 bytes magic, int32 number of points, int32 content flags, int32[8] channels of each
property, int32[8] byte offsets, then float32 blocks: points [N, 3], normals [N, 3], features [N, F], labels [N].
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.partnet.splits import SPLITS, ShapeId
from instance_seg.files import replacing

MAGIC = b"_POINTS_1.0_"
HEADER = np.dtype([("magic", "S16"), ("num", "<i4"), ("flags", "<i4"), ("channels", "<i4", 8), ("offsets", "<i4", 8)])
PROPERTIES = ("points", "normals", "features", "labels")  # property i has the flag 1 << i
_FIXED_CHANNELS = {"points": 3, "normals": 3, "labels": 1}

_NAME = re.compile(rf"(?P<shape>.+)_level(?P<level>[123])_(?P<split>{'|'.join(SPLITS)})\.points")
_SHAPE = re.compile(r"(?P<category>[A-Za-z]+)_(?P<index>\d{4,})_(?P<model_id>.*)_(?P<anno_id>[^_]*)")


class PointsBuffer(NamedTuple):
    """What a buffer holds; None = the property is not there."""

    points: np.ndarray  # [N, 3] float32
    normals: np.ndarray | None = None  # [N, 3] float32
    features: np.ndarray | None = None  # [N, F] float32
    labels: np.ndarray | None = None  # [N] float32


class PointsFileName(NamedTuple):
    """What the authors' file names say: <Category>_<index>_<model>_<anno>_level<k>_<split>.points."""

    category: str
    index: int  # of the shape in its split
    shape: ShapeId
    level: int  # 0 = coarsest; the name counts from 1
    split: str

    def __str__(self) -> str:
        shape = "_".join([self.category, f"{self.index:04d}", *self.shape])
        return f"{shape}_level{self.level + 1}_{self.split}.points"

    @classmethod
    def parse(cls, name: str) -> "PointsFileName | None":
        """Reads a file name; None if it is not of this form."""
        outer = _NAME.fullmatch(name)
        inner = outer and _SHAPE.fullmatch(outer["shape"])
        if not inner:
            return None
        shape = ShapeId(inner["model_id"], inner["anno_id"])
        return cls(inner["category"], int(inner["index"]), shape, int(outer["level"]) - 1, outer["split"])


def encode_points(buffer: PointsBuffer) -> bytes:
    """Puts the properties into one buffer.

    Raises ValueError if there is no point, or a property has another number of rows or channels than it must have.
    """
    num_points = len(buffer.points)
    blocks = [_block(name, values, num_points) for name, values in zip(PROPERTIES, buffer)]
    header = np.zeros((), HEADER)
    header["magic"], header["num"] = MAGIC, num_points
    header["flags"] = sum(1 << bit for bit, block in enumerate(blocks) if block.shape[1])
    header["channels"][: len(blocks)] = [block.shape[1] for block in blocks]
    header["offsets"][: len(blocks) + 1] = np.cumsum([HEADER.itemsize, *(block.nbytes for block in blocks)])
    return header.tobytes() + b"".join(block.tobytes() for block in blocks)


def decode_points(data: bytes, where: str | os.PathLike) -> PointsBuffer:
    """Takes a buffer apart.

    Args:
        where: what to call the buffer in an error.

    Raises:
        ValueError: it is no points buffer, is cut or too long, or its header contradicts itself.
    """
    if len(data) < HEADER.itemsize or data[:16] != MAGIC.ljust(16, b"\0"):
        raise ValueError(f"{where}: no O-CNN points buffer; it does not begin with {MAGIC.decode()} and a header")
    header = np.frombuffer(data, HEADER, 1)[0]
    _check_header(header, len(data), where)
    num, channels, offsets = int(header["num"]), header["channels"], header["offsets"]
    blocks = [
        np.frombuffer(data, "<f4", num * int(channels[i]), int(offsets[i])).astype(np.float32) if channels[i] else None
        for i in range(len(PROPERTIES))
    ]
    shaped = [block if block is None else block.reshape(num, -1) for block in blocks]
    return PointsBuffer(*shaped[:3], labels=blocks[3])


def read_points_file(path: str | os.PathLike) -> PointsBuffer:
    """Reads a .points file. Raises ValueError naming the file when it is missing or malformed."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    return decode_points(data, path)


def write_points_file(path: str | os.PathLike, buffer: PointsBuffer) -> None:
    """Writes a .points file, whole or not at all. Raises ValueError as encode_points does."""
    data = encode_points(buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _block(name: str, values: np.ndarray | None, num_points: int) -> np.ndarray:
    """[N, channels] little-endian float32; a property that is absent has no channels."""
    if values is None:
        return np.empty((num_points, 0), "<f4")
    values = np.asarray(values)
    block = (values[:, None] if values.ndim == 1 else values).astype("<f4")
    wanted = _FIXED_CHANNELS.get(name, block.shape[-1])
    if not num_points or block.shape != (num_points, wanted) or not wanted:
        raise ValueError(
            f"{name} has shape {list(values.shape)}; expected {num_points or 'some'} rows of {wanted or 1}"
        )
    return block


def _check_header(header: np.void, size: int, where: str | os.PathLike) -> None:
    num, channels, offsets = int(header["num"]), header["channels"].tolist(), header["offsets"].tolist()
    used = range(len(PROPERTIES))
    present = [bool(header["flags"] >> bit & 1) for bit in used]
    wanted = [_FIXED_CHANNELS.get(name, max(channels[i], 1)) if present[i] else 0 for i, name in enumerate(PROPERTIES)]
    if num < 1 or not present[0] or header["flags"] >> len(PROPERTIES) or channels[:4] != wanted or any(channels[4:]):
        raise ValueError(
            f"{where}: damaged header; {num} points, flags {header['flags']}, channels {channels} do not fit together"
        )
    ends = [HEADER.itemsize + 4 * num * sum(channels[:i]) for i in range(len(PROPERTIES) + 1)]
    if offsets != [*ends, 0, 0, 0] or size != ends[-1]:
        raise ValueError(
            f"{where}: cut or damaged; {num} points of these channels take {ends[-1]} bytes, it has {size}"
        )
