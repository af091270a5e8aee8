"""The plan of a room: its walls, and pieces put into it without collisions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.rooms.pieces import Piece

TOUCH = 1e-6  # meters; boxes that share less than this do not collide


class Wall(NamedTuple):
    """One side of the room, seen from above; the room lies to the left of the way from `start` along `along`."""

    start: np.ndarray  # [2] meters
    along: np.ndarray  # [2] unit vector
    length: float
    inward: np.ndarray  # [2] unit vector

    @property
    def yaw(self) -> float:
        """Degrees by which a piece is turned that stands with its back to this wall."""
        return float(round(np.degrees(np.arctan2(self.inward[1], self.inward[0])) + 90.0) % 360)

    def at(self, along: float, inward: float) -> np.ndarray:
        """The point [2] at these distances from the start."""
        return self.start + along * self.along + inward * self.inward


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes [2, 3] share more than a face."""
    return bool(np.all((a[0] < b[1] - TOUCH) & (b[0] < a[1] - TOUCH)))


class Plan:
    """A rectangular room, perhaps without one corner, and what stands in it.

    Attributes:
        size: width, depth and height [3], meters; the room's corner is the origin.
        notch: box [2, 3] of the corner that is missing, or None.
        walls: the sides, counter-clockwise.
        pieces: what was placed, in order; their boxes do not overlap.
        openings: (index of wall, least and greatest distance along it, least and greatest height) of each hole.
    """

    def __init__(self, draw: Draw, size: Sequence[float], notch: np.ndarray | None = None):
        self.draw, self.size, self.notch = draw, np.asarray(size, float), notch
        self.pieces: list[Piece] = []
        self.openings: list[tuple[int, float, float, float, float]] = []
        self.blocked: list[np.ndarray] = [] if notch is None else [notch]
        corners = outline(self.size, notch)
        self.walls = [self._wall(start, end) for start, end in zip(corners, np.roll(corners, -1, axis=0))]

    @staticmethod
    def _wall(start: np.ndarray, end: np.ndarray) -> Wall:
        length = float(np.abs(end - start).sum())  # walls run along the axes
        along = (end - start) / length
        return Wall(start, along, length, np.array([-along[1], along[0]]))

    def is_free(self, box: np.ndarray) -> bool:
        """Whether a box [2, 3] lies in the room and overlaps neither a piece nor a blocked box."""
        inside = np.all(box[0] > -TOUCH) and np.all(box[1] < self.size + TOUCH)
        return bool(inside) and not any(
            overlap(box, other) for other in (*self.blocked, *(piece.box for piece in self.pieces))
        )

    def place(self, piece: Piece, at: Sequence[float], yaw: float = 0.0, height: float = 0.0) -> Piece | None:
        """Puts the piece's origin to `at` [2], turned; returns it in its place, or None if it does not fit."""
        moved = piece.moved(yaw, (*at, height))
        if not self.is_free(moved.box):
            return None
        self.pieces.append(moved)
        return moved

    def along_wall(
        self,
        piece: Piece,
        wall: Wall | None = None,
        along: float | None = None,
        gap: float = 0.0,
        height: float = 0.0,
        tries: int = 12,
    ) -> tuple[Piece, Wall] | None:
        """Puts the back of the piece to a wall, `gap` from it; a wall and place by chance unless they are given."""
        width, depth, _ = piece.size
        for _ in range(1 if along is not None else tries):
            chosen = wall or self.draw.pick(self.walls)
            if chosen.length < width:
                continue
            place = self.draw.between(0.5 * width, chosen.length - 0.5 * width) if along is None else along
            back = gap + piece.box[1, 1]  # pieces have their origin where they were centered
            placed = self.place(piece, chosen.at(place, back), chosen.yaw, height)
            if placed is not None:
                return placed, chosen
        return None

    def in_the_open(self, piece: Piece, yaw: float | None = None, margin: float = 0.4, tries: int = 12) -> Piece | None:
        """Puts the piece somewhere on the floor, with `margin` free around it."""
        for _ in range(tries):
            turned = piece.moved(self.draw.pick([0.0, 90.0, 180.0, 270.0]) if yaw is None else yaw)
            spare = self.size[:2] - turned.size[:2] - 2 * margin
            if np.any(spare < 0.0):
                continue
            at = turned.size[:2] / 2 + margin + spare * self.draw.rng.random(2)
            wide = turned.moved(0.0, (*at, 0.0)).box + np.array([[-margin, -margin, 0.0], [margin, margin, 0.0]])
            if self.is_free(wide):
                return self.place(turned, at)
        return None

    def on_top(
        self, piece: Piece, support: Piece, yaw: float = 0.0, at: Sequence[float] | None = None, tries: int = 6
    ) -> Piece | None:
        """Puts the piece on another one's upper side; `at` [2] is in shares of that, -1..1, by chance if None."""
        turned = piece.moved(yaw)
        low, high = support.box
        spare = 0.5 * (high - low)[:2] - 0.5 * turned.size[:2] - 0.02
        if np.any(spare < 0.0):
            return None
        for _ in range(tries):
            share = self.draw.rng.uniform(-1.0, 1.0, 2) if at is None else np.asarray(at)
            middle = 0.5 * (low + high)[:2] + share * spare
            placed = self.place(turned, middle, 0.0, high[2])
            if placed is not None or at is not None:
                return placed
        return None

    def block(self, low: Sequence[float], high: Sequence[float]) -> None:
        """Keeps a box free of pieces."""
        self.blocked.append(np.array([np.minimum(low, high), np.maximum(low, high)], float))

    def place_all(self, placements: Sequence[tuple[Piece, Sequence[float], float, float]]) -> list[Piece]:
        """Puts pieces at (piece, at, yaw, height) as `place` does: all of them, or none if one does not fit."""
        before = len(self.pieces)
        for piece, at, yaw, height in placements:
            if self.place(piece, at, yaw, height) is None:
                del self.pieces[before:]
                return []
        return self.pieces[before:]

    def fill(self, pieces: Sequence[Piece], chance: float = 1.0, **options) -> list[Piece]:
        """Puts each of the pieces to some wall, with a probability; returns those that fitted."""
        found = [self.along_wall(piece, **options) for piece in pieces if self.draw.chance(chance)]
        return [placed for placed, _ in filter(None, found)]

    def row(self, piece: Piece, count: int, wall: Wall | None = None, height: float = 0.0) -> list[Piece]:
        """Puts `count` equal pieces, or as many as fit, to a wall side by side; none if not two of them touch."""
        width = piece.size[0]
        for _ in range(12):
            chosen = wall or self.draw.pick(self.walls)
            fitting = min(count, int(chosen.length / width))
            if fitting < 2:
                continue
            start = self.draw.between(0.0, chosen.length - fitting * width)
            places = [chosen.at(start + width * (i + 0.5), piece.box[1, 1]) for i in range(fitting)]
            if placed := self.place_all([(piece, at, chosen.yaw, height) for at in places]):
                return placed
        return []


def outline(size: np.ndarray, notch: np.ndarray | None) -> np.ndarray:
    """Corners [4 or 6, 2] of the floor, counter-clockwise."""
    w, d = size[:2]
    corners = [(0.0, 0.0), (w, 0.0), (w, d), (0.0, d)]
    if notch is None:
        return np.array(corners)
    low, high = notch[0, :2], notch[1, :2]
    turned = {
        (True, True): [(low[0], high[1]), high, (high[0], low[1])],  # at the origin
        (False, True): [low, (low[0], high[1]), high],  # at (w, 0)
        (False, False): [(high[0], low[1]), low, (low[0], high[1])],  # at (w, d)
        (True, False): [high, (high[0], low[1]), low],  # at (0, d)
    }
    corner = (bool(low[0] == 0.0), bool(low[1] == 0.0))
    index = [(True, True), (False, True), (False, False), (True, False)].index(corner)
    return np.array([*corners[:index], *turned[corner], *corners[index + 1 :]], float)
