"""Table and floor lamps on a foot or on legs, desk lamps with an arm. y = 0 is the floor or the table."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, shift, turn
from instance_seg.procedural.grammars.lamp_head import BASE_PART, head
from instance_seg.procedural.nodes import Node, around, at_each, leaf, mirrored, node
from instance_seg.procedural.solids import (
    ball,
    bezier,
    block,
    lathe,
    plate,
    rectangle,
    ring,
    rod,
    tube,
)


def foot_plate(draw: Draw, radius: float, height: float) -> Node:
    """Round, conical or square foot."""
    kind = draw.pick(["cone", "disc", "square"], [0.4, 0.35, 0.25])
    if kind == "square":
        return leaf(BASE_PART, plate(rectangle(1.7 * radius, 1.7 * radius), (0.0, height)))
    top = radius if kind == "disc" else 0.3 * radius
    return leaf(BASE_PART, lathe([(0, 0), (radius, 0), (top, height), (0, height)]))


def leg_base(draw: Draw, height: float, reach: float) -> Node:
    """Three or four legs that meet at `height`."""
    count, radius = draw.count(3, 4), draw.between(0.03, 0.045)
    foot = rod((0.03, height, 0.0), (reach, 0.0, 0.0), radius, 0.8 * radius)
    return node("lamp_base/lamp_leg_base", around(count, leaf("leg", foot)))


def table_lamp(draw: Draw) -> Node:
    """Upright: a foot or legs, a pole, a turned body or panels, a shade on top."""
    tall = draw.chance(0.3)
    height = draw.between(1.6, 2.2) if tall else draw.between(0.7, 1.0)
    radius = draw.between(0.28, 0.4)
    low = draw.between(0.06, 0.12)
    if draw.chance(0.28):
        low = draw.between(0.4, 0.7) * height
        base = leg_base(draw, low, draw.between(0.3, 0.45))
    else:
        base = foot_plate(draw, 0.8 * radius, low)
    neck = height - draw.between(0.1, 0.2)
    body = standing_body(draw, low, neck, tall)
    size = draw.between(0.35, 0.55)
    fitter = draw.maybe(0.5, wireframe(radius, size))
    finial = draw.maybe(0.35, leaf("lamp_finial", ball((0, 0.07, 0), 0.055), rod((0, -0.02, 0), (0, 0.04, 0), 0.02)))
    crown = head(draw, radius, size, fitter, finial)
    link = draw.maybe(0.5, leaf("connector", rod((0, neck, 0), (0, height + 0.2, 0), 0.04)))
    unit_part = node("lamp_unit", link, crown.moved(shift(y=height + 0.3)))
    return node("table_or_floor_lamp", base, body, unit_part, cord(draw, 0.8 * radius))


def standing_body(draw: Draw, low: float, high: float, tall: bool) -> Node:
    """Pole, turned body or two panels between two heights."""
    kind = draw.pick(["pole", "solid", "panels"], [1.0, 0.0, 0.0] if tall else [0.2, 0.4, 0.4])
    if kind == "pole":
        return leaf("lamp_body/lamp_pole", rod((0, low, 0), (0, high, 0), draw.between(0.03, 0.05)))
    if kind == "solid":
        belly, y = draw.between(0.15, 0.28), np.linspace(low, high, 5)
        profile = bezier((0, low), (belly, y[0]), (1.6 * belly, y[1]), (0.02, y[3]), (0.07, high), (0, high), steps=14)
        return leaf("lamp_body/lamp_body_solid", lathe(profile))
    x = draw.between(0.1, 0.18)
    board = block((x - 0.02, x + 0.02), (low, high), (-0.12, 0.12))
    return node("lamp_body", mirrored(leaf("lamp_body_vertical_panel", board)))


def wireframe(radius: float, height: float) -> Node:
    """Spokes inside the shade's upper rim."""
    spokes = [
        rod((0, 0, 0), (0.5 * radius * np.cos(a), -0.02, 0.5 * radius * np.sin(a)), 0.014) for a in (0.5, 2.6, 4.7)
    ]
    hub = ring((0, -0.3 * height, 0), 0.28 * radius, 0.016, segments=12)
    stays = [rod((s * 0.28 * radius, -0.3 * height, 0), (s * 0.1 * radius, 0, 0), 0.014) for s in (-1, 1)]
    return leaf("lamp_wireframe_fitter", *spokes, hub, *stays)


def cord(draw: Draw, start: float) -> Node | None:
    """Power cord over the table."""
    if not draw.chance(0.3):
        return None
    path = bezier(
        (0, 0.03, -start),
        (0.1, 0.02, -start - 0.3),
        (-0.3, 0.02, -start - 0.3),
        (draw.between(-0.2, 0.3), 0.02, -start - 0.6),
        steps=10,
    )
    return leaf("power_cord/cord", tube(path, 0.022))


def desk_lamp(draw: Draw) -> Node:
    """A foot, a jointed or a plain pole, an arm that carries the head to the front."""
    base = foot_plate(draw, draw.between(0.26, 0.36), draw.between(0.05, 0.09))
    joint, radius = np.array([0.0, draw.between(0.7, 1.0), -draw.between(0.0, 0.35)]), draw.between(0.028, 0.04)
    end = joint + [0.0, draw.between(0.1, 0.5), draw.between(0.5, 0.75)]
    start = (0.0, 0.05, 0.0)
    if draw.chance(0.5):
        middle = 0.5 * (joint + start) + [0.0, 0.0, -draw.between(0.1, 0.25)]
        segments = [rod(start, middle, radius), rod(middle, joint, radius)]
        body = node("lamp_body/lamp_body_jointed/lamp_arm", [leaf("lamp_arm_straight_bar", part) for part in segments])
    else:
        body = leaf("lamp_body/lamp_pole", rod(start, joint, radius))
    kind = draw.pick(["straight", "double", "curved"])
    if kind == "curved":
        path = bezier(joint, joint + [0.0, 0.5, 0.1], end + [0.0, 0.3, 0.0], end, steps=8)
        arms = [leaf("lamp_arm_curved_bar", tube(path, radius))]
    else:
        arms = [leaf("lamp_arm_straight_bar", rod(joint, end, radius))]
        arms = at_each([(-0.05, 0, 0), (0.05, 0, 0)], arms) if kind == "double" else arms
    tilt = turn(X, -draw.between(0.0, 40.0))
    crown = head(draw, draw.between(0.2, 0.3), draw.between(0.22, 0.32)).moved(tilt).moved(shift(*end))
    link = draw.maybe(0.6, leaf("connector", ball(end, 0.06)))
    return node(
        "table_or_floor_lamp", base, body, node("lamp_unit", node("lamp_arm", arms), link, crown), cord(draw, 0.3)
    )
