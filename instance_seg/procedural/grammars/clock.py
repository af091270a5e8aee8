"""Clocks: round or square ones for the table, tall ones with a pendulum. The front looks to +z."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift, turn
from instance_seg.procedural.grammars.fittings import foot_pads, square
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    block,
    moved,
    oval,
    plate,
    rectangle,
    rod,
)


def clock(draw: Draw) -> Node:
    """A clock for the table, or a tall one with a pendulum."""
    return node("clock", draw.pick([table_clock, pendulum_clock], [0.55, 0.45])(draw))


def facing(outline: np.ndarray, z: tuple[float, float], y: float, hole: np.ndarray | None = None):
    """Plate or frame that looks to +z, its middle at height y."""
    return moved(plate(outline, z, hole), shift(y=y).after(turn(X, 90.0)))


def table_clock(draw: Draw) -> Node:
    """Round or square dial in a frame, on feet or on a plate."""
    size, deep = draw.between(0.5, 0.8), draw.between(0.1, 0.3)
    exponent = draw.pick([2.0, 2.0, 20.0, 6.0])
    outline, hole = oval(2 * size, 2 * size, exponent), oval(1.7 * size, 1.7 * size, exponent)
    lift = draw.between(0.08, 0.2)
    y = lift + size
    body = [
        leaf("frame", (*facing(outline, (-deep, deep), y, hole), *facing(hole, (-deep, -0.8 * deep), y))),
        leaf("surface", facing(0.99 * hole, (0.5 * deep, 0.6 * deep), y)),
    ]
    if draw.chance(0.5):
        x = draw.between(0.4, 0.6) * size
        feet = [
            leaf("foot", rod((s * 0.8 * x, lift + 0.15 * size, 0), (s * 1.2 * x, 0, 0), 0.07, 0.055)) for s in (-1, 1)
        ]
        base = node("base/foot_base", feet)
    else:
        base_plate = block((-0.75 * size, 0.75 * size), (0, 1.05 * lift), (-1.2 * deep - 0.05, 1.2 * deep + 0.05))
        base = leaf("base/surface_base/base_surface", base_plate)
    return node("table_clock", node("clock_body", body), base)


def pendulum_clock(draw: Draw) -> Node:
    """Tall case with dial, chains and pendulum; on a plinth or on feet; a gable on top."""
    w, d = draw.between(0.25, 0.35), draw.between(0.16, 0.22)
    low, height = draw.between(0.12, 0.3), draw.between(1.3, 1.9)
    top = low + height
    dial = top - 1.1 * w
    walls = facing(rectangle(2 * w, height), (-d, d), low + 0.5 * height, rectangle(2 * w - 0.1, height - 0.1))
    back = block((-w + 0.05, w - 0.05), (low + 0.05, top - 0.05), (-d, -d + 0.04))
    face = facing(oval(1.5 * w, 1.5 * w), (0.5 * d, 0.8 * d), dial)
    roof = plate(np.array([[-1.15 * w, 0], [1.15 * w, 0], [0, draw.between(0.15, 0.3)]]), (-1.1 * d, 1.1 * d))
    if draw.chance(0.5):
        base = node("pendulum_clock_base/foot_base", foot_pads(draw, square(w - 0.06, d - 0.06), low, 0.1))
    else:
        plinth = block((-1.2 * w, 1.2 * w), (0, low), (-1.2 * d, 1.2 * d))
        base = leaf("pendulum_clock_base/surface_base/base_surface", plinth)
    return node(
        "pendulum_clock",
        leaf("pendulum_clock_frame/box", walls, back, face),
        node("pendulum", pendulum(draw, w, dial, dial - 0.9 * w - draw.between(0.4, 0.55) * height)),
        draw.maybe(0.7, leaf("pendulum_clock_top", moved(roof, shift(y=top).after(turn(X, 90.0))))),
        base,
    )


def pendulum(draw: Draw, w: float, dial: float, low: float) -> list[Node]:
    """Rod and bob that swing about the dial's middle, down to `low`; in some two chains with weights beside them."""
    bob = draw.between(0.1, 0.15)
    body = leaf(
        "pendulum_body",
        rod((0, dial - 0.5 * w, 0), (0, low, 0), 0.02),
        facing(oval(2 * bob, 2 * bob), (-0.04, 0.04), low),
    )
    x = 0.45 * w
    chain, weight = (
        rod((x, dial - 0.5 * w, 0), (x, low + 0.3, 0), 0.018),
        rod((x, low + 0.1, 0), (x, low + 0.35, 0), 0.045),
    )
    swing = turn(Z, draw.between(-8.0, 8.0), (0, dial, 0))
    return [body.moved(swing), *(mirrored(leaf("chain", chain, weight)) if draw.chance(0.7) else [])]
