"""The top of an ordinary table: board, glass or slats, a frame below, leaves at the sides."""

from dataclasses import dataclass

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, Z
from instance_seg.procedural.grammars.fittings import (
    spread,
)
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bar,
    block,
    oval,
    plate,
    rectangle,
)


@dataclass(frozen=True)
class Top:
    """Where the table's top lies."""

    w: float  # half the width
    d: float  # half the depth
    y: float  # height of the underside
    thickness: float

    @property
    def high(self) -> float:
        return self.y + self.thickness


def tabletop(draw: Draw, top: Top, round_share: float, flaps: float) -> Node:
    """Board, glass or slats; perhaps a frame of bars below it, perhaps leaves that hang at the sides."""
    parts, y = [], (top.y, top.high)
    kind = draw.pick(["board", "glass", "bars"], [0.5, 0.25, 0.25])
    if kind == "bars":
        count = draw.count(4, 6)
        pitch = 2 * top.d / count
        slats = [
            leaf("bar", block((-top.w, top.w), y, (z - 0.38 * pitch, z + 0.38 * pitch)))
            for z in spread(-top.d, top.d, count)
        ]
        parts.append(node("tabletop_surface", slats))
    else:
        outline = (
            oval(2 * top.w, 2 * top.d, draw.pick([2.0, 4.0]))
            if draw.chance(round_share)
            else rectangle(2 * top.w, 2 * top.d)
        )
        parts.append(leaf("tabletop_surface/" + kind, plate(outline, y)))
    if draw.chance(0.45):
        parts.append(node("tabletop_frame", apron(draw, top)))
    if draw.chance(flaps):
        flap = bar(
            (top.w, top.high - 0.03, 0), (top.w + draw.between(0.02, 0.12), 0.55 * top.y, 0), 1.8 * top.d, 0.05, side=Z
        )
        parts += mirrored(leaf("tabletop_dropleaf", flap))
    return node("tabletop", parts)


def apron(draw: Draw, top: Top) -> list[Node]:
    """Four bars under the board."""
    height, x, z = draw.between(0.09, 0.16), 0.88 * top.w, 0.86 * top.d
    low = top.y - height
    front = leaf("bar", block((-x, x), (low, top.y), (z - 0.04, z)))
    side = leaf("bar", block((x - 0.04, x), (low, top.y), (-z + 0.04, z - 0.04)))
    return mirrored(front, frame=MIRROR_Z) + mirrored(side)
