"""Kinds of room: how large they are and what stands in them where."""

from collections.abc import Callable
from typing import NamedTuple

from instance_seg.procedural.rooms.kinds import dry, wet
from instance_seg.procedural.rooms.plan import Plan


class Kind(NamedTuple):
    """Least and greatest width, depth; doors, windows; share of windows with curtains; what furnishes it."""

    width: tuple[float, float]
    depth: tuple[float, float]
    doors: tuple[int, int]
    windows: tuple[int, int]
    curtains: float
    furnish: Callable[[Plan], None]


KINDS: dict[str, Kind] = {
    "living room": Kind((3.6, 6.5), (3.4, 5.5), (1, 2), (1, 3), 0.8, dry.living_room),
    "office": Kind((2.8, 6.0), (2.8, 5.0), (1, 1), (1, 2), 0.3, dry.office),
    "kitchen": Kind((2.8, 5.0), (2.6, 4.2), (1, 1), (1, 1), 0.4, wet.kitchen),
    "bathroom": Kind((2.3, 3.6), (2.2, 3.2), (1, 1), (0, 1), 0.3, wet.bathroom),
    "bedroom": Kind((3.0, 5.0), (3.0, 4.6), (1, 1), (1, 2), 0.9, dry.bedroom),
    "class room": Kind((4.2, 6.2), (4.2, 6.0), (1, 2), (1, 3), 0.2, dry.class_room),
    "meeting room": Kind((3.4, 6.0), (3.2, 4.8), (1, 2), (1, 2), 0.2, dry.meeting_room),
    "library": Kind((3.8, 5.6), (3.8, 5.2), (1, 1), (1, 2), 0.1, dry.library),
}
