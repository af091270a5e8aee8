"""Wall lamps, before the wall z = 0, and street lamps, on the ground y = 0."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift, turn
from instance_seg.procedural.grammars.fittings import spread
from instance_seg.procedural.grammars.lamp_head import BASE_PART, SHADE, shade, upside_down
from instance_seg.procedural.nodes import Node, around, at_each, leaf, node
from instance_seg.procedural.solids import (
    ball,
    bar,
    bezier,
    disc,
    lathe,
    moved,
    oval,
    plate,
    rectangle,
    rod,
    tube,
)


def wall_lamp(draw: Draw) -> Node:
    """A plate at the wall, one or two arms, a shade on each."""
    outline = draw.pick([oval(0.4, 0.55), rectangle(0.3, 0.6), oval(0.45, 0.45)])
    base = leaf(BASE_PART, moved(plate(outline, (0.0, 0.06), taper=0.85), turn(X, 90.0)))
    count, spacing = draw.pick([1, 2], [0.6, 0.4]), draw.between(0.45, 0.6)
    end = np.array([0.0, draw.between(-0.1, 0.25), draw.between(0.4, 0.6)])
    if draw.chance(0.55):
        arm = leaf(
            "lamp_arm/lamp_arm_curved_bar",
            tube(bezier((0, 0, 0.05), (0, -0.3, 0.3), (0, end[1] - 0.4, end[2]), end, steps=8), 0.03),
        )
    else:
        arm = leaf("lamp_arm/lamp_arm_straight_bar", rod((0, 0, 0.05), end, 0.03))
    lit = node("lamp_head", leaf(SHADE, shade(draw, draw.between(0.18, 0.26), draw.between(0.25, 0.35))))
    lit = upside_down(lit).moved(shift(y=-0.02)) if draw.chance(0.5) else lit
    unit_part = node("lamp_unit", arm, lit.moved(shift(*end)))
    units = at_each([(x, 0, 0) for x in spread(-0.5 * count * spacing, 0.5 * count * spacing, count)], unit_part)
    parts = [base, units]
    if count == 2 or draw.chance(0.4):
        parts.append(leaf("lamp_body", rod((-0.5 * spacing - 0.05, 0, 0.1), (0.5 * spacing + 0.05, 0, 0.1), 0.06)))
    return node("wall_lamp", parts)


def street_lamp(draw: Draw) -> Node:
    """A post on a base; lanterns on top, or heads on straight or curved arms."""
    height, thick = draw.between(1.9, 2.6), draw.between(0.045, 0.07)
    base = leaf("street_lamp_base", lathe([(0, 0), (0.2, 0), (0.2, 0.1), (1.4 * thick, 0.3), (0, 0.3)]))
    post = leaf("lamp_post", rod((0, 0.3, 0), (0, height, 0), 1.2 * thick, 0.8 * thick))
    lantern = draw.chance(0.5)
    count = draw.pick([1, 2], [0.5, 0.5])
    if lantern and count == 1:
        units = node("lamp_unit", lantern_head(draw)).moved(shift(y=height))
        return node("street_lamp", base, post, units)
    reach = draw.between(0.45, 0.75)
    kind, rise = draw.pick(["straight", "curved"]), draw.between(0.05, 0.3)
    top, end = (0, height - 0.1, 0), np.array([reach, height + rise, 0])
    if kind == "straight":
        arm = leaf("lamp_arm/lamp_arm_straight_bar", rod(top, end, 0.6 * thick))
    else:
        arm = leaf(
            "lamp_arm/lamp_arm_curved_bar",
            tube(bezier(top, (0, height + 0.5, 0), (reach, height + 0.6, 0), end, steps=8), 0.6 * thick),
        )
    lit = lantern_head(draw) if lantern else street_head(draw)
    return node("street_lamp", base, post, around(count, node("lamp_unit", arm, lit.moved(shift(*end)))))


def street_head(draw: Draw) -> Node:
    """Flat hood or bell with a bulb below."""
    radius = draw.between(0.2, 0.28)
    glowing = draw.maybe(0.7, leaf("light_bulb", ball((0, -0.16, 0), 0.35 * radius)))
    holder = draw.maybe(0.5, leaf("lamp_cover_holder", rod((0, -0.06, 0), (0, 0.08, 0), 0.06)))
    return node("lamp_head", leaf(SHADE, shade(draw, radius, draw.between(0.15, 0.25))), glowing, holder)


def lantern_head(draw: Draw) -> Node:
    """Four or six bars between a bottom and a roof, standing on the origin, with a bulb inside."""
    sides, radius, height = draw.pick([4, 6]), draw.between(0.16, 0.22), draw.between(0.3, 0.42)
    cap = radius * draw.between(1.2, 1.5)
    rods = around(
        sides, leaf("lamp_cover_frame_bar", bar((0.8 * radius, 0.05, 0), (radius, height, 0), 0.035, 0.035, side=Z))
    )
    frame = node(
        "lamp_cover/lantern_lamp_cover/lamp_cover_frame",
        leaf("lamp_cover_frame_bottom", disc((0, 0, 0), radius, 0.05)),
        leaf(
            "lamp_cover_frame_top", lathe([(0, height), (cap, height), (0.2 * cap, height + 0.18), (0, height + 0.18)])
        ),
        rods,
    )
    holder = draw.maybe(0.6, leaf("lamp_cover_holder", rod((0, -0.1, 0), (0, 0, 0), 0.08, 0.1)))
    return node("lamp_head", frame, leaf("light_bulb", ball((0, 0.16, 0), 0.42 * radius)), holder)
