"""Knives, daggers, scissors. They lie in the plane z = 0, the point towards +x."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift, turn
from instance_seg.procedural.nodes import Node, leaf, node
from instance_seg.procedural.solids import Solid, ball, bezier, block, box, loft, moved, oval, rod, tube


def blade(spine: np.ndarray, edge: np.ndarray, thickness: float) -> Solid:
    """Wedge between the blunt `spine` and the sharp `edge`, both [K, 2] in (x, y) from the grip to the point."""
    back, front = (np.column_stack([side, np.zeros(len(side))]) for side in (spine, edge))
    half = np.array([0.0, 0.0, 0.5 * thickness])
    return loft(np.stack([back - half, front, back + half], axis=1))


def two_edged(length: float, width: float, thickness: float, bend: float) -> Solid:
    """Blade of rhombic section that narrows to a point, bent sideways by `bend`."""
    x = np.linspace(0.0, length, 10)
    half = 0.5 * width * np.sqrt(np.maximum(1.0 - (x / length) ** 3, 1e-4))
    y, zero = bend * (x / length) ** 2, np.zeros_like(x)
    ridge = 0.5 * thickness * half / half[0]
    corners = [(y - half, zero), (y, -ridge), (y + half, zero), (y, ridge)]
    return loft(np.stack([np.stack([x, up, out], axis=1) for up, out in corners], axis=1)[:, ::-1])


def grip(draw: Draw, length: float, width: float, thickness: float) -> Solid:
    """Handle towards -x: round, oval with a waist, or a slab."""
    kind = draw.pick(["round", "waist", "slab"])
    if kind == "round":
        return rod((0, 0, 0), (-length, 0, 0), 0.45 * width, 0.55 * width)
    if kind == "slab":
        return block((-length, 0), (-0.5 * width, 0.5 * width), (-0.5 * thickness, 0.5 * thickness))
    outline = oval(width, thickness, 2.5, vertices=12)
    stations = np.linspace(0.0, -length, 8)
    swell = 1.0 + 0.2 * np.cos(np.linspace(0.0, 4.0 * np.pi, 8))
    sections = [np.column_stack([np.full(12, x), s * outline]) for x, s in zip(stations, swell)]
    return loft(np.stack(sections)[:, ::-1])


def knife(draw: Draw) -> Node:
    """A one-edged knife or a two-edged dagger."""
    return node("cutting_instrument", draw.pick([kitchen_knife, dagger], [0.6, 0.4])(draw))


def kitchen_knife(draw: Draw) -> Node:
    """Chef's knife, cleaver, or curved sabre; some with bolster, butt and guard."""
    length, width = draw.between(0.9, 1.5), draw.between(0.18, 0.32)
    kind = draw.pick(["chef", "cleaver", "curved"], [0.5, 0.2, 0.3])
    x = np.linspace(0.0, length, 12)
    share = x / length
    if kind == "cleaver":
        length, width = 0.8 * length, 1.6 * width
        spine, edge = np.stack([0.8 * x, 0 * x + 0.5 * width], 1), np.stack([0.8 * x, 0.0 * x - 0.5 * width], 1)
    else:
        lift = draw.between(0.15, 0.4) * share**2 if kind == "curved" else 0.0 * x
        spine = np.stack([x, 0.5 * width + lift], 1)
        edge = np.stack([x, -0.5 * width + lift + (width - 0.004) * share ** draw.between(2.5, 5.0)], 1)
    thickness, held = draw.between(0.04, 0.07), draw.between(0.5, 0.75)
    blade_side, handle_side = [leaf("blade", blade(spine, edge, thickness))], []
    hilt, gap = draw.between(0.12, 0.18), 0.0
    if draw.chance(0.5):
        gap = draw.between(0.06, 0.12)
        blade_side.append(leaf("bolster", block((-gap, 0), (-0.42 * width, 0.42 * width), (-0.06, 0.06))))
    if draw.chance(0.4):
        handle_side.append(leaf("guard", box((-gap - 0.02, 0, 0), (0.05, draw.between(1.3, 1.8) * width, 0.14))))
        gap += 0.045
    handle_side.append(leaf("handle", moved(grip(draw, held, hilt, 0.1), shift(x=-gap))))
    if draw.chance(0.4):
        handle_side.append(leaf("butt", ball((-gap - held, 0, 0), (0.06, 0.6 * hilt, 0.09))))
    return node("knife", node("blade_side", blade_side), node("handle_side", handle_side))


def dagger(draw: Draw) -> Node:
    """Two edges, a cross guard, a pommel; straight or curved, short or a sword."""
    length, width, hilt = draw.between(0.9, 1.8), draw.between(0.14, 0.22), draw.between(0.35, 0.5)
    span = draw.between(0.4, 0.7)
    cross = tube(bezier((0.05, -0.5 * span, 0), (-0.1, 0, 0), (0.05, 0.5 * span, 0), steps=6), draw.between(0.03, 0.05))
    if draw.chance(0.4):
        cross = box((-0.03, 0, 0), (0.06, span, 0.12))
    pommel = draw.between(0.07, 0.11)
    return node(
        "dagger",
        leaf(
            "blade_side/blade",
            two_edged(length, width, draw.between(0.05, 0.08), draw.pick([0.0, draw.between(0.1, 0.3)])),
        ),
        node(
            "handle_side",
            draw.maybe(0.85, leaf("guard", cross)),
            leaf("handle", moved(grip(draw, hilt, draw.between(0.09, 0.13), 0.09), shift(x=-0.06))),
            draw.maybe(0.8, leaf("butt", ball((-hilt - 0.06 - 0.5 * pommel, 0, 0), pommel))),
        ),
    )


# Scissors


def scissors(draw: Draw) -> Node:
    """Two blades that cross at a pivot and their handles: two to five parts."""
    return node("scissors", draw.pick([pair, snips, loose_half], [0.7, 0.2, 0.1])(draw))


def pair(draw: Draw) -> list[Node]:
    """Each blade with a bow to put the fingers through; some have a hook for the little finger beside one bow."""
    opened, steel, length = draw.between(4.0, 35.0), *scissors_blade(draw)
    reach, wide = draw.between(0.35, 0.6), draw.between(0.14, 0.2)
    style = draw.pick(["equal", "tailor", "shears"], [0.5, 0.25, 0.25])
    tang = draw.maybe(0.25 if style == "equal" else 0.0, leaf("handle", finger_hook(reach, wide, length)))
    sides = []
    for sign in (1, -1):
        stretch = 1.6 if style == "tailor" and sign < 0 else 1.0
        handles = [leaf("handle", bow(draw, style, reach, wide, stretch)), tang if sign < 0 else None]
        half = node("blade_handle_set", leaf("blade", steel), handles).moved(turn(Z, 0.5 * opened))
        sides.append(half if sign > 0 else half.moved(turn(X, 180.0)))
    return sides


def snips(draw: Draw) -> Node:
    """Thread snips: two short blades that one bent spring holds apart, which is their only handle."""
    opened, steel, _ = draw.between(8.0, 20.0), *scissors_blade(draw, 0.6)
    half = leaf("blade", steel).moved(turn(Z, opened))
    reach, wide = draw.between(0.7, 1.1), draw.between(0.12, 0.2)
    path = bezier((0, 0.04, 0), (-0.9 * reach, wide + 0.15, 0), (-reach, 0, 0), steps=6)
    side = tube(path, draw.between(0.035, 0.05))
    spring = leaf("handle", side, moved(side, turn(X, 180.0)))
    return node("blade_handle_set", half, half.moved(turn(X, 180.0)), spring)


def loose_half(draw: Draw) -> Node:
    """One blade with its bow, as a pair taken apart has them."""
    steel, _ = scissors_blade(draw)
    grasp = bow(draw, draw.pick(["equal", "shears"]), draw.between(0.35, 0.6), draw.between(0.14, 0.2), 1.0)
    return node("blade_handle_set", leaf("blade", steel), leaf("handle", grasp))


def scissors_blade(draw: Draw, scale: float = 1.0) -> tuple[Solid, float]:
    """A blade from just behind the pivot along +x, above the plane of the other one; and its length."""
    length = scale * draw.between(0.8, 1.3)
    width, thickness = draw.between(0.13, 0.2), draw.between(0.03, 0.05)
    x = np.linspace(-0.15, length, 8)
    lean = 0.5 * width * (1.0 - np.clip(x / length, 0.0, 1.0) ** 2)
    steel = blade(np.stack([x, lean], 1), np.stack([x, -0.35 * lean], 1), thickness)
    return moved(steel, shift(z=0.5 * thickness)), length


def finger_hook(reach: float, wide: float, length: float) -> Solid:
    """A curved prong behind the lower side of a bow."""
    start = (-reach - 1.9 * wide, -0.2, 0.0)
    tip = (start[0] - 0.22 * length, -0.3, 0.0)
    return tube(bezier(start, (start[0] - 0.08, -0.12, 0.0), tip, steps=6), 0.04)


def bow(draw: Draw, style: str, reach: float, wide: float, stretch: float) -> Solid:
    """Shank from the pivot backwards, below the axis, and a closed loop at its end (an open lever for shears)."""
    shank = bezier((-0.12, 0, 0), (-0.4 * reach, -0.02, 0), (-reach, -0.16, 0), steps=5)
    if style == "shears":
        lever = bezier((-0.12, 0, 0), (-0.6 * reach, -0.02, 0), (-reach, -0.3, 0), (-2.0 * reach, -0.28, 0), steps=8)
        return tube(lever, 0.055)
    angle = np.linspace(0.0, 2.0 * np.pi, 19)
    loop = np.column_stack([stretch * wide * np.cos(angle), wide * np.sin(angle), 0 * angle])
    loop[-1] = loop[0]
    middle = (-reach - 0.95 * stretch * wide, -0.2, 0.0)
    return (*tube(shank, 0.045), *moved(tube(loop, 0.042), shift(*middle)))
