"""The head that lamps share: shade and bulb. Units: about half a meter."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, shift, turn
from instance_seg.procedural.nodes import Node, leaf, node
from instance_seg.procedural.solids import (
    Solid,
    ball,
    bezier,
    lathe,
    moved,
    shell,
)

BASE_PART = "lamp_base/lamp_holistic_base/lamp_base_part"


SHADE = "lamp_cover/lamp_shade"


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


def head(draw: Draw, radius: float, height: float, *extra: Node | None) -> Node:
    """Lamp head that hangs from the origin: shade, and in most a bulb inside."""
    glowing = leaf("light_bulb", moved(bulb(draw.between(0.28, 0.4) * radius), shift(y=-0.1 * height)))
    return node("lamp_head", leaf(SHADE, shade(draw, radius, height)), draw.maybe(0.75, glowing), extra)


def upside_down(part: Node) -> Node:
    """The part turned over."""
    return part.moved(turn(X, 180.0))
