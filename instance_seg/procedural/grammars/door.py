"""Doors in their frame: hinged, double, sliding. The front looks to +z."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, Y, shift, turn
from instance_seg.procedural.grammars.fittings import handle
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    ball,
    bar,
    block,
    moved,
    rod,
)


def door_set(draw: Draw) -> Node:
    """Hinged door, double door, or sliding panels in a frame; plain boards, or divided in fields."""
    style = draw.pick(["single", "double", "sliding"], [0.45, 0.35, 0.2])
    height, thick = draw.between(1.8, 2.2), draw.between(0.08, 0.14)
    width = draw.between(0.4, 0.5)
    count = {"single": 1, "double": 2, "sliding": draw.count(2, 3)}[style]
    half = 0.5 * count * 2 * width
    jamb = [bar((s * (half + 0.5 * thick), 0, 0), (s * (half + 0.5 * thick), height, 0), thick, 0.2) for s in (-1, 1)]
    lintel = block((-half - thick, half + thick), (height, height + thick), (-0.1, 0.1))
    sill = block((-half, half), (-0.04, 0.0), (-0.1, 0.1)) if draw.chance(0.4) else ()
    parts = [leaf("outside_frame", *jamb, lintel, sill)] if draw.chance(0.92) else []
    fields = draw.count(1, 4)
    for i in range(count):
        part = door_leaf(draw, 2 * width, height, fields, knob_side=1 if style == "single" or i == 0 else -1)
        left = -half + 2 * width * i
        if style == "sliding":
            parts.append(
                part.moved(shift(left + (draw.between(0.0, 0.5) * width if i == 0 else 0.0), 0, 0.07 * (i % 2)))
            )
            continue
        opened = draw.between(15.0, 80.0) if draw.chance(0.4) else 0.0
        pivot = 0.0 if i == 0 else 2 * width
        parts.append(part.moved(turn(Y, -opened if i == 0 else opened, (pivot, 0, 0))).moved(shift(x=left)))
    return node("door_set", parts)


def door_leaf(draw: Draw, width: float, height: float, fields: int, knob_side: int) -> Node:
    """One door from x = 0 to `width`: boards one above the other, and handles on both faces."""
    edges = np.linspace(0.0, height, fields + 1)
    boards = []
    for low, high in zip(edges, edges[1:]):
        boards.append(leaf("surface_board", block((0.01, width - 0.01), (low + 0.015, high - 0.015), (-0.035, 0.035))))
    x = (0.9 if knob_side > 0 else 0.1) * width
    return node(
        "door", node("door_body", boards), mirrored(door_handle(draw, x, 0.48 * height, knob_side), frame=MIRROR_Z)
    )


def door_handle(draw: Draw, x: float, y: float, knob_side: int) -> Node | None:
    """Plate and lever, plate and knob, or a long bar on its posts."""
    kind = draw.pick(["lever", "knob", "bar", "none"], [0.4, 0.3, 0.2, 0.1])
    if kind == "none":
        return None
    if kind == "bar":
        return leaf(
            "handle/fixed_part",
            moved(handle((0, 0, 0.035), draw.between(0.4, 0.8), "bar", True, 0.07), shift(x, y, 0)),
        )
    rose = block((x - 0.05, x + 0.05), (y - 0.14, y + 0.14), (0.035, 0.06))
    if kind == "knob":
        moving = (*rod((x, y, 0.06), (x, y, 0.13), 0.03), *ball((x, y, 0.17), 0.07))
    else:
        moving = (*rod((x, y, 0.06), (x, y, 0.14), 0.03), *rod((x, y, 0.14), (x - knob_side * 0.26, y, 0.14), 0.033))
    return node("handle", leaf("fixed_part", rose), leaf("movable_part", moving))
