"""Dining chairs: legs, runners or rockers; a back of bars or a board; arms of several kinds."""

from instance_seg.data.procedural.draw import Draw
from instance_seg.data.procedural.frames import MIRROR_Z
from instance_seg.data.procedural.grammars.chair_parts import Seat, bar_arms, loop_arms, no_arms, writing_arm
from instance_seg.data.procedural.grammars.fittings import foot_pads, post, spread, square
from instance_seg.data.procedural.nodes import Node, corners, leaf, mirrored, node
from instance_seg.data.procedural.solids import (
    bar,
    bezier,
    block,
    box,
    oval,
    panel,
    plate,
    rectangle,
    rod,
    tube,
)  # fmt: skip


def dining_chair(draw: Draw) -> list[Node]:
    seat = Seat(
        draw.between(0.42, 0.55), draw.between(0.4, 0.5), draw.between(0.75, 1.0), draw.between(0.05, 0.1),
        draw.between(0.8, 1.15), draw.between(2.0, 12.0),
    )  # fmt: skip
    arms = draw.pick([no_arms, bar_arms, loop_arms, writing_arm], [0.5, 0.25, 0.13, 0.12])
    return [leg_base(draw, seat), dining_seat(draw, seat), dining_back(draw, seat), arms(draw, seat)]


def leg_base(draw: Draw, seat: Seat) -> Node:
    thickness, splay = draw.between(0.07, 0.12), draw.between(0.0, 0.1)
    ending = draw.pick(["none", "foot", "runner", "rocker"], [0.4, 0.2, 0.2, 0.2])
    lift = {"none": 0.0, "foot": 0.06, "runner": 0.06, "rocker": 0.14}[ending]
    x, z = seat.w - 0.6 * thickness, seat.d - 0.6 * thickness
    low_x, low_z = x + splay, z + splay
    parts = [corners(leaf("leg", post(draw, (x, seat.y, z), (low_x, lift, low_z), thickness)))]
    if ending == "foot":
        parts += foot_pads(draw, square(low_x, low_z), lift, 1.5 * thickness)
    elif ending == "runner":
        skid = block((low_x - 0.06, low_x + 0.06), (0.0, lift), (-low_z - 0.08, low_z + 0.08))
        parts += mirrored(leaf("runner", skid))
    elif ending == "rocker":
        reach = low_z + 0.22
        path = bezier((low_x, 0.26, -reach), (low_x, -0.03, -0.4), (low_x, -0.03, 0.4), (low_x, 0.26, reach), steps=8)
        parts += mirrored(leaf("rocker", tube(path, 0.045)))
    if draw.chance(0.5):
        parts += stretchers(draw, seat, x + 0.5 * splay, z + 0.5 * splay, lift)
    return node("chair_base/regular_leg_base", parts)


def stretchers(draw: Draw, seat: Seat, x: float, z: float, lift: float) -> list[Node]:
    height, radius = lift + draw.between(0.3, 0.5) * (seat.y - lift), draw.between(0.025, 0.04)
    sides = mirrored(leaf("bar_stretcher", rod((x, height, -z), (x, height, z), radius)))
    if draw.chance(0.5):
        return sides + [leaf("bar_stretcher", rod((-x, height, 0), (x, height, 0), radius))]
    higher = height + draw.pick([0.0, 0.12])
    return sides + mirrored(leaf("bar_stretcher", rod((-x, higher, z), (x, higher, z), radius)), frame=MIRROR_Z)


def dining_seat(draw: Draw, seat: Seat) -> Node:
    w, d, parts = seat.w, seat.d, []
    top_from = seat.y
    under = draw.pick(["none", "frame", "bars"], [0.5, 0.2, 0.3])
    if under == "frame":
        top_from = seat.y + 0.6 * seat.thickness
        hole = rectangle(2 * w - 0.22, 2 * d - 0.22)
        parts.append(
            leaf("seat_frame/seat_holistic_frame", plate(rectangle(2 * w, 2 * d), (seat.y - 0.05, top_from), hole))
        )
    elif under == "bars":
        rail = block((-w + 0.1, w - 0.1), (seat.y - 0.12, seat.y), (d - 0.1, d - 0.04))
        side = block((w - 0.1, w - 0.04), (seat.y - 0.12, seat.y), (-d + 0.1, d - 0.1))
        rails = [mirrored(leaf("seat_frame_bar", rail), frame=MIRROR_Z), mirrored(leaf("seat_frame_bar", side))]
        parts.append(node("seat_frame", rails))
    if draw.chance(0.25):
        count = draw.count(4, 6)
        pitch = 2 * d / count
        slats = [
            leaf(
                "seat_surface_bar", box((0, 0.5 * (top_from + seat.top), z), (2 * w, seat.top - top_from, 0.65 * pitch))
            )
            for z in spread(-d, d, count)
        ]
        return node("chair_seat", parts, node("seat_surface", slats))
    outline = draw.pick([rectangle(2 * w, 2 * d), oval(2 * w, 2 * d, 5.0), oval(2 * w, 2 * d, 3.0)])
    return node("chair_seat", parts, leaf("seat_surface/seat_single_surface", plate(outline, (top_from, seat.top))))


def dining_back(draw: Draw, seat: Seat) -> Node:
    kind = draw.pick(["vertical", "horizontal", "board", "loop"], [0.33, 0.27, 0.2, 0.2])
    w, z, low, high = seat.w, -seat.d + 0.05, seat.top, seat.top + seat.back
    if kind == "board":
        return board_back(draw, seat)
    post_width = draw.between(0.07, 0.11)
    inner = w - post_width
    rail = draw.between(0.1, 0.2)
    if kind == "loop":
        hoop = bezier(
            (-w + 0.05, low, z), (-w - 0.1, high + 0.35, z), (w + 0.1, high + 0.35, z), (w - 0.05, low, z), steps=14
        )
        frame = leaf("back_frame/back_holistic_frame", tube(hoop, 0.5 * post_width))
        top = high - 0.1
    else:
        posts = mirrored(
            leaf(
                "back_frame_vertical_bar",
                post(draw, (w - 0.5 * post_width, low - 0.02, z), (w - 0.5 * post_width, high, z), post_width, 0.3),
            )
        )
        rails = [leaf("back_frame_horizontal_bar", block((-inner, inner), (high - rail, high), (z - 0.035, z + 0.035)))]
        if kind == "vertical" and draw.chance(0.5):
            rails.append(
                leaf("back_frame_horizontal_bar", block((-inner, inner), (low + 0.12, low + 0.2), (z - 0.03, z + 0.03)))
            )
        frame = node("back_frame", posts, rails)
        top = high - rail
    bottom = low + (0.2 if kind == "vertical" else 0.05)
    surface = back_bars(draw, kind, inner - (0.06 if kind == "loop" else 0.0), bottom, top, z)
    return node("chair_back", seat.leaned([node("back_surface", surface), frame]))


def back_bars(draw: Draw, kind: str, inner: float, bottom: float, top: float, z: float) -> list[Node]:
    """Upright or level bars between the posts; a hoop ("loop") holds either a splat or upright bars."""
    if kind == "horizontal":
        count, height = draw.count(2, 5), top - bottom
        size = draw.between(0.4, 0.6) * height / count
        path = bezier((-inner, z), (0, z - draw.between(0.0, 0.2)), (inner, z), steps=8)
        return [
            leaf("back_surface_horizontal_bar", panel(path, (y - 0.5 * size, y + 0.5 * size), 0.04))
            for y in spread(bottom, top, count)
        ]
    if kind == "loop" and draw.chance(0.35):
        return [
            leaf(
                "back_single_surface", bar((0, bottom - 0.1, z), (0, top, z), 0.9 * inner, 0.04, draw.between(0.8, 1.3))
            )
        ]
    count, radius = draw.count(3, 6), draw.between(0.025, 0.045)
    flat = draw.chance(0.4)
    bars = []
    for x in spread(-inner, inner, count):
        high = top + (0.12 - 0.35 * (x / inner) ** 2 if kind == "loop" else 0.0)
        low = bottom - (0.22 if kind == "loop" else 0.0)
        solid = bar((x, low, z), (x, high, z), 2.6 * radius, 0.04) if flat else rod((x, low, z), (x, high, z), radius)
        bars.append(leaf("back_surface_vertical_bar", solid))
    return bars


def board_back(draw: Draw, seat: Seat) -> Node:
    """A single board, bent or flat, perhaps raised above the seat on supports or connectors."""
    gap = draw.pick([0.0, draw.between(0.15, 0.3)])
    low, high, z = seat.top + gap, seat.top + seat.back, -seat.d + 0.06
    path = bezier((-seat.w, z + 0.05), (0, z - draw.between(0.0, 0.3)), (seat.w, z + 0.05), steps=8)
    parts = [leaf("back_surface/back_single_surface", panel(path, (low, high), draw.between(0.04, 0.09)))]
    if gap:
        x, name = 0.6 * seat.w, draw.pick(["back_support", "back_connector"])
        reach = low + (0.4 * seat.back if name == "back_support" else 0.06)
        parts += mirrored(leaf(name, bar((x, seat.top - 0.05, z - 0.08), (x, reach, z - 0.08), 0.1, 0.05)))
    return node("chair_back", seat.leaned(parts))
