"""Lamps below the ceiling y = 0: pendants on cords or chains, chandeliers."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift
from instance_seg.procedural.grammars.lamp_head import BASE_PART, head, upside_down
from instance_seg.procedural.nodes import Node, around, leaf, node
from instance_seg.procedural.solids import (
    Solid,
    bezier,
    block,
    lathe,
    ring,
    rod,
    tube,
)


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
