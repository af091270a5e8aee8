"""Dining chairs: legs, runners or rockers; a back of bars or a board; arms of several kinds."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z
from instance_seg.procedural.grammars.chair_parts import Seat, bar_arms, loop_arms, no_arms, writing_arm
from instance_seg.procedural.grammars.fittings import foot_pads, post, spread, square
from instance_seg.procedural.nodes import Node, corners, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bar,
    bezier,
    block,
    oval,
    panel,
    plate,
    rectangle,
    rod,
    tube,
)


def dining_chair(draw: Draw) -> list[Node]:
    """Legs, seat, back, and arms in half of them."""
    seat = Seat(
        w=draw.between(0.42, 0.55),
        d=draw.between(0.4, 0.5),
        y=draw.between(0.75, 1.0),
        thickness=draw.between(0.05, 0.1),
        back=draw.between(0.8, 1.15),
        lean=draw.between(2.0, 12.0),
    )
    arms = draw.pick([no_arms, bar_arms, loop_arms, writing_arm], [0.5, 0.25, 0.13, 0.12])
    return [leg_base(draw, seat), dining_seat(draw, seat), dining_back(draw, seat), arms(draw, seat)]


def leg_base(draw: Draw, seat: Seat) -> Node:
    """Four legs on feet, runners, rockers or nothing, in half of the chairs with stretchers."""
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
    """Bars between the legs: an H, or two pairs at equal or differing heights."""
    height, radius = lift + draw.between(0.3, 0.5) * (seat.y - lift), draw.between(0.025, 0.04)
    sides = mirrored(leaf("bar_stretcher", rod((x, height, -z), (x, height, z), radius)))
    if draw.chance(0.5):
        return sides + [leaf("bar_stretcher", rod((-x, height, 0), (x, height, 0), radius))]
    higher = height + draw.pick([0.0, 0.12])
    return sides + mirrored(leaf("bar_stretcher", rod((-x, higher, z), (x, higher, z), radius)), frame=MIRROR_Z)


def dining_seat(draw: Draw, seat: Seat) -> Node:
    """A board or slats, in half of the chairs over a frame."""
    w, d, parts = seat.w, seat.d, []
    top_from = seat.y
    under = draw.pick(["none", "frame", "bars"], [0.5, 0.2, 0.3])
    if under == "frame":
        top_from = seat.y + 0.6 * seat.thickness
        outer, hole = rectangle(2 * w, 2 * d), rectangle(2 * w - 0.22, 2 * d - 0.22)
        parts.append(leaf("seat_frame/seat_holistic_frame", plate(outer, (seat.y - 0.05, top_from), hole)))
    elif under == "bars":
        rail = block((-w + 0.1, w - 0.1), (seat.y - 0.12, seat.y), (d - 0.1, d - 0.04))
        side = block((w - 0.1, w - 0.04), (seat.y - 0.12, seat.y), (-d + 0.1, d - 0.1))
        rails = [mirrored(leaf("seat_frame_bar", rail), frame=MIRROR_Z), mirrored(leaf("seat_frame_bar", side))]
        parts.append(node("seat_frame", rails))
    if draw.chance(0.25):
        count = draw.count(4, 6)
        half = 0.65 * d / count
        slats = [block((-w, w), (top_from, seat.top), (z - half, z + half)) for z in spread(-d, d, count)]
        bars = node("seat_surface", [leaf("seat_surface_bar", slat) for slat in slats])
        return node("chair_seat", parts, bars)
    outline = draw.pick([rectangle(2 * w, 2 * d), oval(2 * w, 2 * d, 5.0), oval(2 * w, 2 * d, 3.0)])
    return node("chair_seat", parts, leaf("seat_surface/seat_single_surface", plate(outline, (top_from, seat.top))))


def dining_back(draw: Draw, seat: Seat) -> Node:
    """Board, or a frame (two posts and rails, or one hoop) with bars in it."""
    kind = draw.pick([upright_bars, level_bars, board_back, hoop_back], [0.33, 0.27, 0.2, 0.2])
    return node("chair_back", seat.leaned(kind(draw, seat)))


def upright_bars(draw: Draw, seat: Seat) -> list[Node]:
    """Upright bars between the posts, below the upper rail, in some above a lower one."""
    posts, inner, rail = back_frame(draw, seat)
    z = rear(seat)
    if draw.chance(0.5):
        low_rail = block((-inner, inner), (seat.top + 0.12, seat.top + 0.2), (z - 0.03, z + 0.03))
        posts.append(leaf("back_frame_horizontal_bar", low_rail))
    low, high = seat.top + 0.2, seat.top + seat.back - rail
    return [row_of_bars(draw, inner, low, high, z), node("back_frame", posts)]


def level_bars(draw: Draw, seat: Seat) -> list[Node]:
    """Level, bent bars between the posts."""
    posts, inner, rail = back_frame(draw, seat)
    z, low, high = rear(seat), seat.top + 0.05, seat.top + seat.back - rail
    count = draw.count(2, 5)
    half = draw.between(0.2, 0.3) * (high - low) / count
    path = bezier((-inner, z), (0, z - draw.between(0.0, 0.2)), (inner, z), steps=8)
    bars = [
        leaf("back_surface_horizontal_bar", panel(path, (y - half, y + half), 0.04)) for y in spread(low, high, count)
    ]
    return [node("back_surface", bars), node("back_frame", posts)]


def hoop_back(draw: Draw, seat: Seat) -> list[Node]:
    """One bent tube round upright bars or a splat."""
    w, z, low, high = seat.w, rear(seat), seat.top, seat.top + seat.back
    radius = draw.between(0.035, 0.055)
    ends = [(-w + 0.05, low, z), (-w - 0.1, high + 0.35, z), (w + 0.1, high + 0.35, z), (w - 0.05, low, z)]
    hoop = leaf("back_frame/back_holistic_frame", tube(bezier(*ends, steps=14), radius))
    inner = w - 2.0 * radius - 0.06
    if draw.chance(0.35):
        splat = bar((0, low - 0.05, z), (0, high - 0.1, z), 0.9 * inner, 0.04, draw.between(0.8, 1.3))
        return [leaf("back_surface/back_single_surface", splat), hoop]
    return [row_of_bars(draw, inner, low - 0.02, high + 0.02, z, arch=0.35), hoop]


def rear(seat: Seat) -> float:
    """Where a back of bars stands."""
    return -seat.d + 0.05


def back_frame(draw: Draw, seat: Seat) -> tuple[list[Node], float, float]:
    """Two posts and the rail between their tops; half the room between them; the rail's height."""
    width, rail, z = draw.between(0.07, 0.11), draw.between(0.1, 0.2), rear(seat)
    x, inner, high = seat.w - 0.5 * width, seat.w - width, seat.top + seat.back
    parts = mirrored(
        leaf("back_frame_vertical_bar", post(draw, (x, seat.top - 0.02, z), (x, high, z), width, round_share=0.3))
    )
    upper = block((-inner, inner), (high - rail, high), (z - 0.035, z + 0.035))
    return [*parts, leaf("back_frame_horizontal_bar", upper)], inner, rail


def row_of_bars(draw: Draw, inner: float, low: float, high: float, z: float, arch: float = 0.0) -> Node:
    """Three to six upright bars, all round or all flat; the outermost are `arch` lower than the middle."""
    radius, flat = draw.between(0.025, 0.045), draw.chance(0.4)
    bars = []
    for x in spread(-inner, inner, draw.count(3, 6)):
        bottom, top = (x, low, z), (x, high - arch * (x / inner) ** 2, z)
        bars.append(bar(bottom, top, 2.6 * radius, 0.04) if flat else rod(bottom, top, radius))
    return node("back_surface", [leaf("back_surface_vertical_bar", solid) for solid in bars])


def board_back(draw: Draw, seat: Seat) -> list[Node]:
    """A single board, bent or flat, perhaps raised above the seat on supports or connectors."""
    gap = draw.pick([0.0, draw.between(0.15, 0.3)])
    low, high, z = seat.top + gap, seat.top + seat.back, -seat.d + 0.06
    path = bezier((-seat.w, z + 0.05), (0, z - draw.between(0.0, 0.3)), (seat.w, z + 0.05), steps=8)
    parts = [leaf("back_surface/back_single_surface", panel(path, (low, high), draw.between(0.04, 0.09)))]
    if gap:
        x, name = 0.6 * seat.w, draw.pick(["back_support", "back_connector"])
        reach = low + (0.4 * seat.back if name == "back_support" else 0.06)
        parts += mirrored(leaf(name, bar((x, seat.top - 0.05, z - 0.08), (x, reach, z - 0.08), 0.1, 0.05)))
    return parts
