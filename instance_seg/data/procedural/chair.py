"""Chairs: dining and rocking chairs on legs, office chairs on a star, lounge chairs and stools on a pedestal, sofas.

Units: about half a meter; the floor is y = 0, the sitter looks to +z. `w`, `d` are half the seat's width and depth.
"""

from dataclasses import dataclass

import numpy as np

from instance_seg.data.procedural.draw import Draw
from instance_seg.data.procedural.fittings import foot_pads, post, spread, square, star_legs
from instance_seg.data.procedural.frames import MIRROR_Z, X, shift, turn
from instance_seg.data.procedural.nodes import Node, corners, leaf, mirrored, node
from instance_seg.data.procedural.solids import (
    arc,
    ball,
    bar,
    bezier,
    block,
    box,
    disc,
    lathe,
    moved,
    oval,
    panel,
    plate,
    rectangle,
    rod,
    tube,
)  # fmt: skip


@dataclass(frozen=True)
class Seat:
    """Sizes that all parts of a chair refer to."""

    w: float  # half the width
    d: float  # half the depth
    y: float  # height of the underside
    thickness: float
    back: float  # height of the back above the seat
    lean: float  # degrees by which the back leans backwards

    @property
    def top(self) -> float:
        return self.y + self.thickness

    def leaned(self, parts: list[Node]) -> list[Node]:
        """Parts of the upright back, leaned about the seat's rear edge."""
        return [part.moved(turn(X, -self.lean, (0.0, self.top, -self.d))) for part in parts]


def chair(draw: Draw) -> Node:
    """A chair of one of four styles."""
    style = draw.pick([dining_chair, office_chair, lounge_chair, sofa], [0.45, 0.25, 0.15, 0.15])
    return node("chair", style(draw))


# Dining chair: legs, or runners, or rockers; a back of bars or a board; arms of several kinds


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


# Arms


def no_arms(draw: Draw, seat: Seat) -> None:
    return None


def bar_arms(draw: Draw, seat: Seat) -> list[Node]:
    """A rest on one or two posts, or on the seat's side by a row of them."""
    height, x, count = seat.top + draw.between(0.32, 0.45), seat.w + 0.02, draw.count(1, 3)
    z = seat.d - 0.1
    rest = block((x - 0.06, x + 0.06), (height, height + 0.06), (-seat.d - 0.05, z + 0.06))
    posts = [
        leaf("arm_near_vertical_bar", rod((x, seat.y + 0.02, place), (x, height, place), draw.between(0.03, 0.045)))
        for place in z - np.arange(count) * draw.between(0.2, 0.28)
    ]
    return mirrored(node("chair_arm", leaf("arm_horizontal_bar", rest), posts))


def loop_arms(draw: Draw, seat: Seat) -> list[Node]:
    """One bent tube from the seat up, along and back down."""
    height, x, z = seat.top + draw.between(0.35, 0.5), seat.w + 0.03, seat.d - 0.08
    path = bezier(
        (x, seat.y, z), (x, height + 0.15, z + 0.1), (x, height + 0.1, -z), (x, seat.top + 0.15, -seat.d), steps=10
    )
    return mirrored(node("chair_arm", leaf("arm_holistic_frame", tube(path, draw.between(0.035, 0.05)))))


def writing_arm(draw: Draw, seat: Seat) -> Node:
    """A school chair's table at one side."""
    x, height = seat.w + 0.06, seat.top + draw.between(0.4, 0.5)
    table = plate(oval(0.6, 0.9, 4.0), (height, height + 0.05))
    post_path = bezier((x, seat.y, -0.1), (x + 0.15, seat.y, 0.1), (x, seat.top, 0.3), (x - 0.05, height, 0.3), steps=8)
    arm = node(
        "chair_arm",
        leaf("arm_writing_table", moved(table, shift(x - 0.1, 0.0, 0.35))),
        leaf("arm_connector", tube(post_path, 0.04)),
    )
    return arm


# Office chair


def office_chair(draw: Draw) -> list[Node]:
    seat = Seat(
        draw.between(0.45, 0.55), draw.between(0.42, 0.52), draw.between(0.8, 1.0), draw.between(0.1, 0.18),
        draw.between(0.85, 1.3), draw.between(3.0, 14.0),
    )  # fmt: skip
    arms = draw.pick([no_arms, desk_arms], [0.35, 0.65])
    parts = [star_base(draw, seat), office_seat(draw, seat), office_back(draw, seat), arms(draw, seat)]
    return parts + ([head(draw, seat)] if draw.chance(0.45) else [])


def star_base(draw: Draw, seat: Seat) -> Node:
    reach, thickness = draw.between(0.5, 0.62), draw.between(0.08, 0.12)
    casters = draw.pick([0.0, draw.between(0.17, 0.22)], [0.2, 0.8])
    hub = casters + draw.between(0.12, 0.2)
    legs = star_legs(draw, draw.pick([4, 5, 5, 6]), reach, hub, thickness, casters)
    gas = draw.between(0.06, 0.09)
    column = lathe(
        [
            (0, hub - 0.08),
            (1.5 * gas, hub - 0.08),
            (1.5 * gas, 0.5 * (hub + seat.y)),
            (gas, 0.5 * (hub + seat.y)),
            (gas, seat.y - 0.05),
        ]
    )
    control = []
    if draw.chance(0.55):
        side, low = draw.pick([-1, 1]), seat.y - 0.07
        control.append(leaf("lever", rod((side * 0.1, low, 0.1), (side * (seat.w + 0.08), low - 0.03, 0.14), 0.028)))
    if draw.chance(0.4):
        control.append(leaf("knob", rod((0, seat.y - 0.1, 0.12), (0, seat.y - 0.1, 0.36), 0.06)))
    return node(
        "chair_base/star_leg_base",
        node("star_leg_set", legs), leaf("central_support", column), node("mechanical_control", control),
    )  # fmt: skip


def office_seat(draw: Draw, seat: Seat) -> Node:
    cushion = plate(oval(2 * seat.w, 2 * seat.d, draw.between(2.8, 6.0)), (seat.y + 0.02, seat.top))
    parts = [leaf("seat_surface/seat_single_surface", cushion)]
    if draw.chance(0.7):
        parts.append(leaf("seat_support", box((0, seat.y - 0.02, 0), (1.1 * seat.w, 0.08, 1.2 * seat.d))))
    return node("chair_seat", parts)


def office_back(draw: Draw, seat: Seat) -> Node:
    gap, z = draw.between(0.1, 0.25), -seat.d
    thickness, w = draw.between(0.07, 0.13), draw.between(0.85, 1.0) * seat.w
    low, height = seat.top + gap, seat.back - gap
    board = moved(plate(oval(2 * w, height, draw.between(2.5, 6.0)), (0.0, thickness)), turn(X, 90.0))
    parts = [leaf("back_surface/back_single_surface", moved(board, shift(0, low + 0.5 * height, z - 0.5 * thickness)))]
    if draw.chance(0.75):
        spine = bezier(
            (0, seat.y, z + 0.3), (0, seat.y - 0.04, z - 0.2), (0, low + 0.3 * height, z - thickness), steps=6
        )
        parts.append(leaf("back_support", tube(spine, draw.between(0.045, 0.07))))
    else:
        parts += mirrored(
            leaf("back_connector", bar((0.3 * w, seat.y, z + 0.06), (0.3 * w, low + 0.1, z - 0.03), 0.1, 0.05))
        )
    return node("chair_back", seat.leaned(parts))


def desk_arms(draw: Draw, seat: Seat) -> list[Node]:
    height, x = seat.top + draw.between(0.3, 0.42), seat.w + 0.09
    parts = [leaf("arm_horizontal_bar", moved(plate(oval(0.16, 0.66, 4.0), (height, height + 0.07)), shift(x, 0, 0)))]
    parts.append(
        leaf("arm_near_vertical_bar", bar((x, seat.y, 0), (x, height, 0), 0.07, draw.between(0.1, 0.2), side=X))
    )
    if draw.chance(0.6):
        parts.append(leaf("arm_connector", block((0.5 * seat.w, x), (seat.y - 0.05, seat.y + 0.02), (-0.07, 0.07))))
    return mirrored(node("chair_arm", parts))


def head(draw: Draw, seat: Seat) -> Node:
    low, w = seat.top + seat.back + 0.08, draw.between(0.5, 0.75) * seat.w
    rest = box((0, low + 0.16, -seat.d), (2 * w, draw.between(0.22, 0.32), 0.12))
    links = mirrored(
        leaf(
            "head_connector",
            bar((0.4 * w, low - 0.2, -seat.d - 0.06), (0.4 * w, low + 0.1, -seat.d - 0.06), 0.07, 0.05),
        )
    )
    return node("chair_head", seat.leaned([leaf("headrest", rest), *links]))


# Lounge chair and stool on a pedestal


def lounge_chair(draw: Draw) -> list[Node]:
    seat = Seat(
        draw.between(0.42, 0.52), draw.between(0.42, 0.5), draw.between(0.7, 1.3), draw.between(0.07, 0.13),
        draw.between(0.3, 0.9), draw.between(5.0, 18.0),
    )  # fmt: skip
    radius, neck = draw.between(0.38, 0.5), draw.between(0.05, 0.1)
    rise = draw.pick([0.05, draw.between(0.12, 0.3)])
    base = node(
        "chair_base/pedestal_base",
        leaf("pedestal", lathe([(0, 0), (radius, 0), (radius, 0.03), (1.3 * neck, rise), (0, rise)])),
        leaf("central_support", rod((0, rise, 0), (0, seat.y, 0), neck)),
    )
    cushion = plate(oval(2 * seat.w, 2 * seat.d, draw.pick([2.0, 3.5])), (seat.y, seat.top))
    parts = [leaf("seat_surface/seat_single_surface", cushion)]
    if draw.chance(0.4):
        parts.append(leaf("seat_support", disc((0, seat.y - 0.07, 0), 0.6 * seat.w, 0.07)))
    bucket = 1.08 * arc(seat.w, 195.0, 345.0)
    wrap = leaf(
        "back_surface/back_single_surface", panel(bucket, (seat.top, seat.top + seat.back), draw.between(0.05, 0.1))
    )
    shape = [base, node("chair_seat", parts), node("chair_back", seat.leaned([wrap]))]
    if draw.chance(0.5):
        shape += loop_arms(draw, seat)
    return shape + ([footrest(draw, seat)] if draw.chance(0.5) else [])


def footrest(draw: Draw, seat: Seat) -> Node:
    """A stool of its own in front of the chair."""
    z, high, w = seat.d + draw.between(0.55, 0.75), draw.between(0.45, 0.65), draw.between(0.3, 0.4)
    return node(
        "footrest",
        leaf(
            "chair_base",
            lathe([(0, 0), (0.28, 0), (0.28, 0.04), (0.06, 0.1), (0.06, high - 0.08), (0, high - 0.08)], (0, 0, z)),
        ),
        node(
            "chair_seat",
            leaf("seat_support", box((0, high - 0.05, z), (1.5 * w, 0.06, 0.9 * w))),
            leaf("seat_surface", box((0, high + 0.05, z), (2 * w, 0.14, 1.4 * w))),
        ),
    )


# Sofa


def sofa(draw: Draw) -> list[Node]:
    seats = draw.pick([1, 2], [0.7, 0.3])
    seat = Seat(
        0.55 * seats, draw.between(0.5, 0.62), draw.between(0.4, 0.5), draw.between(0.16, 0.26),
        draw.between(0.5, 0.75), draw.between(4.0, 14.0),
    )  # fmt: skip
    foot, arm_width = draw.between(0.1, 0.2), draw.between(0.18, 0.3)
    x, d = seat.w + arm_width, seat.d
    arm_top = seat.top + draw.between(0.2, 0.4)
    side = block((seat.w, x), (foot, arm_top), (-d, d))
    if draw.chance(0.4):
        side = (
            *side,
            *rod((seat.w + 0.5 * arm_width, arm_top, -d), (seat.w + 0.5 * arm_width, arm_top, d), 0.6 * arm_width),
        )
    thickness = draw.between(0.18, 0.28)
    back = block((-seat.w, seat.w), (foot, seat.top + seat.back), (-d - thickness, -d))
    shape = [
        node("chair_base/foot_base", foot_pads(draw, square(x - 0.12, d - 0.1), foot, draw.between(0.1, 0.18))),
        sofa_seat(draw, seat, foot),
        node("chair_back", seat.leaned([leaf("back_surface/back_single_surface", back)])),
        mirrored(node("chair_arm", leaf("arm_sofa_style", side))),
    ]
    if draw.chance(0.3):
        roll = ball((0, seat.top + seat.back + 0.1, -d - 0.4 * thickness), (0.75 * seat.w, 0.14, 0.14))
        shape.append(node("chair_head", seat.leaned([leaf("headrest", roll)])))
    return shape


def sofa_seat(draw: Draw, seat: Seat, foot: float) -> Node:
    cushion = block((-seat.w, seat.w), (seat.y, seat.top), (-seat.d, seat.d + 0.04))
    support = block((-seat.w, seat.w), (foot, seat.y - 0.005), (-seat.d, seat.d))
    return node("chair_seat", leaf("seat_surface/seat_single_surface", cushion), leaf("seat_support", support))
