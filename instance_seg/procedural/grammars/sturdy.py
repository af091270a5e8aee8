"""Sturdy pieces, as of solid wood: thick seats, tops, legs and walls, one plugged into the other (ours).

Real furniture has them and the other styles do not. Where parts meet, pegs and their holes are surfaces inside of the
piece. `w`, `d` are half the width and depth; the floor is y = 0, the front looks to +z.
"""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import Z, shift, turn
from instance_seg.procedural.grammars.fittings import handle, spread, square
from instance_seg.procedural.grammars.lamp_head import BASE_PART, SHADE
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import Solid, ball, bar, block, lathe, moved, oval, plate, rectangle, rod

Spots = list[tuple[float, float]]


def legs(draw: Draw, spots: Spots, y: float, thickness: float, sink: float) -> tuple[list[Node], Solid]:
    """Square, round or wedge-shaped legs below the height y, with pegs that reach `sink` above it; the pegs' holes."""
    kind, taper, splay = draw.pick(["square", "round", "wedge"]), draw.between(0.75, 1.1), draw.between(1.0, 1.35)
    parts, holes = [], []
    for x, z in spots:
        top, foot = (x, y, z), (splay * x, 0.0, splay * z)
        if kind == "round":
            body = rod(top, foot, 0.5 * thickness, 0.5 * thickness * taper)
        elif kind == "square":
            body = bar(top, foot, thickness, thickness, taper)
        else:
            body = bar(top, foot, 1.5 * thickness, 0.8 * thickness, taper, side=(x, 0.0, z))
        peg, hole = (rod(top, (x, y + sink, z), radius * thickness) for radius in (0.3, 0.33))
        parts.append(leaf("leg", body, peg))
        holes += hole
    return parts, tuple(holes)


def board(draw: Draw, w: float, d: float, y: tuple[float, float], round_share: float) -> Solid:
    """Thick plate, round or rectangular, in some with a rim of another width than its upper side."""
    outline = oval(2 * w, 2 * d, draw.pick([2.0, 4.0])) if draw.chance(round_share) else rectangle(2 * w, 2 * d)
    return plate(outline, y, taper=draw.pick([1.0, draw.between(0.88, 1.06)]))


def ring_of(count: int, radius: float, start: float) -> Spots:
    """Places round the upright axis, the first `start` radians from +x."""
    angles = start + 2 * np.pi * np.arange(count) / count
    return [(radius * np.cos(a), radius * np.sin(a)) for a in angles]


def sturdy_chair(draw: Draw) -> Node:
    """A stool, or a chair whose rear legs run through to the back."""
    return node("chair", (stool if draw.chance(0.5) else frame_chair)(draw))


def stool(draw: Draw) -> list[Node]:
    """A thick seat on three or four legs."""
    w, y, height = draw.between(0.4, 0.6), draw.between(0.4, 1.0), draw.between(0.12, 0.4)
    count, inset, thickness = draw.count(3, 4), draw.between(0.5, 0.75), draw.between(0.14, 0.32)
    spots = ring_of(count, inset * w, draw.between(0, np.pi))
    legs_of_it, holes = legs(draw, spots, y, thickness, draw.between(0.3, 0.9) * height)
    seat = leaf("chair_seat/seat_surface/seat_single_surface", board(draw, w, w, (y, y + height), 0.7), holes)
    return [node("chair_base/regular_leg_base", legs_of_it), seat]


def frame_chair(draw: Draw) -> list[Node]:
    """Two thick posts behind the seat are rear legs and back; rails, bars or a cross between them."""
    w, d, y = draw.between(0.4, 0.55), draw.between(0.35, 0.5), draw.between(0.5, 0.9)
    height, thickness, back = draw.between(0.1, 0.3), draw.between(0.12, 0.26), draw.between(0.7, 1.2)
    x, high = w - 0.5 * thickness, y + height + back
    rear = -d - 0.5 * thickness * draw.pick([-1.0, 1.0])  # in the seat, or behind it
    front, holes = legs(draw, [(-x, d - 0.6 * thickness), (x, d - 0.6 * thickness)], y, thickness, 0.7 * height)
    half = 0.5 * thickness

    def post(low, top):
        return block((x - half, x + half), (low, top), (rear - half, rear + half))

    def rail(low, top):
        return leaf("back_frame_horizontal_bar", block((-x + half, x - half), (low, top), (rear - half, rear + half)))

    frame = mirrored(leaf("back_frame_vertical_bar", post(y + height, high)))
    frame.append(rail(high - draw.between(0.15, 0.35), high))
    low, inner = y + height + draw.between(0.02, 0.2), x - half
    if draw.chance(0.5):
        frame.append(rail(low, low + 0.15))
        low += 0.15
    if draw.chance(0.5):
        ends = [((-inner, low, rear), (inner, high - 0.2, rear)), ((inner, low, rear), (-inner, high - 0.2, rear))]
    else:
        ends = [((place, low, rear), (place, high - 0.2, rear)) for place in spread(-inner, inner, draw.count(1, 3))]
    bars = [leaf("back_surface_vertical_bar", bar(a, b, 0.6 * thickness, 0.5 * thickness)) for a, b in ends]
    rear_legs = mirrored(leaf("leg", post(0.0, y + height)))
    return [
        node("chair_base/regular_leg_base", front, rear_legs),
        leaf("chair_seat/seat_surface/seat_single_surface", board(draw, w, d, (y, y + height), 0.0), holes),
        node("chair_back", node("back_frame", frame), node("back_surface", bars)),
    ]


def sturdy_table(draw: Draw) -> Node:
    """A thick top on four thick legs, or on a column that stands on a cross or a block."""
    height, y = draw.between(0.1, 0.35), draw.between(0.35, 0.95)
    if draw.chance(0.65):
        w, d, thickness = draw.between(0.6, 1.1), draw.between(0.5, 0.8), draw.between(0.15, 0.38)
        inset = draw.between(0.0, 0.12) + 0.5 * thickness
        spots = square(w - inset, d - inset)
        parts, holes = legs(draw, spots, y, thickness, draw.between(0.3, 0.9) * height)
        base, round_share = node("table_base/regular_leg_base", parts), 0.0
    else:
        w = d = draw.between(0.6, 1.0)
        radius, rise, reach = draw.between(0.1, 0.25) * w, draw.between(0.08, 0.25), draw.between(0.4, 0.8) * w
        beam = bar((-reach, 0.5 * rise, 0), (reach, 0.5 * rise, 0), 1.1 * radius, rise, side=Z)
        cross = (*beam, *moved(beam, turn((0, 1, 0), 90.0)))
        foot = draw.pick([cross, board(draw, reach, reach, (0.0, rise), 0.5)])
        holes = rod((0, y, 0), (0, y + 0.6 * height, 0), 0.72 * radius)
        column = (*rod((0, 0.5 * rise, 0), (0, y, 0), radius), *rod((0, y, 0), (0, y + 0.6 * height, 0), 0.7 * radius))
        base = node("table_base/pedestal_base", leaf("pedestal", foot), leaf("central_support", column))
        round_share = 0.8
    top = leaf("tabletop/tabletop_surface/board", board(draw, w, d, (y, y + height), round_share), holes)
    return node("table/regular_table", top, base)


def sturdy_storage(draw: Draw) -> Node:
    """A box of thick walls with two doors, or with deep drawers one above the other."""
    w, d, high, wall = draw.between(0.4, 0.7), draw.between(0.25, 0.6), draw.between(0.8, 1.5), draw.between(0.06, 0.14)
    inner, x, y = (-w + wall, w - wall), (w - wall, w), (0.0, high)
    has_doors, cap = draw.chance(0.5), draw.between(0.08, 0.3)
    parts = [
        mirrored(leaf("vertical_side_panel", block(x, y, (-d, d)))),
        leaf("back_panel", block(inner, y, (-d, -d + wall))),
        leaf("bottom_panel", block(inner, (0.0, wall), (-d + wall, d))),
    ]
    over = draw.pick([0.0, draw.between(0.0, 0.1)])
    lid = leaf("top_panel", block((-w - over, w + over), (high, high + cap), (-d - over, d + over)))
    parts += [lid] if has_doors or draw.chance(0.5) else []
    low, grip = wall + 0.01, draw.pick(["knob", "bar", ""], [0.3, 0.2, 0.5])
    if has_doors:
        height = high - wall - 0.02
        size, leaf_depth = (w - wall - 0.01), draw.between(0.05, 0.12)
        panel = block((0.01, size), (low, low + height), (d - leaf_depth - 0.01, d - 0.01))
        hung = [leaf("cabinet_door_surface", panel)]
        if grip:
            hung.append(leaf("handle", handle((0.12, low + 0.5 * height, d - 0.01), 0.3, grip, upright=True)))
        contents = mirrored(node("cabinet_door", hung))
    else:
        count = draw.count(2, 3)
        pitch = draw.between(0.75, 1.0) * (high - wall) / count
        contents = [
            deep_drawer(draw, w - wall - 0.01, pitch - 0.03, d - wall, grip).moved(shift(y=low + i * pitch))
            for i in range(count)
        ]
    return node("storage_furniture/cabinet", node("cabinet_frame", parts), contents)


def deep_drawer(draw: Draw, w: float, height: float, d: float, grip: str) -> Node:
    """An open box of thick walls on the plane y = 0, its front flush with z = d."""
    wall, rim = draw.between(0.04, 0.09), draw.between(0.7, 1.0) * height
    parts = [
        leaf("drawer_front", block((-w, w), (0.0, height), (d, d + 1.2 * wall))),
        leaf("drawer_bottom", block((-w, w), (0.0, wall), (-d, d))),
        leaf("drawer_back", block((-w, w), (wall, rim), (-d, -d + wall))),
        mirrored(leaf("drawer_side", block((w - wall, w), (wall, rim), (-d + wall, d)))),
    ]
    knob = [leaf("handle", handle((0, 0.5 * height, d + 1.2 * wall), 0.3, grip))] if grip else []
    return node("drawer", node("drawer_box", parts), knob)


def sturdy_lamp(draw: Draw) -> Node:
    """A broad foot, a short body, and a hood with many sides that hides most of a large bulb."""
    foot, low, high = draw.between(0.3, 0.5), draw.between(0.08, 0.3), draw.between(0.35, 0.6)
    neck, size = draw.between(0.08, 0.2), draw.between(0.5, 0.9)
    radius = draw.between(0.3, 0.5)
    sides = draw.pick([4, 6, 8, 12, 24])
    base = plate(oval(2 * foot, 2 * foot, 2.0, draw.pick([4, 24])), (0.0, low), taper=draw.between(0.25, 1.0))
    body = lathe([(0, low), (neck, low), (draw.between(0.6, 1.2) * neck, high), (0, high)])
    upper = draw.between(0.5, 0.95)
    outer, inner = (oval(2 * r * radius, 2 * r * radius, 2.0, sides) for r in (1.0, 0.92))
    hood = moved(plate(outer, (0.0, size), inner, upper), shift(y=high - draw.between(0.0, 0.1)))
    glass = draw.between(0.45, 0.75) * upper * radius * np.cos(np.pi / sides)
    bulb = (*ball((0, high + 0.55 * size, 0), glass), *rod((0, high, 0), (0, high + 0.4 * size, 0), 0.5 * glass))
    crown = node("lamp_unit/lamp_head", leaf(SHADE, hood), leaf("light_bulb", bulb))
    return node("lamp/table_or_floor_lamp", leaf(BASE_PART, base), leaf("lamp_body/lamp_body_solid", body), crown)


STURDY = {
    "Chair": sturdy_chair,
    "Lamp": sturdy_lamp,
    "StorageFurniture": sturdy_storage,
    "Table": sturdy_table,
}
