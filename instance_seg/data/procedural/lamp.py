"""Lamps: chandeliers and pendants on the ceiling, table and floor lamps, wall lamps, street lamps.

Units: about half a meter; whatever carries the lamp (ceiling plate, foot, wall plate, post) is built first.
"""

import numpy as np

from instance_seg.data.procedural.draw import Draw
from instance_seg.data.procedural.fittings import spread
from instance_seg.data.procedural.frames import X, Z, shift, turn
from instance_seg.data.procedural.nodes import Node, around, at_each, leaf, mirrored, node
from instance_seg.data.procedural.solids import (
    Solid,
    ball,
    bar,
    bezier,
    block,
    disc,
    lathe,
    moved,
    oval,
    plate,
    rectangle,
    ring,
    rod,
    shell,
    tube,
)

BASE_PART = "lamp_base/lamp_holistic_base/lamp_base_part"
SHADE = "lamp_cover/lamp_shade"


def lamp(draw: Draw) -> Node:
    """A lamp of one of six styles."""
    style = draw.pick(
        [table_lamp, desk_lamp, pendant, chandelier, wall_lamp, street_lamp], [0.26, 0.16, 0.15, 0.14, 0.14, 0.15]
    )
    return node("lamp", style(draw))


def shade(draw: Draw, radius: float, height: float) -> Solid:
    """Shade open below, its upper rim at the origin: drum, cone, bell or dome."""
    top = radius * draw.between(0.4, 0.7)
    profile = draw.pick(
        [
            np.array([(radius, -height), (radius, 0.0)]),
            np.array([(radius, -height), (top, 0.0)]),
            bezier((radius, -height), (0.95 * top, -0.7 * height), (0.7 * top, 0.0), steps=8),
            bezier((radius, -height), (radius, -0.1 * height), (0.08 * radius, 0.0), steps=8),
        ]
    )
    return shell(profile, 0.02)


def bulb(size: float) -> Solid:
    """Screw base above, glass below, its top at the origin."""
    neck = 0.4 * size
    profile = [(neck, -0.5 * size), (neck, 0.0), (0.0, 0.0)]
    return (*lathe(profile), *ball((0.0, -1.2 * size, 0.0), size))


def head(draw: Draw, radius: float, height: float, *extra: Node) -> Node:
    """Lamp head that hangs from the origin: shade, and in most a bulb inside."""
    glowing = leaf("light_bulb", moved(bulb(draw.between(0.28, 0.4) * radius), shift(y=-0.1 * height)))
    return node("lamp_head", leaf(SHADE, shade(draw, radius, height)), glowing if draw.chance(0.75) else None, extra)


def upside_down(part: Node) -> Node:
    return part.moved(turn(X, 180.0))


# Ceiling


def ceiling_plate(draw: Draw) -> Node:
    """Canopy below the ceiling y = 0."""
    radius, height = draw.between(0.2, 0.32), draw.between(0.05, 0.12)
    return leaf(BASE_PART, lathe([(0, -height), (0.5 * radius, -height), (radius, 0), (0, 0)]))


def pendant(draw: Draw) -> Node:
    """One to four shades, each on a cord or a chain of its own."""
    count = draw.pick([1, 2, 3, 4], [0.4, 0.15, 0.3, 0.15])
    radius, height = draw.between(0.3, 0.45) / count**0.35, draw.between(0.3, 0.5)
    chained = draw.chance(0.4)
    cords, units = [], []
    pitch = draw.between(2.2, 2.6) * radius
    for x in (np.arange(count) - 0.5 * (count - 1)) * pitch:
        drop = draw.between(0.8, 1.3)
        hanger = chain((x, 0.0, 0.0), drop) if chained else rod((x, 0, 0), (x, -drop, 0), 0.022)
        cords += [] if chained else [leaf("cord", hanger)]
        links = [leaf("chain", hanger)] if chained else []
        units.append(node("pendant_lamp_unit", links, head(draw, radius, height).moved(shift(x, -drop, 0.0))))
    canopy = (
        ceiling_plate(draw)
        if count == 1
        else leaf(BASE_PART, block((-0.5 * count * pitch, 0.5 * count * pitch), (0.0, 0.07), (-0.12, 0.12)))
    )
    return node("ceiling_lamp/pendant_lamp", canopy, node("power_cord", cords), units)


def chain(top: tuple[float, float, float], length: float) -> Solid:
    """Links down from `top`, every other one turned."""
    count = max(3, round(length / 0.13))
    step = length / count
    x, y, z = top
    links = [
        ring((x, y - (i + 0.5) * step, z), 0.5 * step, 0.014, axis=X if i % 2 else Z, segments=10) for i in range(count)
    ]
    return tuple(surface for link in links for surface in link)


def chandelier(draw: Draw) -> Node:
    """A body on a chain with 3 to 8 arms, a cup or shade at the end of each."""
    drop, height = draw.between(0.4, 0.8), draw.between(0.35, 0.6)
    body = bezier(
        (0.0, -drop - height),
        (0.22, -drop - height),
        (0.02, -drop - 0.4 * height),
        (0.18, -drop),
        (0.0, -drop),
        steps=12,
    )
    count, reach = draw.count(3, 8), draw.between(0.55, 0.8)
    low = -drop - 0.75 * height
    sag, rise = low - draw.between(0.05, 0.25), low + draw.between(0.0, 0.25)
    arm = tube(bezier((0.08, low, 0), (0.5 * reach, sag, 0), (reach, sag, 0), (reach, rise, 0), steps=8), 0.03)
    lit = head(draw, min(draw.between(0.15, 0.22), 2.4 * reach / count), draw.between(0.18, 0.28))
    lit = lit if draw.chance(0.4) else upside_down(lit)
    unit_part = node("lamp_unit", leaf("lamp_arm", arm), lit.moved(shift(reach, rise, 0.0)))
    return node(
        "ceiling_lamp/chandelier",
        ceiling_plate(draw),
        leaf("chain", chain((0, 0, 0), drop) if draw.chance(0.7) else rod((0, 0, 0), (0, -drop, 0), 0.025)),
        leaf("lamp_body", lathe(body)),
        node("lamp_unit_group", around(count, unit_part)),
    )


# Table and floor


def foot_plate(draw: Draw, radius: float, height: float) -> Node:
    kind = draw.pick(["cone", "disc", "square"], [0.4, 0.35, 0.25])
    if kind == "square":
        return leaf(BASE_PART, plate(rectangle(1.7 * radius, 1.7 * radius), (0.0, height)))
    top = radius if kind == "disc" else 0.3 * radius
    return leaf(BASE_PART, lathe([(0, 0), (radius, 0), (top, height), (0, height)]))


def leg_base(draw: Draw, height: float, reach: float) -> Node:
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
    fitter = wireframe(radius, size) if draw.chance(0.5) else None
    finial = (
        leaf("lamp_finial", *[ball((0, 0.07, 0), 0.055), rod((0, -0.02, 0), (0, 0.04, 0), 0.02)])
        if draw.chance(0.35)
        else None
    )
    crown = head(draw, radius, size, *[part for part in (fitter, finial) if part])
    link = leaf("connector", rod((0, neck, 0), (0, height + 0.2, 0), 0.04)) if draw.chance(0.5) else None
    unit_part = node("lamp_unit", link, crown.moved(shift(y=height + 0.3)))
    return node("table_or_floor_lamp", base, body, unit_part, cord(draw, 0.8 * radius))


def standing_body(draw: Draw, low: float, high: float, tall: bool) -> Node:
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
    link = leaf("connector", ball(end, 0.06)) if draw.chance(0.6) else None
    return node(
        "table_or_floor_lamp", base, body, node("lamp_unit", node("lamp_arm", arms), link, crown), cord(draw, 0.3)
    )


# Wall: the wall is the plane z = 0, the lamp stands before it


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


# Street


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
    glowing = leaf("light_bulb", ball((0, -0.16, 0), 0.35 * radius)) if draw.chance(0.7) else None
    holder = leaf("lamp_cover_holder", rod((0, -0.06, 0), (0, 0.08, 0), 0.06)) if draw.chance(0.5) else None
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
    holder = leaf("lamp_cover_holder", rod((0, -0.1, 0), (0, 0, 0), 0.08, 0.1)) if draw.chance(0.6) else None
    return node("lamp_head", frame, leaf("light_bulb", ball((0, 0.16, 0), 0.42 * radius)), holder)
