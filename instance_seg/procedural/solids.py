"""Bodies made of the four surfaces: each function returns a tuple of surfaces, to be given to `nodes.leaf`.

Positions are (x, y, z); a path is [K, 3], an outline [V, 2] counter-clockwise.
"""

import numpy as np

from instance_seg.procedural.frames import Frame, Vector, X, Y, along, shift
from instance_seg.procedural.surfaces import Ellipsoid, Lathe, Surface, Triangles, Tube

Solid = tuple[Surface, ...]
Range = tuple[float, float]


def moved(solid: Solid, frame: Frame) -> Solid:
    """The same body after a rigid motion."""
    return tuple(surface.moved(frame) for surface in solid)


# Flat bodies


def loft(sections: np.ndarray, caps: bool = True, closed: bool = False) -> Solid:
    """Skin over polygons [K, V, 3] one after the other, with fans over the first and the last (`caps`).

    Each polygon runs counter-clockwise seen from the side of the last one. `closed` joins the last to the first.
    """
    sections = np.asarray(sections, float)
    low = sections if closed else sections[:-1]
    high = np.roll(sections, -1, axis=0) if closed else sections[1:]
    low_next, high_next = np.roll(low, -1, axis=1), np.roll(high, -1, axis=1)
    faces = [np.stack([low, low_next, high_next], axis=2), np.stack([low, high_next, high], axis=2)]
    if caps and not closed:
        faces += [_fan(sections[0, ::-1]), _fan(sections[-1])]
    return (Triangles(np.concatenate([face.reshape(-1, 3, 3) for face in faces])),)


def _fan(polygon: np.ndarray) -> np.ndarray:
    """Triangles [V, 3, 3] from the middle of a polygon to its edges."""
    middle = np.broadcast_to(polygon.mean(axis=0), polygon.shape)
    return np.stack([middle, polygon, np.roll(polygon, -1, axis=0)], axis=1)


def _at_height(outline: np.ndarray, y: float) -> np.ndarray:
    """Outline (x, z'), z' = -z, at height y: counter-clockwise in (x, z') is counter-clockwise seen from above."""
    return np.stack([outline[:, 0], np.full(len(outline), y), -outline[:, 1]], axis=1)


def block(x: Range, y: Range, z: Range) -> Solid:
    """Box between two planes on each axis."""
    outline = np.array([[x[0], -z[1]], [x[1], -z[1]], [x[1], -z[0]], [x[0], -z[0]]])
    return loft(np.stack([_at_height(outline, y[0]), _at_height(outline, y[1])]))


def box(center: Vector, size: Vector) -> Solid:
    """Box around a middle."""
    return block(*((c - 0.5 * s, c + 0.5 * s) for c, s in zip(center, size)))


def bar(start: Vector, end: Vector, width: float, depth: float, taper: float = 1.0, side: Vector = X) -> Solid:
    """Bar of rectangular section between two points; `width` lies along `side`, the far end `taper` times as wide."""
    length = float(np.linalg.norm(np.asarray(end, float) - np.asarray(start, float)))
    near = rectangle(width, depth)
    body = loft(np.stack([_at_height(near, 0.0), _at_height(taper * near, length)]))
    return moved(body, along(start, end, side))


def plate(outline: np.ndarray, y: Range, hole: np.ndarray | None = None, taper: float = 1.0) -> Solid:
    """Outline in (x, -z) extruded over the heights y; the top is `taper` times as wide. `hole` makes it a frame."""
    bottom, top = _at_height(outline, y[0]), _at_height(taper * outline, y[1])
    if hole is None:
        return loft(np.stack([bottom, top]))
    inner_bottom, inner_top = _at_height(hole, y[0]), _at_height(taper * hole, y[1])
    return loft(np.stack([bottom, top, inner_top, inner_bottom]), closed=True)


def panel(path: np.ndarray, y: Range, thickness: float) -> Solid:
    """Upright board of constant thickness over a path in the floor plane, [K, 2] in (x, z), possibly bent."""
    path = np.asarray(path, float)
    step = np.gradient(path, axis=0)
    across = np.stack([-step[:, 1], step[:, 0]], axis=1)
    across *= 0.5 * thickness / np.linalg.norm(across, axis=1, keepdims=True)
    corners = [(path + across, y[0]), (path - across, y[0]), (path - across, y[1]), (path + across, y[1])]
    sections = [np.stack([side[:, 0], np.full(len(path), height), side[:, 1]], axis=1) for side, height in corners]
    return loft(np.stack(sections, axis=1))


def band(path: np.ndarray, width: float, thickness: float, side: Vector = X) -> Solid:
    """Flat strap along a path [K, 3] that runs across `side`, the direction in which it is `width` wide."""
    path, side = np.asarray(path, float), np.asarray(side, float)
    across = np.cross(np.gradient(path, axis=0), side)
    across *= 0.5 * thickness / np.linalg.norm(across, axis=1, keepdims=True)
    half = 0.5 * width * side
    return loft(
        np.stack([path - half - across, path + half - across, path + half + across, path - half + across], axis=1)
    )


# Round bodies


def lathe(profile: list[tuple[float, float]] | np.ndarray, at: Vector = (0, 0, 0), sweep: float = 360.0) -> Solid:
    """A profile of (radius, height), bottom to top along the outside, turned about the upright axis through `at`."""
    return (Lathe(np.asarray(profile, float), np.radians(sweep), frame=shift(*at)),)


def shell(profile: list[tuple[float, float]] | np.ndarray, thickness: float, at: Vector = (0, 0, 0)) -> Solid:
    """Open vessel: the outer wall up, the rim, and the inner wall (`thickness` nearer to the axis) down."""
    outer = np.asarray(profile, float)
    inner = outer[::-1].copy()
    inner[:, 0] = np.maximum(inner[:, 0] - thickness, 0.0)
    if outer[0, 0] == 0.0:  # a floor, as thick as the wall
        inner[:, 1] = np.maximum(inner[:, 1], outer[0, 1] + thickness)
    return lathe(np.concatenate([outer, inner, outer[:1]]), at)


def rod(start: Vector, end: Vector, radius: float, end_radius: float | None = None) -> Solid:
    """Round bar with flat ends between two points, a cylinder or a cone frustum."""
    end_radius = radius if end_radius is None else end_radius
    length = float(np.linalg.norm(np.asarray(end, float) - np.asarray(start, float)))
    profile = np.array([(0.0, 0.0), (radius, 0.0), (end_radius, length), (0.0, length)])
    return (Lathe(profile, frame=along(start, end)),)


def disc(center: Vector, radius: float, height: float) -> Solid:
    """Flat round body, its underside at `center`."""
    return lathe([(0, 0), (radius, 0), (radius, height), (0, height)], center)


def wheel(center: Vector, radius: float, width: float, axle: Vector = X) -> Solid:
    """Short cylinder about an axle through `center`."""
    half = 0.5 * width * np.asarray(axle, float)
    return rod(np.asarray(center, float) - half, np.asarray(center, float) + half, radius)


def tube(path: np.ndarray, radius: float) -> Solid:
    """Round tube along a path, with flat ends unless it is closed."""
    path = np.asarray(path, float)
    body = Tube(path, radius)
    if np.allclose(path[0], path[-1]):
        return (body,)
    cap = np.array([(radius, 0.0), (0.0, 0.0)])
    return (
        body,
        Lathe(cap, frame=along(path[0], 2 * path[0] - path[1])),
        Lathe(cap, frame=along(path[-1], 2 * path[-1] - path[-2])),
    )


def ring(center: Vector, radius: float, thickness: float, axis: Vector = Y, segments: int = 24) -> Solid:
    """Closed round tube about `axis`; `thickness` is its radius."""
    angle = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    path = radius * np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    center = np.asarray(center, float)
    return moved(tube(path, thickness), along(center, center + np.asarray(axis, float)))


def ball(center: Vector, radius: float | Vector, low: float = -1.0, high: float = 1.0) -> Solid:
    """Sphere or ellipsoid, or its zone between two heights of the unit sphere (open where it is cut)."""
    radii = np.broadcast_to(np.asarray(radius, float), 3)
    return (Ellipsoid(radii, low, high, frame=shift(*center)),)


# Outlines [V, 2] and paths


def rectangle(width: float, depth: float) -> np.ndarray:
    """Outline of a rectangle about the origin."""
    return 0.5 * np.array([[-width, -depth], [width, -depth], [width, depth], [-width, depth]])


def oval(width: float, depth: float, exponent: float = 2.0, vertices: int = 24) -> np.ndarray:
    """Outline |2x/width|^e + |2z/depth|^e = 1: an ellipse at 2, a rectangle with round corners above it."""
    angle = 2.0 * np.pi * (np.arange(vertices) + 0.5) / vertices
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return 0.5 * np.array([width, depth]) * np.sign(circle) * np.abs(circle) ** (2.0 / exponent)


def bezier(*control: Vector, steps: int = 10) -> np.ndarray:
    """Points [steps + 1, D] along the Bezier curve of the control points (de Casteljau's construction)."""
    t = np.linspace(0.0, 1.0, steps + 1)[:, None]
    points = [np.broadcast_to(np.asarray(point, float), (steps + 1, len(point))) for point in control]
    while len(points) > 1:
        points = [(1.0 - t) * near + t * far for near, far in zip(points, points[1:])]
    return points[0]


def arc(radius: float, start: float, end: float, steps: int = 12) -> np.ndarray:
    """Points [steps + 1, 2] on a circle about the origin between two angles in degrees."""
    angle = np.radians(np.linspace(start, end, steps + 1))
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
