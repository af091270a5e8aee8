"""Office chairs on a star of legs, with casters, controls, arms and a headrest."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, shift, turn
from instance_seg.procedural.grammars.chair_parts import Seat, no_arms
from instance_seg.procedural.grammars.fittings import star_legs
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bar,
    bezier,
    block,
    box,
    lathe,
    moved,
    oval,
    plate,
    rod,
    tube,
)


def office_chair(draw: Draw) -> list[Node]:
    """A seat that turns on a star of legs; most have arms, some a headrest."""
    seat = Seat(
        w=draw.between(0.45, 0.55),
        d=draw.between(0.42, 0.52),
        y=draw.between(0.8, 1.0),
        thickness=draw.between(0.1, 0.18),
        back=draw.between(0.85, 1.3),
        lean=draw.between(3.0, 14.0),
    )
    arms = draw.pick([no_arms, desk_arms], [0.35, 0.65])
    parts = [star_base(draw, seat), office_seat(draw, seat), office_back(draw, seat), arms(draw, seat)]
    return parts + ([head(draw, seat)] if draw.chance(0.45) else [])


def star_base(draw: Draw, seat: Seat) -> Node:
    """Legs, most on casters, a column, and controls below the seat."""
    reach, thickness = draw.between(0.5, 0.62), draw.between(0.08, 0.12)
    casters = draw.pick([0.0, draw.between(0.21, 0.27)], [0.2, 0.8])
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
        node("star_leg_set", legs),
        leaf("central_support", column),
        node("mechanical_control", control),
    )


def office_seat(draw: Draw, seat: Seat) -> Node:
    """A cushion, in most on a plate."""
    cushion = plate(oval(2 * seat.w, 2 * seat.d, draw.between(2.8, 6.0)), (seat.y + 0.02, seat.top))
    parts = [leaf("seat_surface/seat_single_surface", cushion)]
    if draw.chance(0.7):
        parts.append(leaf("seat_support", box((0, seat.y - 0.02, 0), (1.1 * seat.w, 0.08, 1.2 * seat.d))))
    return node("chair_seat", parts)


def office_back(draw: Draw, seat: Seat) -> Node:
    """A rounded board on a spine or on two connectors."""
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
    """A rest on one post at each side."""
    height, x = seat.top + draw.between(0.3, 0.42), seat.w + 0.09
    parts = [leaf("arm_horizontal_bar", moved(plate(oval(0.16, 0.66, 4.0), (height, height + 0.07)), shift(x, 0, 0)))]
    parts.append(
        leaf("arm_near_vertical_bar", bar((x, seat.y, 0), (x, height, 0), 0.07, draw.between(0.1, 0.2), side=X))
    )
    if draw.chance(0.6):
        parts.append(leaf("arm_connector", block((0.5 * seat.w, x), (seat.y - 0.05, seat.y + 0.02), (-0.07, 0.07))))
    return mirrored(node("chair_arm", parts))


def head(draw: Draw, seat: Seat) -> Node:
    """A headrest on two connectors above the back."""
    low, w = seat.top + seat.back + 0.08, draw.between(0.5, 0.75) * seat.w
    rest = box((0, low + 0.16, -seat.d), (2 * w, draw.between(0.22, 0.32), 0.12))
    links = mirrored(
        leaf(
            "head_connector",
            bar((0.4 * w, low - 0.2, -seat.d - 0.06), (0.4 * w, low + 0.1, -seat.d - 0.06), 0.07, 0.05),
        )
    )
    return node("chair_head", seat.leaned([leaf("headrest", rest), *links]))
