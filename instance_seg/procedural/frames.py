"""Rigid motions: rotation, translation, reflection. y points up, as in PartNet; front is +z."""

from typing import NamedTuple

import numpy as np

Vector = tuple[float, float, float] | np.ndarray

X, Y, Z = np.eye(3)


class Frame(NamedTuple):
    """The map p -> linear @ p + origin; `linear` is orthogonal, so that areas stay and normals map as points do."""

    linear: np.ndarray  # [3, 3] float64, a rotation or a reflection
    origin: np.ndarray  # [3] float64

    def after(self, inner: "Frame") -> "Frame":
        """The map that applies `inner` first and then this one."""
        return Frame(self.linear @ inner.linear, self.linear @ inner.origin + self.origin)

    def points(self, points: np.ndarray) -> np.ndarray:
        """Maps positions [N, 3]."""
        return points @ self.linear.T + self.origin

    def normals(self, normals: np.ndarray) -> np.ndarray:
        """Maps directions [N, 3]."""
        return normals @ self.linear.T


IDENTITY = Frame(np.eye(3), np.zeros(3))
MIRROR_X = Frame(np.diag([-1.0, 1.0, 1.0]), np.zeros(3))  # left <-> right
MIRROR_Z = Frame(np.diag([1.0, 1.0, -1.0]), np.zeros(3))  # front <-> back


def shift(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Frame:
    """Translation."""
    return Frame(np.eye(3), np.array([x, y, z], float))


def turn(axis: np.ndarray, degrees: float, pivot: Vector = (0.0, 0.0, 0.0)) -> Frame:
    """Right-handed rotation about a unit axis through `pivot`."""
    x, y, z = axis
    angle = np.radians(degrees)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    linear = np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross  # Rodrigues' formula
    pivot = np.asarray(pivot, float)
    return Frame(linear, pivot - linear @ pivot)


def unit(vector: Vector) -> np.ndarray:
    """The vector at length 1."""
    vector = np.asarray(vector, float)
    return vector / np.sqrt(vector @ vector)


def along(start: Vector, end: Vector, side: Vector = X) -> Frame:
    """Frame at `start` whose y axis points to `end` and whose x axis is as near to `side` as it can be."""
    start = np.asarray(start, float)
    up = unit(np.asarray(end, float) - start)
    x_axis = np.asarray(side, float) - np.dot(side, up) * up
    if x_axis @ x_axis < 1e-6:  # `side` runs along the segment: any perpendicular will do
        x_axis = np.cross(up, Z if abs(up[2]) < 0.9 else Y)
    x_axis = unit(x_axis)
    return Frame(np.stack([x_axis, up, np.cross(x_axis, up)], axis=1), start)
