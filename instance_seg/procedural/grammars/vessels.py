"""Things turned on a wheel: bottles and jugs, bowls, mugs, vases. y = 0 is the ground."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import Y, Z, shift, turn
from instance_seg.procedural.grammars.fittings import square
from instance_seg.procedural.nodes import Node, around, leaf, node
from instance_seg.procedural.solids import (
    Solid,
    ball,
    band,
    bezier,
    block,
    disc,
    lathe,
    loft,
    moved,
    oval,
    plate,
    rectangle,
    rod,
    shell,
    tube,
)


def side_handle(draw: Draw, x: float, low: float, high: float, reach: float, thickness: float) -> Solid:
    """Ear at the right, from height `low` to `high`, `reach` wide: a tube, a strap, or an angular one."""
    controls = [(x, low, 0), (x + 1.3 * reach, low, 0), (x + 1.3 * reach, high, 0), (x, high, 0)]
    kind = draw.pick(["tube", "strap", "angular"], [0.45, 0.3, 0.25])
    if kind == "tube":
        return tube(bezier(*controls), thickness)
    if kind == "strap":
        return band(bezier(*controls), 3.0 * thickness, 1.2 * thickness, side=Z)
    corners = [(x, low, 0), (x + reach, low + 0.1 * (high - low), 0), (x + reach, high - 0.05, 0), (x, high, 0)]
    return tube(np.array(corners, float), thickness)


# Bottles and jugs


def bottle(draw: Draw) -> Node:
    """A drinking bottle, a canister with a grip, a flask, or a jug with an ear."""
    return node("bottle", draw.pick([slim_bottle, flat_bottle, jug], [0.45, 0.25, 0.3])(draw))


def slim_bottle(draw: Draw) -> Node:
    """Round body, shoulder, neck, mouth; a cork or a cap."""
    radius, shoulder = draw.between(0.25, 0.38), draw.between(0.8, 1.4)
    neck, neck_low = radius * draw.between(0.3, 0.5), shoulder + draw.between(0.1, 0.35)
    neck_high = neck_low + draw.between(0.15, 0.45)
    curve = bezier((radius, shoulder), (radius, neck_low), (neck, shoulder), (neck, neck_low), steps=8)
    parts = [
        leaf("body", lathe(np.concatenate([[(0, 0), (radius, 0)], curve]))),
        leaf("neck", lathe([(neck, neck_low), (neck, neck_high)])),
    ]
    top, rim = neck_high, draw.between(0.05, 0.1)
    if draw.chance(0.6):
        parts.append(leaf("mouth", shell([(1.2 * neck, top), (1.2 * neck, top + rim)], 0.35 * neck)))
        top += rim
    cover = draw.pick(["closure", "lid", "none"], [0.4, 0.4, 0.2])
    if cover == "closure":
        parts.append(
            leaf("closure", rod((0, top - 0.05, 0), (0, top + draw.between(0.1, 0.16), 0), 0.75 * neck, 0.9 * neck))
        )
    elif cover == "lid":
        parts.append(leaf("lid", disc((0, top, 0), 1.3 * neck, draw.between(0.1, 0.2))))
    return node("normal_bottle", parts)


def flat_bottle(draw: Draw) -> Node:
    """Canister or flask of oval or square section, with a lid, in many with a grip above or beside."""
    w, d, height = draw.between(0.6, 0.9), draw.between(0.35, 0.5), draw.between(0.8, 1.2)
    outline = oval(w, d, draw.pick([2.2, 4.0, 8.0]))
    sizes = [(0.0, 1.0), (0.75 * height, 1.0), (0.92 * height, 0.75), (height, 0.3)]
    sections = [np.stack([s * outline[:, 0], np.full(len(outline), y), -s * outline[:, 1]], axis=1) for y, s in sizes]
    neck, lid = draw.between(0.08, 0.12), draw.between(0.1, 0.18)
    parts = [
        leaf("body", loft(np.stack(sections))),
        leaf("mouth", lathe([(neck, height - 0.02), (neck, height + 0.08)])),
        leaf("lid", disc((0, height + 0.08, 0), 1.3 * neck, lid)),
    ]
    if draw.chance(0.6):
        reach = draw.between(0.2, 0.3)
        parts.append(leaf("handle", side_handle(draw, 0.47 * w, 0.3 * height, 0.72 * height, reach, 0.05)))
    return node("normal_bottle", parts)


def jug(draw: Draw) -> Node:
    """Bellied jug with one ear."""
    radius, height = draw.between(0.35, 0.5), draw.between(0.8, 1.2)
    foot, mouth = radius * draw.between(0.6, 0.9), radius * draw.between(0.4, 0.75)
    curve = bezier((foot, 0), (1.4 * radius, 0.3 * height), (0.7 * mouth, 0.75 * height), (mouth, height), steps=14)
    ear = side_handle(
        draw, 0.85 * mouth, 0.35 * height, 0.92 * height, draw.between(0.3, 0.45), draw.between(0.04, 0.06)
    )
    return node("jug", leaf("body", shell(np.concatenate([[(0, 0)], curve]), 0.04)), leaf("handle", ear))


# Bowls


def bowl(draw: Draw) -> Node:
    """Round, footed or square; in half of them something to eat."""
    radius, height = draw.between(0.7, 1.0), draw.between(0.35, 0.7)
    foot, lift = radius * draw.between(0.3, 0.5), draw.between(0.04, 0.2)
    if draw.chance(0.25):
        slope = draw.between(1.2, 1.5)
        outline, wall = rectangle(1.2 * radius, 1.2 * radius), 0.9
        walls = plate(outline, (lift, lift + height), hole=wall * outline, taper=slope)
        body = (*walls, *plate(wall * outline, (lift, lift + 0.05)))
        parts = [leaf("bottom", plate(rectangle(0.9 * radius, 0.9 * radius), (0, lift)))]
    else:
        curve = bezier((foot, lift), (0.9 * radius, lift), (0.9 * radius, lift + 0.5 * height), (radius, lift + height))
        body = shell(np.concatenate([[(0, lift)], curve]), 0.05)
        parts = [leaf("bottom", lathe([(0, 0), (foot * draw.between(0.9, 1.4), 0), (foot, lift), (0, lift)]))]
    if draw.chance(0.2):
        parts = []
    if draw.chance(0.5):
        parts.append(food(draw, 0.55 * radius, lift + 0.45 * height))
    return node("bowl", leaf("container", body), parts)


def food(draw: Draw, radius: float, level: float) -> list[Node]:
    """Soup up to a level, or three to six fruits."""
    if draw.chance(0.4):
        return [leaf("containing_things", disc((0, level, 0), 1.15 * radius, 0.08))]
    size = draw.between(0.5, 0.62) * radius
    fruit = leaf("containing_things", ball((0.95 * radius, level, 0), (size, draw.between(0.8, 1.1) * size, size)))
    return around(draw.count(3, 6), fruit, start=draw.between(0, 90))


# Mugs


def mug(draw: Draw) -> Node:
    """Straight, conical or bellied, one ear, in some something to drink."""
    radius, height = draw.between(0.4, 0.55), draw.between(0.7, 1.3)
    top, belly = radius * draw.between(0.85, 1.25), draw.pick([0.0, 0.0, 0.25])
    curve = bezier((radius, 0), (radius + belly, 0.4 * height), (top + belly, 0.6 * height), (top, height))
    low, high = draw.between(0.12, 0.3) * height, draw.between(0.7, 0.9) * height
    x = 0.5 * (radius + top) + 0.7 * belly - 0.02
    parts = [
        leaf("body", shell(np.concatenate([[(0, 0)], curve]), 0.05)),
        leaf("handle", side_handle(draw, x, low, high, draw.between(0.3, 0.45), draw.between(0.05, 0.075))),
    ]
    if draw.chance(0.4):
        parts.append(leaf("containing_things", disc((0, 0.75 * height, 0), 0.85 * min(radius, top), 0.04)))
    return node("mug", parts)


# Vases and pots


def vase(draw: Draw) -> Node:
    """Slender vase, urn with a lid, or a flower pot; feet under some, plants in many."""
    kind = draw.pick(["vase", "urn", "pot"], [0.4, 0.25, 0.35])
    lift = draw.between(0.08, 0.15) if draw.chance(0.4) else 0.0
    radius, height = draw.between(0.35, 0.55), draw.between(0.5, 0.7) if kind == "pot" else draw.between(0.9, 1.4)
    foot, mouth = radius * draw.between(0.5, 0.75), radius * draw.between(0.4, 0.75)
    if kind == "pot":
        mouth, foot = radius, 0.7 * radius
        curve = np.array([(foot, 0), (radius, 0.85 * height), (1.1 * radius, 0.85 * height), (1.1 * radius, height)])
    else:
        curve = bezier((foot, 0), (1.8 * radius, 0.4 * height), (0.3 * mouth, 0.75 * height), (mouth, height), steps=16)
    body = [leaf("container", shell(np.concatenate([[(0, 0)], curve]), 0.04)).moved(shift(y=lift))]
    if kind == "urn":
        knob = draw.between(0.05, 0.08)
        dome = [(0, 0), (1.1 * mouth, 0), (0.9 * mouth, 0.1), (knob, 0.16), (knob, 0.26), (0, 0.26)]
        body.append(leaf("lid", lathe(dome, (0, lift + height, 0))))
    base = node("base/foot_base", vase_feet(draw, 0.85 * foot, lift)) if lift else None
    filled = kind == "pot" or (kind == "vase" and draw.chance(0.6))
    return node("pot", node("body", body), base, contents(draw, kind, 0.9 * mouth, lift + height) if filled else None)


def vase_feet(draw: Draw, radius: float, height: float) -> list[Node]:
    """One round foot or four blocks."""
    if draw.chance(0.4):
        return [leaf("foot", lathe([(0, 0), (1.2 * radius, 0), (radius, height), (0, height)]))]
    spots = square(0.7 * radius, 0.7 * radius)
    return [leaf("foot", block((x - 0.07, x + 0.07), (0, height), (z - 0.07, z + 0.07))) for x, z in spots]


def contents(draw: Draw, kind: str, radius: float, rim: float) -> Node:
    """Soil, and a bush or stalks, that reach above the height `rim`."""
    soil = (
        leaf("liquid_or_soil", disc((0, rim - 0.12, 0), 0.9 * radius, 0.05))
        if kind == "pot" or draw.chance(0.3)
        else None
    )
    if kind == "pot" and draw.chance(0.3):
        bush = ball((0, rim + 0.25, 0), (1.2 * radius, draw.between(0.3, 0.5), 1.2 * radius))
        return node("containing_things", soil, leaf("plant", bush))
    count = draw.count(2, 5)
    stalks = [leaf("plant", stalk(draw, radius, rim)).moved(turn(Y, 360.0 * i / count)) for i in range(count)]
    return node("containing_things", soil, stalks)


def stalk(draw: Draw, radius: float, rim: float) -> Solid:
    """Bent stem with a blossom or leaves along it."""
    height, lean = draw.between(0.5, 0.9), draw.between(0.25, 0.6)
    path = bezier(
        (0.2 * radius, rim - 0.15, 0), (0.3 * radius, rim + 0.5 * height, 0), (lean, rim + height, 0), steps=6
    )
    stem = tube(path, 0.02)
    if draw.chance(0.5):
        return (*stem, *ball(path[-1], draw.between(0.08, 0.13)))
    blade = bezier((0, 0, 0), (0.1, 0.2, 0), (0.35, 0.15, 0), steps=4)
    leaves = [moved(band(blade, 0.1, 0.015, side=Z), shift(*path[i]).after(turn(Y, 90.0 * i))) for i in (3, 4, 5, 6)]
    return (*stem, *(surface for one in leaves for surface in one))
