"""A piece of a room: colored triangles with a label, in meters, z up. Its front looks to -y until it is turned."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from instance_seg.procedural.assemble import leaves
from instance_seg.procedural.draw import Draw
from instance_seg.procedural.nodes import Node
from instance_seg.procedural.rooms.triangles import triangles_of

PALETTES = {
    "wood": [(0.55, 0.38, 0.22), (0.42, 0.27, 0.16), (0.72, 0.55, 0.36), (0.33, 0.22, 0.15), (0.80, 0.68, 0.50)],
    "white": [(0.92, 0.91, 0.88), (0.96, 0.96, 0.95), (0.86, 0.85, 0.80)],
    "metal": [(0.62, 0.63, 0.65), (0.78, 0.79, 0.80), (0.30, 0.31, 0.33)],
    "dark": [(0.12, 0.12, 0.13), (0.18, 0.18, 0.20), (0.25, 0.22, 0.20)],
    "fabric": [
        *[(0.35, 0.36, 0.40), (0.20, 0.27, 0.45), (0.52, 0.18, 0.17), (0.60, 0.52, 0.42), (0.24, 0.40, 0.33)],
        *[(0.75, 0.70, 0.62), (0.14, 0.15, 0.18), (0.70, 0.50, 0.22), (0.45, 0.33, 0.45), (0.30, 0.50, 0.62)],
    ],
    "paint": [(0.88, 0.86, 0.80), (0.80, 0.84, 0.86), (0.86, 0.80, 0.68), (0.75, 0.80, 0.72), (0.92, 0.90, 0.88)],
    "bright": [
        *[(0.75, 0.15, 0.15), (0.15, 0.35, 0.65), (0.90, 0.75, 0.25), (0.20, 0.50, 0.30), (0.85, 0.45, 0.20)],
        *[(0.85, 0.85, 0.80), (0.30, 0.20, 0.40), (0.20, 0.20, 0.22), (0.55, 0.70, 0.80)],
    ],
}
FRAME_WORDS = ("leg", "base", "foot", "frame", "handle", "post", "bar", "stretcher", "caster", "wheel", "support")

Color = tuple[float, float, float]


def color(draw: Draw, *materials: str) -> Color:
    """A color of one of the materials, each a little different."""
    chosen = np.array(draw.pick(PALETTES[draw.pick(materials)]))
    varied = chosen * draw.between(0.85, 1.12) + draw.rng.uniform(-0.03, 0.03, 3)
    return tuple(np.clip(varied, 0.03, 0.98))


@dataclass(frozen=True, eq=False)
class Piece:
    """Triangles of one thing."""

    label: str  # a key of `LABELS`
    corners: np.ndarray  # [T, 3, 3] float64, meters
    colors: np.ndarray  # [T, 3] float64 in 0..1

    @cached_property
    def box(self) -> np.ndarray:
        """[2, 3]: the least and the greatest coordinates."""
        return np.stack([self.corners.min(axis=(0, 1)), self.corners.max(axis=(0, 1))])

    @property
    def size(self) -> np.ndarray:
        """Width, depth, height [3]."""
        return self.box[1] - self.box[0]

    def moved(self, yaw: float = 0.0, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Self:
        """Turned about the upright axis by `yaw` degrees, then shifted."""
        quarter = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}.get(yaw % 360)  # exact, so that things may touch
        cos, sin = quarter or (np.cos(np.radians(yaw)), np.sin(np.radians(yaw)))
        linear = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        return replace(self, corners=self.corners @ linear.T + np.asarray(shift, float))

    def scaled(self, width: float | None = None, depth: float | None = None, height: float | None = None) -> Self:
        """In the sizes given, centered over the origin and standing on z = 0; other sizes keep the proportions."""
        wanted = (width, depth, height)
        factors = [want / max(size, 1e-9) for want, size in zip(wanted, self.size) if want]
        mean = float(np.exp(np.mean(np.log(factors)))) if factors else 1.0
        factor = np.array([want / size if want else mean for want, size in zip(wanted, self.size)])
        low, high = self.box
        anchor = np.array([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2]])
        return replace(self, corners=(self.corners - anchor) * factor)

    def joined(self, *others: Self) -> Self:
        """One piece of all, under this one's label."""
        pieces = (self, *others)
        corners, colors = (np.concatenate([getattr(p, name) for p in pieces]) for name in ("corners", "colors"))
        return replace(self, corners=corners, colors=colors)


def piece_of(label: str, root: Node, body: Color, frame: Color | None = None) -> Piece:
    """A part tree of the grammars (y up, front +z) as a piece; legs, frames and handles in the second color."""
    corners, colors = [], []
    for part in leaves(root):
        triangles = np.concatenate([triangles_of(surface) for surface in part.surfaces])
        chosen = frame if frame and any(word in part.name for word in FRAME_WORDS) else body
        corners.append(triangles)
        colors.append(np.broadcast_to(chosen, (len(triangles), 3)))
    corners = np.concatenate(corners)
    upright = np.stack([corners[..., 0], -corners[..., 2], corners[..., 1]], axis=-1)
    return Piece(label, upright, np.concatenate(colors))


def solid_piece(label: str, *parts: tuple[tuple, Color]) -> Piece:
    """A piece of solids of `solids.py` (y up, front +z), each with its color."""
    corners = [np.concatenate([triangles_of(surface) for surface in solid]) for solid, _ in parts]
    colors = [np.broadcast_to(color, (len(t), 3)) for t, (_, color) in zip(corners, parts)]
    corners = np.concatenate(corners)
    upright = np.stack([corners[..., 0], -corners[..., 2], corners[..., 1]], axis=-1)
    return Piece(label, upright, np.concatenate(colors))
