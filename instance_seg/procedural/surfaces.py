"""Four kinds of surface that know their area and draw points of it, uniform by area, with exact unit normals.

    Triangles   anything flat: boxes, tilted slabs, plates, lofts
    Lathe       a polyline turned about the y axis: cylinders, cones, discs, shades, vases
    Tube        a round tube along a polyline, mitred at the bends: wires, handles, rings
    Ellipsoid   a zone of an ellipsoid: balls, domes, cushions

Everything else is built from these (see solids.py). Normals point to the outside of the solid.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from instance_seg.procedural.frames import IDENTITY, Frame, X, Y

Sample = tuple[np.ndarray, np.ndarray]  # points [N, 3], unit normals [N, 3]


@dataclass(frozen=True, eq=False, kw_only=True)
class Surface:
    """A piece of surface in a frame of its own. A kind adds `area` and `_sample_local`."""

    frame: Frame = IDENTITY

    def moved(self, frame: Frame) -> Self:
        """The same surface after a rigid motion."""
        return replace(self, frame=frame.after(self.frame))

    def sample(self, rng: np.random.Generator, count: int) -> Sample:
        """Draws `count` points, uniform by area: points [count, 3] and unit normals [count, 3], float64."""
        points, normals = self._sample_local(rng, count)
        return self.frame.points(points), self.frame.normals(normals)


@dataclass(frozen=True, eq=False)
class Triangles(Surface):
    """Flat triangles; corners counter-clockwise seen from outside."""

    corners: np.ndarray  # [T, 3, 3] float64

    @cached_property
    def _normals_and_areas(self) -> tuple[np.ndarray, np.ndarray]:
        a, b, c = self.corners[:, 0], self.corners[:, 1], self.corners[:, 2]
        normals = np.cross(b - a, c - a)
        double_areas = np.sqrt(np.einsum("ij,ij->i", normals, normals))
        return normals / np.maximum(double_areas, 1e-300)[:, None], 0.5 * double_areas

    @property
    def area(self) -> float:
        return float(self._normals_and_areas[1].sum())

    def _sample_local(self, rng: np.random.Generator, count: int) -> Sample:
        normals, areas = self._normals_and_areas
        chosen = _pick(rng, areas, count)
        root, share = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
        a, b, c = self.corners[chosen, 0], self.corners[chosen, 1], self.corners[chosen, 2]
        return a + root * (b - a + share * (c - b)), normals[chosen]


@dataclass(frozen=True, eq=False)
class Lathe(Surface):
    """A profile in the half plane (radius, height), turned about the y axis.

    The profile runs from the bottom to the top along the outside; an inner wall runs back down. The turn begins at the
    +x axis and goes on towards -z for `sweep` radians.
    """

    profile: np.ndarray  # [K, 2] float64: radius >= 0, height
    sweep: float = 2.0 * np.pi

    @cached_property
    def _areas(self) -> np.ndarray:
        """Areas of the K - 1 cone frustums: the swept angle times the mean radius times the slant."""
        step = np.diff(self.profile, axis=0)
        return 0.5 * self.sweep * (self.profile[:-1, 0] + self.profile[1:, 0]) * np.hypot(step[:, 0], step[:, 1])

    @property
    def area(self) -> float:
        return float(self._areas.sum())

    def _sample_local(self, rng: np.random.Generator, count: int) -> Sample:
        chosen = _pick(rng, self._areas, count)
        start, end = self.profile[chosen], self.profile[chosen + 1]
        share = rng.random(count)
        # The density along the slant grows with the radius, so the square of the radius is uniform.
        radius = np.sqrt(start[:, 0] ** 2 + share * (end[:, 0] ** 2 - start[:, 0] ** 2))
        along = share * (start[:, 0] + end[:, 0]) / np.maximum(start[:, 0] + radius, 1e-300)
        height = start[:, 1] + along * (end[:, 1] - start[:, 1])
        step = end - start
        step /= np.hypot(step[:, 0], step[:, 1])[:, None]
        angle = self.sweep * rng.random(count)
        cos, sin = np.cos(angle), -np.sin(angle)
        points = np.stack([radius * cos, height, radius * sin], axis=1)
        return points, np.stack([step[:, 1] * cos, -step[:, 0], step[:, 1] * sin], axis=1)


@dataclass(frozen=True, eq=False)
class Tube(Surface):
    """A round tube along a polyline without its end caps; a path that ends where it began is closed.

    Neighboring cylinders meet in the plane that halves their angle. The cut takes from one side of a cylinder what it
    leaves on the other, so the area is circumference times length, exactly, while the segments are longer than the
    radius demands (no cut may reach the next one).
    """

    path: np.ndarray  # [K, 3] float64, no two neighbors equal
    radius: float

    @cached_property
    def _segments(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit directions [K - 1, 3] and lengths [K - 1]."""
        steps = np.diff(self.path, axis=0)
        lengths = np.sqrt(np.einsum("ij,ij->i", steps, steps))
        return steps / lengths[:, None], lengths

    @property
    def area(self) -> float:
        return float(2.0 * np.pi * self.radius * self._segments[1].sum())

    @cached_property
    def _cut_slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors g: a surface line at the radial offset e begins (ends) e @ g farther along than the axis does."""
        directions, _ = self._segments
        if np.allclose(self.path[0], self.path[-1]):
            before, after = directions[[-1]], directions[[0]]
        else:
            before, after = directions[[0]], directions[[-1]]
        halves = np.concatenate([before, directions]) + np.concatenate([directions, after])
        return tuple(
            directions - half / np.einsum("ij,ij->i", half, directions)[:, None] for half in (halves[:-1], halves[1:])
        )

    @cached_property
    def _cross_axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Two unit vectors [K - 1, 3] across each segment."""
        directions, _ = self._segments
        helper = np.where(np.abs(directions[:, [0]]) < 0.7, X, Y)
        first = np.cross(directions, helper)
        first /= np.sqrt(np.einsum("ij,ij->i", first, first))[:, None]
        return first, np.cross(directions, first)

    def _propose(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        directions, lengths = self._segments
        (first, second), (start_slopes, end_slopes) = self._cross_axes, self._cut_slopes
        slack = self.radius * (np.linalg.norm(start_slopes, axis=1) + np.linalg.norm(end_slopes, axis=1))
        chosen = _pick(rng, lengths + slack, count)
        angle = 2.0 * np.pi * rng.random(count)[:, None]
        normals = np.cos(angle) * first[chosen] + np.sin(angle) * second[chosen]
        begin = self.radius * np.einsum("ij,ij->i", normals, start_slopes[chosen])
        length = lengths[chosen] + self.radius * np.einsum("ij,ij->i", normals, end_slopes[chosen]) - begin
        distance = begin + rng.random(count) * length
        points = self.path[chosen] + self.radius * normals + distance[:, None] * directions[chosen]
        return points, normals, length / (lengths + slack)[chosen]

    def _sample_local(self, rng: np.random.Generator, count: int) -> Sample:
        return _reject(rng, count, self._propose)


@dataclass(frozen=True, eq=False)
class Ellipsoid(Surface):
    """The zone of an ellipsoid that is the image of the unit sphere's zone low <= y <= high."""

    radii: np.ndarray  # [3] float64
    low: float = -1.0
    high: float = 1.0

    @property
    def _stretch(self) -> np.ndarray:
        """Area factor times normal at the unit sphere's normal n is n * stretch (the cofactors of the scaling)."""
        a, b, c = self.radii
        return np.array([b * c, a * c, a * b])

    @cached_property
    def area(self) -> float:
        """By the midpoint rule in height and angle, in which the unit sphere's area is uniform."""
        steps = 64
        height = self.low + (self.high - self.low) * (np.arange(steps) + 0.5) / steps
        angle = 2.0 * np.pi * (np.arange(steps) + 0.5) / steps
        normals = _sphere(np.repeat(height, steps), np.tile(angle, steps))
        return float(np.linalg.norm(normals * self._stretch, axis=1).mean() * 2.0 * np.pi * (self.high - self.low))

    def _propose(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        height = self.low + (self.high - self.low) * rng.random(count)
        on_sphere = _sphere(height, 2.0 * np.pi * rng.random(count))
        normals = on_sphere * self._stretch
        factor = np.linalg.norm(normals, axis=1)
        return on_sphere * self.radii, normals / factor[:, None], factor / self._stretch.max()

    def _sample_local(self, rng: np.random.Generator, count: int) -> Sample:
        return _reject(rng, count, self._propose)


def _sphere(height: np.ndarray, angle: np.ndarray) -> np.ndarray:
    radius = np.sqrt(np.maximum(1.0 - height**2, 0.0))
    return np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], axis=1)


def _pick(rng: np.random.Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """Draws `count` indices with probabilities proportional to `weights`."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative[:-1], rng.random(count) * cumulative[-1], side="right")


def _reject(rng: np.random.Generator, count: int, propose) -> Sample:
    """Rejection sampling: `propose(rng, n)` gives points, normals and the probability to keep each."""
    points, normals, kept = [np.zeros((0, 3))], [np.zeros((0, 3))], 0
    while kept < count:
        new_points, new_normals, probability = propose(rng, 2 * (count - kept) + 8)
        accepted = rng.random(len(probability)) < probability
        points.append(new_points[accepted])
        normals.append(new_normals[accepted])
        kept += int(accepted.sum())
    return np.concatenate(points)[:count], np.concatenate(normals)[:count]
