"""Lounge chairs and stools on a pedestal, some with a footrest; sofas."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars.chair_parts import Seat, loop_arms
from instance_seg.procedural.grammars.fittings import foot_pads, square
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    arc,
    ball,
    block,
    box,
    disc,
    lathe,
    oval,
    panel,
    plate,
    rod,
)


def lounge_chair(draw: Draw) -> list[Node]:
    """A seat on a pedestal inside a bent back; some have arms, some a footrest."""
    seat = Seat(
        w=draw.between(0.42, 0.52),
        d=draw.between(0.42, 0.5),
        y=draw.between(0.7, 1.3),
        thickness=draw.between(0.07, 0.13),
        back=draw.between(0.3, 0.9),
        lean=draw.between(5.0, 18.0),
    )
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


def sofa(draw: Draw) -> list[Node]:
    """Cushion, support, back and arms as heavy bodies on small feet, for one or two."""
    seats = draw.pick([1, 2], [0.7, 0.3])
    seat = Seat(
        w=0.55 * seats,
        d=draw.between(0.5, 0.62),
        y=draw.between(0.4, 0.5),
        thickness=draw.between(0.16, 0.26),
        back=draw.between(0.5, 0.75),
        lean=draw.between(4.0, 14.0),
    )
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
        roll = ball((0, seat.top + seat.back + 0.05, -d - 0.4 * thickness), (0.75 * seat.w, 0.14, 0.14))
        shape.append(node("chair_head", seat.leaned([leaf("headrest", roll)])))
    return shape


def sofa_seat(draw: Draw, seat: Seat, foot: float) -> Node:
    """A cushion on its support."""
    cushion = block((-seat.w, seat.w), (seat.y, seat.top), (-seat.d, seat.d + 0.04))
    support = block((-seat.w, seat.w), (foot, seat.y - 0.005), (-seat.d, seat.d))
    return node("chair_seat", leaf("seat_surface/seat_single_surface", cushion), leaf("seat_support", support))
