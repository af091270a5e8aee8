"""Tables: on legs, on a star, on a pedestal, desks with drawers; picnic, ping-pong and pool tables.

Units: about half a meter; the floor is y = 0, the sitter looks at -z from the front. `w`, `d`: half width and depth.
"""

from dataclasses import dataclass

import numpy as np

from instance_seg.data.procedural.draw import Draw
from instance_seg.data.procedural.fittings import caster, door, drawer, foot_pads, post, spread, square, star_legs
from instance_seg.data.procedural.frames import MIRROR_Z, Z, shift
from instance_seg.data.procedural.nodes import Node, at_each, corners, leaf, mirrored, node
from instance_seg.data.procedural.solids import (
    ball,
    bar,
    block,
    box,
    lathe,
    oval,
    plate,
    rectangle,
    ring,
    rod,
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


def table(draw: Draw) -> Node:
    """A table of one of seven styles."""
    styles = [legged_table, star_table, pedestal_table, desk, picnic_table, ping_pong_table, pool_table]
    return node("table", draw.pick(styles, [0.27, 0.09, 0.11, 0.23, 0.1, 0.1, 0.1])(draw))


# The top of an ordinary table


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


# Bases of ordinary tables


def legged_table(draw: Draw) -> Node:
    """Four legs; stretchers, runners, feet or casters."""
    top = Top(draw.between(0.6, 1.1), draw.between(0.4, 0.65), draw.between(0.5, 1.1), draw.between(0.05, 0.09))
    thickness = draw.between(0.08, 0.13)
    rounded, splay = draw.chance(0.2), draw.between(0.0, 0.08)
    inset = 0.66 if rounded else 0.92  # legs stay under a round top
    x, z = inset * top.w - 0.5 * thickness, inset * top.d - 0.5 * thickness
    ending = draw.pick(["none", "foot", "runner", "caster"], [0.35, 0.22, 0.2, 0.23])
    lift = {"none": 0.0, "foot": 0.07, "runner": 0.06, "caster": 0.18}[ending]
    parts = [corners(leaf("leg", post(draw, (x, top.y, z), (x + splay, lift, z + splay), thickness)))]
    if ending == "foot":
        parts += foot_pads(draw, square(x + splay, z + splay), lift, 1.5 * thickness)
    elif ending == "runner":
        parts += mirrored(leaf("runner", block((x + splay - 0.06, x + splay + 0.06), (0, lift), (-z - 0.12, z + 0.12))))
    elif ending == "caster":
        parts += corners(caster((x + splay, lift, z + splay), lift))
    link = draw.pick(["none", "bars", "ring"], [0.35, 0.35, 0.3])
    parts += table_stretchers(draw, link, x, z, lift + draw.between(0.2, 0.35) * top.y)
    if draw.chance(0.25):
        plates = block((x - 0.1, x + 0.1), (top.y - 0.07, top.y), (z - 0.1, z + 0.1))
        parts += corners(leaf("tabletop_connector", plates))
    surface = tabletop(draw, top, round_share=float(rounded), flaps=0.0 if rounded else 0.35)
    return node("regular_table", surface, node("table_base/regular_leg_base", parts))


def table_stretchers(draw: Draw, link: str, x: float, z: float, y: float) -> list[Node]:
    if link == "none":
        return []
    if link == "ring":
        radius = draw.between(0.55, 0.75) * z
        spokes = [
            rod((s * x, y, t * z), (s * 0.7 * radius, y, t * 0.7 * radius), 0.03) for s in (-1, 1) for t in (-1, 1)
        ]
        return [leaf("circular_stretcher", ring((0, y, 0), radius, 0.04))] + [
            leaf("bar_stretcher", spoke) for spoke in spokes
        ]
    sides = mirrored(leaf("bar_stretcher", bar((x, y, -z), (x, y, z), 0.06, 0.06)))
    if draw.chance(0.5):
        return sides + [leaf("bar_stretcher", bar((-x, y, 0), (x, y, 0), 0.06, 0.06, side=Z))]
    return sides + mirrored(leaf("bar_stretcher", bar((-x, y, z), (x, y, z), 0.06, 0.06, side=Z)), frame=MIRROR_Z)


def round_top(draw: Draw) -> Top:
    radius = draw.between(0.5, 0.75)
    return Top(radius, radius, draw.between(0.8, 1.1), draw.between(0.05, 0.09))


def star_table(draw: Draw) -> Node:
    """A column on three to six legs that point outwards."""
    top = round_top(draw)
    hub, thickness = draw.between(0.12, 0.3), draw.between(0.07, 0.11)
    base = node(
        "table_base/star_leg_base",
        node("star_leg_set", star_legs(draw, draw.count(3, 6), 0.85 * top.w, hub, thickness, 0.0)),
        leaf("central_support", rod((0, hub - 0.08, 0), (0, top.y, 0), draw.between(0.06, 0.1))),
    )
    return node("regular_table", tabletop(draw, top, round_share=0.8, flaps=0.0), base)


def pedestal_table(draw: Draw) -> Node:
    """A column on a plate."""
    top = round_top(draw)
    radius, rise = draw.between(0.3, 0.5), draw.between(0.04, 0.2)
    column, parts = draw.between(0.06, 0.14), []
    if draw.chance(0.5):
        parts.append(leaf("pedestal", lathe([(0, 0), (radius, 0), (radius, 0.03), (column, rise), (0, rise)])))
    else:
        parts.append(
            leaf("pedestal", plate(rectangle(1.7 * radius, 1.7 * radius), (0, rise), taper=draw.between(0.6, 1.0)))
        )
    reach = top.y
    if draw.chance(0.5):
        reach = top.y - 0.08
        parts.append(leaf("tabletop_connector", plate(rectangle(0.5, 0.5), (reach, top.y), taper=1.3)))
    parts.append(leaf("central_support", rod((0, rise, 0), (0, reach, 0), column, draw.pick([1.0, 0.6]) * column)))
    return node(
        "regular_table", tabletop(draw, top, round_share=0.8, flaps=0.0), node("table_base/pedestal_base", parts)
    )


# Desks


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
            drawer(draw, 0.95 * inside, 0.88 * pitch, 1.6 * d, handles).moved(shift(middle, h, d))
            for h in spread(floor, top.y, count)
        ]
    elif kind == "door":
        height = top.y - floor
        parts.append(
            door(draw, inside, 0.95 * height, handles).moved(shift(left + sheet, floor + 0.5 * height, d - 0.03))
        )
    if kind != "drawers":
        levels = np.linspace(floor, top.y, draw.count(3, 4))[1:-1]
        parts += [
            leaf("shelf", block((left + sheet, right - sheet), (h - 0.02, h + 0.02), (-d + sheet, 0.9 * d)))
            for h in levels
        ]
    if low:
        parts += [part.moved(shift(x=middle)) for part in foot_pads(draw, square(0.4 * inside, 0.8 * d), low, 0.1)]
    return parts


# Picnic, ping-pong and pool tables


def picnic_table(draw: Draw) -> Node:
    """Table and two benches held together by crossbars or trestles."""
    top = Top(draw.between(0.8, 1.1), draw.between(0.35, 0.45), draw.between(0.75, 0.9), 0.06)
    bench_y, bench_z, bench_d = 0.55 * top.y, top.d + draw.between(0.3, 0.45), draw.between(0.12, 0.17)
    x = draw.between(0.55, 0.75) * top.w
    spread_z = draw.between(0.2, 0.5)
    leg = bar((x, top.y, 0.25), (x, 0, 0.25 + spread_z), 0.1, 0.08)
    bench = block((-top.w, top.w), (bench_y, bench_y + 0.06), (bench_z - bench_d, bench_z + bench_d))
    beam = block((x - 0.12, x - 0.06), (bench_y - 0.1, bench_y), (-bench_z - bench_d, bench_z + bench_d))
    board = plate(rectangle(2 * top.w, 2 * top.d), (top.y, top.high))
    return node(
        "picnic_table",
        node(
            "regular_table",
            leaf("tabletop/tabletop_surface", board),
            node("table_base/regular_leg_base", corners(leaf("leg", leg))),
        ),
        mirrored(leaf("bench", bench), frame=MIRROR_Z),
        mirrored(leaf("bench_connector", beam)),
    )


def ping_pong_table(draw: Draw) -> Node:
    """Two halves of the top, a net between them, legs in pairs with stretchers."""
    top = Top(1.2, draw.between(0.6, 0.7), draw.between(0.6, 0.75), 0.05)
    half = block((0.01, top.w), (top.y, top.high), (-top.d, top.d))
    net = block((-0.015, 0.015), (top.high, top.high + draw.between(0.14, 0.2)), (-top.d - 0.12, top.d + 0.12))
    x, z = draw.between(0.6, 0.85) * top.w, 0.8 * top.d
    legs = corners(leaf("leg", post(draw, (x, top.y, z), (x, 0, z), draw.between(0.08, 0.11))))
    y = draw.between(0.2, 0.5) * top.y
    braces = mirrored(leaf("bar_stretcher", bar((x, y, -z), (x, y, z), 0.06, 0.06)))
    if draw.chance(0.4):
        braces.append(leaf("bar_stretcher", bar((-x, y, 0), (x, y, 0), 0.06, 0.06, side=Z)))
    return node(
        "game_table/ping_pong_table",
        leaf("ping_pong_net", net),
        node("tabletop", mirrored(leaf("tabletop_surface", half))),
        node("table_base/regular_leg_base", legs, braces),
    )


def pool_table(draw: Draw) -> Node:
    """A cloth between six rails, balls on it, four or six heavy legs."""
    top = Top(1.1, draw.between(0.55, 0.65), draw.between(0.55, 0.75), 0.12)
    rim, high = draw.between(0.09, 0.13), top.high + 0.07
    cloth = block((-top.w, top.w), (top.y, top.high), (-top.d, top.d))
    long = leaf("bar", block((0.06, top.w - 0.04), (top.high - 0.05, high), (top.d, top.d + rim)))
    short = leaf("bar", block((top.w, top.w + rim), (top.high - 0.05, high), (-top.d + 0.04, top.d - 0.04)))
    thickness = draw.between(0.14, 0.2)
    x, z = top.w - 0.12, top.d - 0.1
    legs = corners(leaf("leg", post(draw, (x, top.y, z), (x, 0, z), thickness)))
    if draw.chance(0.3):
        legs += mirrored(leaf("leg", post(draw, (0, top.y, z), (0, 0, z), thickness)), frame=MIRROR_Z)
    spots = [
        (draw.between(-0.8, 0.8) * top.w, top.high + 0.06, draw.between(-0.75, 0.75) * top.d)
        for _ in range(draw.count(2, 6))
    ]
    return node(
        "game_table/pool_table",
        at_each(spots, leaf("pool_ball", ball((0, 0, 0), 0.06))),
        node("tabletop", leaf("tabletop_surface", cloth), node("tabletop_frame", corners(long), mirrored(short))),
        node("table_base/regular_leg_base", legs),
    )
