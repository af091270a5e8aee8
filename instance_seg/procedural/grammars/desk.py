"""Desks: a top on one or two cabinets with drawers, doors or shelves."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, shift
from instance_seg.procedural.grammars.fittings import door, drawer, foot_pads, post, spread, square
from instance_seg.procedural.grammars.tabletop import Top, tabletop
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    block,
    box,
)


def desk(draw: Draw) -> Node:
    """A top on one or two cabinets; panels or legs at the open side."""
    top = Top(draw.between(0.8, 1.1), draw.between(0.4, 0.5), draw.between(0.8, 0.95), draw.between(0.05, 0.08))
    low = draw.pick([0.0, 0.14], [0.5, 0.5])
    handles = draw.pick(["knob", "bar", "bow"])
    width = draw.between(0.42, 0.55)
    left = cabinet(draw, (-top.w + 0.04, -top.w + 0.04 + width), low, top, handles)
    if draw.chance(0.5):
        right = cabinet(draw, (top.w - 0.04 - width, top.w - 0.04), low, top, handles)
    elif draw.chance(0.5):
        right = [
            leaf("vertical_side_panel", block((top.w - 0.1, top.w - 0.05), (0, top.y), (-0.92 * top.d, 0.92 * top.d)))
        ]
    else:
        right = mirrored(
            leaf("leg", post(draw, (top.w - 0.12, top.y, top.d - 0.1), (top.w - 0.12, 0, top.d - 0.1), 0.1)),
            frame=MIRROR_Z,
        )
    parts = [left, right, between_the_sides(draw, top, -top.w + 0.04 + width, top.w - 0.04 - width)]
    return node("regular_table", tabletop(draw, top, round_share=0.0, flaps=0.0), node("table_base/drawer_base", parts))


def between_the_sides(draw: Draw, top: Top, left: float, right: float) -> list[Node]:
    """Modesty panel behind the knees, and a keyboard tray or a wide flat drawer above them."""
    parts = []
    if draw.chance(0.5):
        parts.append(
            leaf(
                "vertical_front_panel", block((left, right), (0.35 * top.y, top.y), (-0.8 * top.d, -0.8 * top.d + 0.05))
            )
        )
    kind = draw.pick(["none", "tray", "drawer"], [0.35, 0.35, 0.3])
    if kind == "tray":
        tray = box((0.5 * (left + right), top.y - 0.15, 0.25 * top.d), (0.9 * (right - left), 0.04, 1.1 * top.d))
        parts.append(leaf("keyboard_tray/keyboard_tray_surface", tray))
    elif kind == "drawer":
        wide = drawer(draw, 0.95 * (right - left), 0.16, 1.2 * top.d, "bar")
        parts.append(wide.moved(shift(0.5 * (left + right), top.y - 0.09, 0.9 * top.d)))
    return parts


def cabinet(draw: Draw, x: tuple[float, float], low: float, top: Top, handles: str) -> list[Node]:
    """Open box under the top, filled with drawers, a door or shelves; on feet where it does not reach the floor."""
    sheet, d, (left, right) = 0.04, 0.92 * top.d, x
    y = (low, top.y)
    parts = [
        leaf("vertical_side_panel", block((left, left + sheet), y, (-d, d))),
        leaf("vertical_side_panel", block((right - sheet, right), y, (-d, d))),
        leaf("back_panel", block((left + sheet, right - sheet), y, (-d, -d + sheet))),
        leaf("bottom_panel", block((left + sheet, right - sheet), (low, low + sheet), (-d + sheet, d))),
    ]
    middle, inside, floor = 0.5 * (left + right), right - left - 2 * sheet, low + sheet
    kind = draw.pick(["drawers", "door", "shelves"], [0.5, 0.28, 0.22])
    if kind == "drawers":
        count = draw.count(2, 4)
        pitch = (top.y - floor) / count
        parts += [
            drawer(draw, 0.95 * inside, 0.84 * pitch, 1.6 * d, handles).moved(shift(middle, h, d))
            for h in spread(floor, top.y, count)
        ]
    elif kind == "door":
        height = top.y - floor
        parts.append(door(inside, 0.95 * height, handles).moved(shift(left + sheet, floor + 0.5 * height, d - 0.06)))
    if kind != "drawers":
        levels = np.linspace(floor, top.y, draw.count(3, 4))[1:-1]
        parts += [
            leaf("shelf", block((left + sheet, right - sheet), (h - 0.02, h + 0.02), (-d + sheet, 0.85 * d)))
            for h in levels
        ]
    if low:
        parts += [part.moved(shift(x=middle)) for part in foot_pads(draw, square(0.4 * inside, 0.8 * d), low, 0.1)]
    return parts
