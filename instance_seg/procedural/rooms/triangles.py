"""From the surfaces of the grammars to triangles [T, 3, 3], and from those to a welded mesh of even density."""

import numpy as np
import pandas as pd

from instance_seg.procedural.solids import loft
from instance_seg.procedural.surfaces import Ellipsoid, Lathe, Surface, Triangles, Tube

SIDES = 16  # of a round body
CELL_BITS = 17  # of a cell's index on one axis


def triangles_of(surface: Surface) -> np.ndarray:
    """Triangles [T, 3, 3] float64 that stand for a surface; round ones have 16 sides."""
    corners = _local[type(surface)](surface)
    return surface.frame.points(corners.reshape(-1, 3)).reshape(-1, 3, 3)


def _rings(rings: np.ndarray) -> np.ndarray:
    """Triangles between neighboring closed polygons [K, V, 3]."""
    (body,) = loft(rings, caps=False)
    return body.corners


def _lathe(surface: Lathe) -> np.ndarray:
    angle = np.linspace(0.0, surface.sweep, SIDES + 1)
    radius, height = surface.profile[:, :1], surface.profile[:, 1:]
    grid = np.stack(
        np.broadcast_arrays(radius * np.cos(angle), height, -radius * np.sin(angle)), axis=2
    )  # [K, SIDES + 1, 3]
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    return np.concatenate([np.stack(face, axis=2).reshape(-1, 3, 3) for face in ((a, b, c), (a, c, d))])


def _tube(surface: Tube) -> np.ndarray:
    angle = 2.0 * np.pi * np.arange(SIDES // 2) / (SIDES // 2)
    step = np.gradient(surface.path, axis=0)
    step /= np.linalg.norm(step, axis=1, keepdims=True) + 1e-12
    first = np.empty_like(step)
    side = np.array([1.0, 0.3, 0.2])
    for i, direction in enumerate(step):  # carried along the path, so that the tube does not twist
        side = side - (side @ direction) * direction
        if side @ side < 1e-6:
            side = np.cross(direction, [0.0, 1.0, 0.3])
        side = first[i] = side / np.sqrt(side @ side)
    second = np.cross(step, first)
    around = np.cos(angle)[:, None] * first[:, None] + np.sin(angle)[:, None] * second[:, None]
    return _rings(surface.path[:, None] + surface.radius * around)


def _ellipsoid(surface: Ellipsoid) -> np.ndarray:
    polar = np.linspace(np.arcsin(surface.low), np.arcsin(surface.high), SIDES // 2 + 1)
    profile = np.stack([np.cos(polar), np.sin(polar)], axis=1)
    return _lathe(Lathe(profile)) * surface.radii


_local = {Triangles: lambda surface: surface.corners, Lathe: _lathe, Tube: _tube, Ellipsoid: _ellipsoid}


def bisect(corners: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """Halves triangles at the middle of their longest edge until no edge is longer than `longest`.

    An edge that two triangles share is cut at the same points in both, so no gaps appear.

    Returns:
        Triangles [S, 3, 3], and the index [S] of the triangle each one is a piece of.
    """
    source = np.arange(len(corners))
    done, sources = [], []
    while len(corners):
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        lengths = np.stack([np.einsum("ij,ij->i", step, step) for step in (b - a, c - b, a - c)], axis=1)
        edge = lengths.argmax(axis=1)
        long = lengths[np.arange(len(edge)), edge] > longest * longest
        done.append(corners[~long])
        sources.append(source[~long])
        rolled = np.take_along_axis(corners[long], ((edge[long, None] + np.arange(3)) % 3)[:, :, None], axis=1)
        start, end, tip = rolled[:, 0], rolled[:, 1], rolled[:, 2]
        middle = 0.5 * (start + end)
        corners = np.concatenate([np.stack([start, middle, tip], axis=1), np.stack([middle, end, tip], axis=1)])
        source = np.tile(source[long], 2)
    return np.concatenate(done), np.concatenate(sources)


def weld(corners: np.ndarray, owner: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """One vertex for all corners of one owner in one cell of a grid.

    Sheets thinner than a cell melt together, as they do in a fused scan.

    Args:
        corners: [S, 3, 3]; owner: [S] int, below 4096; cell: edge of a cell, meters.

    Returns:
        For each vertex [V] the corner, counted through all triangles, that stands for it; faces [F, 3] without
        degenerate or double ones.
    """
    points = corners.reshape(-1, 3)
    index = np.floor((points - points.min(axis=0)) / cell + 0.37).astype(np.int64)
    key = np.repeat(owner.astype(np.int64), 3)
    for axis in range(3):
        key = (key << CELL_BITS) | index[:, axis]
    vertex, distinct = pd.factorize(key)
    chosen = np.empty(len(distinct), np.int64)
    chosen[vertex[::-1]] = np.arange(len(vertex))[::-1]  # of those in a cell the first, which is written last
    faces = vertex.reshape(-1, 3)
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    ordered = np.sort(faces, axis=1)
    packed = (ordered[:, 0] << 42) | (ordered[:, 1] << 21) | ordered[:, 2]
    return chosen, faces[~pd.Series(packed).duplicated().to_numpy()]
