"""Smallest enclosing sphere of a point cloud, exact up to float64 rounding.

The sphere is held by at most four points on its surface, the support. Starting from one point, the farthest point
outside the sphere of the support joins it, and the sphere of these few points is found by trying their subsets. The
radius grows with every such step, so no support comes back and the search ends, as in Welzl's move-to-front scheme
(Smallest enclosing disks, 1991) with Gaertner's pivoting (Fast and robust smallest enclosing balls, 1999). A cloud of
10,000 points takes about ten passes.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-12  # relative to the squared radius: how far outside still counts as on the surface


class Sphere(NamedTuple):
    """A sphere in float64."""

    center: np.ndarray  # [3] float64
    radius: float


def bounding_sphere(points: np.ndarray) -> Sphere:
    """Smallest sphere around finite points [N, 3]. Raises ValueError when there are none."""
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f"expected at least one point as [N, 3], got an array of shape {points.shape}")
    origin = points.mean(axis=0)  # near 0 the coordinates have most digits
    points = points - origin
    support, center, held = points[:1], points[0], 0.0
    farthest, squared = _farthest(points, center)
    while squared > held * (1 + TOLERANCE):
        support, candidate, grown = _sphere_of_few(support, points[farthest])
        if grown <= held:  # only rounding is left to fight over
            break
        center, held = candidate, grown
        farthest, squared = _farthest(points, center)
    return Sphere(center + origin, float(np.sqrt(squared)))


def _farthest(points: np.ndarray, center: np.ndarray) -> tuple[int, float]:
    """Index of the point farthest from the center, and its squared distance."""
    offsets = points - center
    squared = np.einsum("ij,ij->i", offsets, offsets)
    index = int(squared.argmax())
    return index, float(squared[index])


def _sphere_of_few(support: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Smallest sphere around at most four support points and a point outside of theirs, which lies on the new one.

    The center is equidistant from the new support and lies in its affine hull. Of all such centers, the one whose
    farthest point is nearest is that of the smallest sphere, so subsets that do not span a sphere need no special case.

    Returns:
        new support [1..4, 3], center [3], squared radius.
    """
    few = np.vstack([support, point])
    best = (few[-1:], point, _farthest(few, point)[1])
    for size in range(1, min(len(support), 3) + 1):
        for others in combinations(support, size):
            edges = np.asarray(others) - point
            center = point + np.linalg.lstsq(edges, 0.5 * np.einsum("ij,ij->i", edges, edges), rcond=None)[0]
            squared = _farthest(few, center)[1]
            if squared < best[2]:
                best = (np.vstack([others, point]), center, squared)
    return best


def in_unit_box(points: np.ndarray) -> np.ndarray:
    """Points [N, 3], far from 0 or not, in a box of unit size around 0: [N, 3] float64."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low / 2 + high / 2)) / (high - low).max()
