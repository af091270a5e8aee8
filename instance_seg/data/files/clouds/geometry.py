"""What the readers of clouds and meshes return, and the error they raise."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_GRAY = 128  # channels of what has no color, beside others that have


class Cloud(NamedTuple):
    """Points as a file holds them."""

    points: np.ndarray  # [N, 3] float64
    normals: np.ndarray | None = None  # [N, 3] float64, as stored: they may be anything; None = the file has none
    colors: np.ndarray | None = None  # [N, 3] uint8; None = the file has none


class Mesh(NamedTuple):
    """Triangles as a file holds them."""

    vertices: np.ndarray  # [V, 3] float64
    faces: np.ndarray  # [F, 3] integer
    colors: np.ndarray | None = None  # [V, 3] uint8, of the vertices


class UnreadableError(ValueError):
    """A file is not what it should be; the message is a reason a person understands, without the file's name."""


def as_numbers(values, name: str) -> np.ndarray:
    """An array of float64. Raises UnreadableError, naming the array, for text, objects, complex numbers and times."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise UnreadableError(f"{name} has dtype {values.dtype}; want integers or floating point numbers")
    return values.astype(np.float64)


def color_bytes(values: np.ndarray) -> np.ndarray:
    """Channels as files have them, fractions, bytes or 16 bits, as bytes; what is none of these becomes 0 or 255."""
    top = np.nanmax(values, initial=0)
    scale = 255.0 if values.dtype.kind == "f" and top <= 1 else 1.0 if top <= 255 else 255 / 65535
    return np.uint8(np.clip(np.nan_to_num(np.round(values * scale)), 0, 255))


def joined(parts: Sequence[tuple[np.ndarray, np.ndarray | None]]) -> tuple[np.ndarray, np.ndarray | None]:
    """Points [N, 3] and colors of parts of a scene; gray where a part has none, None if none has any."""
    points = np.concatenate([np.empty((0, 3)), *(points for points, _ in parts)])
    if all(colors is None for _, colors in parts):
        return points, None
    gray = (np.full((len(points), 3), _GRAY, np.uint8) if own is None else own for points, own in parts)
    return points, np.concatenate(list(gray))
