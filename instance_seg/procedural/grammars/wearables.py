"""Bags, hats, earphones."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, X, Y, Z, shift, turn
from instance_seg.procedural.nodes import Node, around, leaf, mirrored, node
from instance_seg.procedural.solids import (
    Solid,
    ball,
    band,
    bezier,
    lathe,
    loft,
    moved,
    oval,
    plate,
    ring,
    rod,
    tube,
)

# Bags


def bag(draw: Draw) -> Node:
    """Handbag, tote, or shoulder bag."""
    style = draw.pick(["handbag", "tote", "shoulder"], [0.35, 0.3, 0.35])
    w, h = draw.between(0.5, 0.75), draw.between(0.6, 0.95)
    deep, narrow = draw.between(0.2, 0.4), draw.between(0.3, 0.7)
    body = leaf("bag_body", sack(draw, w, h, deep, narrow, style))
    straps = {"handbag": grips, "tote": grips, "shoulder": long_strap}[style](draw, w, h, deep * narrow)
    if style == "handbag" and draw.chance(0.4):
        straps += long_strap(draw, w, h, deep * narrow)
    return node("bag", body, straps)


def sack(draw: Draw, w: float, h: float, deep: float, narrow: float, style: str) -> Solid:
    """Body that grows thinner upwards and, in handbags, also shorter."""
    rows = np.linspace(0.0, 1.0, 6)
    slope = draw.between(0.1, 0.35) if style == "handbag" else draw.between(-0.1, 0.08)
    belly = draw.between(0.0, 0.25)
    sections = []
    for t in rows:
        bulge = 1.0 + belly * np.sin(np.pi * t)
        outline = oval(
            2 * w * (1.0 - slope * t) * (1 + 0.3 * (bulge - 1)), 2 * deep * bulge * (1.0 - (1.0 - narrow) * t), 4.0
        )
        sections.append(np.stack([outline[:, 0], np.full(len(outline), h * t), -outline[:, 1]], axis=1))
    return loft(np.stack(sections))


def grips(draw: Draw, w: float, h: float, z: float) -> list[Node]:
    """One arch over the middle, or one at the front and one at the back."""
    half, rise = draw.between(0.3, 0.55) * w, draw.between(0.3, 0.6)
    place = 0.8 * z if draw.chance(0.65) else 0.0
    path = bezier(
        (-half, h - 0.05, place),
        (-half, h + 1.3 * rise, place),
        (half, h + 1.3 * rise, place),
        (half, h - 0.05, place),
        steps=12,
    )
    solid = tube(path, draw.between(0.025, 0.045)) if draw.chance(0.5) else band(path, 0.1, 0.03, side=Z)
    arch = leaf("handle", solid)
    return mirrored(arch, frame=MIRROR_Z) if place else [arch]


def long_strap(draw: Draw, w: float, h: float, z: float) -> list[Node]:
    """One strap from side to side, high above the bag."""
    rise, out = draw.between(0.8, 1.4), draw.between(0.0, 0.3)
    ends = [
        (-w - 0.02, 0.7 * h, 0),
        (-w - out, h + 1.3 * rise, 0),
        (w + out, h + 1.3 * rise, 0),
        (w + 0.02, 0.7 * h, 0),
    ]
    return [leaf("shoulder_strap", band(bezier(*ends, steps=14), draw.between(0.07, 0.13), 0.025, side=Z))]


# Hats


def hat(draw: Draw) -> Node:
    """A hat with a brim all round, or a cap of panels with a bill and a button."""
    return node("hat", draw.pick([brimmed_hat, cap], [0.55, 0.45])(draw))


def brimmed_hat(draw: Draw) -> Node:
    """Top hat, bowler, fedora, or sun hat: crowns and brims of many proportions."""
    radius, height = draw.between(0.45, 0.55), draw.between(0.3, 0.9)
    kind = draw.pick(["flat", "dome", "dented"])
    top = radius * draw.between(0.75, 1.05)
    curve = {
        "flat": np.array([(radius, 0), (top, height), (0, height)]),
        "dome": bezier((radius, 0), (1.05 * radius, height), (0.5 * radius, height), (0, height), steps=12),
        "dented": bezier(
            (radius, 0), (radius, 1.2 * height), (0.5 * radius, 1.3 * height), (0, 0.75 * height), steps=12
        ),
    }[kind]
    reach, droop = radius + draw.between(0.2, 0.6), draw.between(-0.2, 0.15)
    rim = [(radius, 0.03), (radius, 0.0), (reach, droop), (reach, droop + 0.03), (radius, 0.03)]
    return node("normal_hat", leaf("crown", lathe(curve)), leaf("brim", lathe(rim)))


def cap(draw: Draw) -> Node:
    """Baseball cap: five to eight panels around, a bill to the front, a button on top."""
    count, radius, height = draw.count(5, 8), draw.between(0.5, 0.6), draw.between(0.4, 0.6)
    dome = bezier((radius, 0), (1.1 * radius, 0.8 * height), (0.6 * radius, height), (0.02, height), steps=10)
    panel = leaf("panel", lathe(dome, sweep=360.0 / count))
    reach, bend = draw.between(0.35, 0.55), draw.between(0.0, 0.15)
    across = np.linspace(-0.85, 0.85, 11)
    inner = radius * np.sqrt(1.0 - (0.98 * across) ** 2)
    outer = inner + reach * (1.0 - across**4)
    sag = -bend * across**2
    edges = [(inner, 0.0), (outer, -0.06), (outer, -0.03), (inner, 0.03)]
    bill = loft(np.stack([np.stack([radius * across, sag + y, z], axis=1) for z, y in edges], axis=1))
    button = draw.maybe(0.75, leaf("button", ball((0, height, 0), (0.09, 0.05, 0.09))))
    return node("cap", around(count, panel, start=90.0 / count), leaf("bill", bill), button)


# Earphones


def earphone(draw: Draw) -> Node:
    """Headphones with a band over the head, or a pair of earbuds on wires."""
    return node("earphone", draw.pick([headphone, earbuds], [0.55, 0.45])(draw))


def headphone(draw: Draw) -> Node:
    """Two cups on a band; a wire from one or both."""
    w, height, size = draw.between(0.55, 0.7), draw.between(0.6, 0.9), draw.between(0.26, 0.4)
    ends = [(-w - 0.05, 0.35, 0), (-w - 0.1, height + 0.55, 0), (w + 0.1, height + 0.55, 0), (w + 0.05, 0.35, 0)]
    path = bezier(*ends, steps=14)
    flat = band(path, draw.between(0.12, 0.25), draw.between(0.03, 0.06), side=Z)
    strap = flat if draw.chance(0.7) else tube(path, 0.045)
    case = plate(oval(1.7 * size, 2 * size, 2.4), (0.0, draw.between(0.12, 0.2)), taper=0.85)
    pad = ring((w - 0.1, 0, 0), 0.72 * size, 0.24 * size, axis=X, segments=16)
    cup = node(
        "earcup_unit",
        leaf("earcup_frame", moved(case, shift(x=w - 0.02).after(turn(Z, -90.0)).after(turn(Y, 90.0)))),
        leaf("earcup_pad", pad),
        draw.maybe(0.8, leaf("earcup_connector", rod((w + 0.05, 0.55 * size, 0), (w + 0.05, 0.5, 0), 0.05))),
    )
    drop = -size - draw.between(0.5, 0.9)
    wire = bezier((w + 0.05, -size, 0), (w + 0.05, drop + 0.2, 0.1), (0.1, drop + 0.4, 0), (0.05, drop, 0), steps=12)
    cable = leaf("connector_wire", tube(wire, 0.025))
    wires = draw.pick([[], [cable], mirrored(cable)], [0.4, 0.35, 0.25])
    return node("headphone", leaf("head_band/top_band", strap), mirrored(cup), wires)


def earbuds(draw: Draw) -> Node:
    """Two buds, each on a wire; the wires meet below."""
    apart, size = draw.between(0.3, 0.6), draw.between(0.13, 0.19)
    low = -0.8 * size - draw.between(0.2, 0.35)
    drop = low - draw.between(0.8, 1.4)
    unit = bud(draw, size, low).moved(turn(Z, draw.between(-20.0, 20.0))).moved(shift(x=-apart))
    bow = (-apart, 0.5 * (low + drop), draw.between(-0.2, 0.2))
    path = bezier((-apart, low, 0), bow, (-0.02, 0.6 * low + 0.4 * drop, 0), (-0.02, drop, 0), steps=12)
    wire = leaf("earbud_connector_wire", tube(path, draw.between(0.018, 0.026)))
    return node("earbud", mirrored(unit), mirrored(wire))


def bud(draw: Draw, size: float, low: float) -> Node:
    """Case about the origin, its tip towards +x, the wire's socket down to `low`."""
    case = draw.pick(
        [ball((0, 0, 0), (size, size, 0.8 * size)), rod((-0.6 * size, 0, 0), (0.7 * size, 0, 0), 0.8 * size, size)]
    )
    neck = rod((0.7 * size, 0, 0), (1.3 * size, 0, 0), 0.45 * size)
    tip = ball((1.5 * size, 0, 0), (0.4 * size, 0.75 * size, 0.75 * size))
    socket = rod((0, -0.8 * size, 0), (0, low, 0), 0.3 * size, 0.24 * size)
    return node(
        "earbud_unit",
        leaf("earbud_frame", case),
        draw.maybe(0.9, leaf("earbud_pad", neck, tip)),
        draw.maybe(0.85, leaf("earbud_connector", socket)),
    )
