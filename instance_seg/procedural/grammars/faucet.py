"""Faucets: basin mixers and showers. y = 0 is the wash-stand or the mixer of the shower, water runs towards +z."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift, turn
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bezier,
    disc,
    lathe,
    moved,
    oval,
    plate,
    rod,
    tube,
)


def faucet(draw: Draw) -> Node:
    """A basin mixer with one or two switches, or a shower with a hose."""
    return node("faucet", draw.pick([basin_faucet, shower_faucet], [0.65, 0.35])(draw))


def lever_switch(draw: Draw):
    """Switch that stands on the origin: a lever, a cross, or a wheel."""
    kind = draw.pick(["lever", "cross", "wheel"])
    hub = rod((0, 0, 0), (0, 0.14, 0), 0.07, 0.06)
    if kind == "lever":
        return (*hub, *rod((0, 0.12, 0), (0, draw.between(0.18, 0.3), draw.between(0.25, 0.4)), 0.04, 0.03))
    if kind == "cross":
        return (*hub, *rod((-0.17, 0.15, 0), (0.17, 0.15, 0), 0.035), *rod((0, 0.15, -0.17), (0, 0.15, 0.17), 0.035))
    return (*hub, *disc((0, 0.13, 0), draw.between(0.11, 0.15), 0.09))


def basin_faucet(draw: Draw) -> Node:
    """Spout in an arch or straight, over one column or a bridge between two."""
    count = draw.pick([1, 2], [0.5, 0.5])
    column, rise = draw.between(0.07, 0.1), draw.between(0.25, 0.5)
    high, out = draw.between(0.5, 1.1), draw.between(0.5, 0.8)
    if draw.chance(0.6):
        path = bezier(
            (0, rise, 0), (0, rise + 1.4 * high, 0), (0, rise + 1.3 * high, out), (0, rise + 0.3 * high, out), steps=14
        )
    else:
        path = np.array(
            [(0, rise, 0), (0, rise + 0.12, 0.12), (0, rise + 0.2, out), (0, rise + 0.06, out + 0.06)], float
        )
    parts = [leaf("spout/tube", tube(path, draw.between(0.05, 0.07)))]
    frame = [leaf("vertical_support", rod((0, 0.04, 0), (0, rise, 0), 1.2 * column, column))]
    if count == 2:
        x, y = draw.between(0.35, 0.5), draw.between(0.04, 0.5 * rise)
        if draw.chance(0.6):
            frame.append(leaf("horizontal_support", rod((-x, y + 0.06, 0), (x, y + 0.06, 0), 0.055)))
            y += 0.1
        parts += [leaf("switch", moved(lever_switch(draw), shift(x=x, y=y)))]
        parts = [parts[0], *mirrored(parts[1])]
        if y > 0.1:
            frame += mirrored(leaf("vertical_support", rod((x, 0.04, 0), (x, y, 0), 0.065)))
        plate_outline = oval(2 * x + 0.35, 0.35, 5.0)
    else:
        parts.append(leaf("switch", moved(lever_switch(draw), shift(0.08, 0.6 * rise, 0).after(turn(Z, -75.0)))))
        plate_outline = oval(0.4, 0.4)
    if draw.chance(0.8):
        frame.append(leaf("surface_base", plate(plate_outline, (0, 0.05))))
    return node("normal_faucet", parts, node("frame", frame))


def shower_faucet(draw: Draw) -> Node:
    """On a wall behind: mixer with switches, a rail, a hose and a spray head."""
    x, height = draw.between(0.25, 0.4), draw.between(1.2, 1.8)
    frame = [leaf("horizontal_support", rod((-x, 0, 0.12), (x, 0, 0.12), draw.between(0.06, 0.09)))]
    frame += [
        leaf("surface_base", moved(disc((0, 0, 0), 0.12, 0.05), shift(x=s * 0.7 * x).after(turn(X, 90.0))))
        for s in (-1, 1)
    ]
    head_y, out = height, draw.between(0.3, 0.5)
    if draw.chance(0.9):
        frame.append(leaf("vertical_support", rod((0, 0, 0.12), (0, height, 0.12), 0.045)))
    switch = leaf("switch", moved(lever_switch(draw), shift(x=x, z=0.12).after(turn(Z, -90.0))))
    rose = moved(
        lathe([(0, -0.06), (draw.between(0.16, 0.26), -0.06), (0.05, 0.06), (0, 0.06)]), shift(0, head_y, 0.12 + out)
    )
    pipe = tube(
        bezier(
            (0, head_y - 0.05, 0.12),
            (0, head_y + 0.2, 0.2),
            (0, head_y + 0.15, 0.1 + out),
            (0, head_y + 0.04, 0.12 + out),
            steps=8,
        ),
        0.04,
    )
    hose = []
    if draw.chance(0.75):
        sag = -draw.between(0.3, 0.7)
        path = bezier((0.08, -0.05, 0.14), (0.3, sag - 0.5, 0.3), (0.45, sag, 0.3), (0.1, 0.8 * height, 0.25), steps=14)
        hose = [leaf("hose", tube(path, 0.032))]
    return node("shower_faucet", mirrored(switch), hose, leaf("spout/tube", (*rose, *pipe)), node("frame", frame))
