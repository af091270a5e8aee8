"""What the readers of clouds and meshes return, and the error they raise."""

from typing import NamedTuple

import numpy as np


class Cloud(NamedTuple):
    """Points as a file holds them."""

    points: np.ndarray  # [N, 3] float64
    normals: np.ndarray | None = None  # [N, 3] float64, as stored: they may be anything; None = the file has none


class Mesh(NamedTuple):
    """Triangles as a file holds them."""

    vertices: np.ndarray  # [V, 3] float64
    faces: np.ndarray  # [F, 3] integer


class UnreadableError(ValueError):
    """A file is not what it should be; the message is a reason a person understands, without the file's name."""


def as_numbers(values, name: str) -> np.ndarray:
    """An array of float64. Raises UnreadableError, naming the array, for text, objects, complex numbers and times."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise UnreadableError(f"{name} has dtype {values.dtype}; want integers or floating point numbers")
    return values.astype(np.float64)
