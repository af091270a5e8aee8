"""Parts that several categories share: feet, casters, knobs, star legs, drawers, doors."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import Vector, Y, Z, shift, turn
from instance_seg.procedural.nodes import Node, around, leaf, mirrored, node
from instance_seg.procedural.solids import Solid, bar, bezier, block, box, moved, rod, tube, wheel


def post(draw: Draw, top: Vector, foot: Vector, thickness: float, round_share: float = 0.4) -> Solid:
    """Leg-like body from top to foot, square or round, perhaps tapered."""
    taper = draw.pick([1.0, draw.between(0.5, 0.9)])
    if draw.chance(round_share):
        return rod(top, foot, 0.55 * thickness, 0.55 * thickness * taper)
    return bar(top, foot, thickness, thickness, taper)


def caster(top: Vector, height: float) -> Node:
    """A wheel below its stem, together `height` high."""
    x, y, z = top
    radius = 0.3 * height
    return node(
        "caster",
        leaf("wheel", wheel((x, y - height + radius, z), radius, radius)),
        leaf("caster_stem", rod((x, y - height + 1.8 * radius, z), (x, y, z), 0.6 * radius)),
    )


def star_legs(draw: Draw, count: int, reach: float, hub_height: float, thickness: float, casters: float) -> list[Node]:
    """`count` legs from a hub at `hub_height` outwards; `casters` is the height of the wheels under them, 0 = none."""
    low = casters + 0.5 * thickness
    droop = draw.between(0.3, 1.0) * (hub_height - low)
    end = (reach, hub_height - droop, 0.0)
    legs = [leaf("leg", bar((0.0, hub_height, 0.0), end, thickness, thickness, draw.between(0.5, 0.9), side=Z))]
    if casters:
        legs.append(caster((0.94 * reach, end[1], 0.0), end[1]))
    return around(count, legs, start=draw.between(0.0, 360.0 / count))


def handle(center: Vector, length: float, kind: str, upright: bool = False, thickness: float | None = None) -> Solid:
    """Handle on a face that looks to +z: a "knob", a "bar" on two posts, or a "bow"."""
    thick = 0.2 * length if thickness is None else thickness
    depth = max(0.25 * min(length, 0.4), 1.2 * thick)
    if kind == "knob":
        body = rod((0, 0, 0), (0, 0, 0.3 * length), 0.16 * length, 0.26 * length)
    elif kind == "bar":
        posts = [box((s * 0.4 * length, 0, 0.5 * depth), (0.7 * thick, 0.7 * thick, depth)) for s in (-1, 1)]
        body = (*posts[0], *posts[1], *box((0, 0, 1.1 * depth), (length, thick, thick)))
    else:
        half = 0.5 * length
        path = bezier((-half, 0, 0), (-half, 0, 1.5 * depth), (half, 0, 1.5 * depth), (half, 0, 0))
        body = tube(path, 0.55 * thick)
    return moved(body, shift(*center).after(turn(Z, 90.0 if upright else 0.0)))


def drawer(draw: Draw, width: float, height: float, depth: float, handle_kind: str, pulled: float = 0.0) -> Node:
    """Drawer whose front stands out from the plane z = 0 about the origin; `pulled` moves it out, depth 0 = no box."""
    wall, front = draw.between(0.02, 0.035), draw.between(0.06, 0.09)
    half, low, high = 0.5 * width, -0.5 * height, 0.5 * height
    inner, rim = 0.92 * half, high - 0.25 * height
    parts = [leaf("drawer_front", block((-half, half), (low, high), (0, front)))]
    if depth:
        side = block((inner - wall, inner), (low + 2 * wall, rim), (wall - depth, 0))
        parts += [
            leaf("drawer_bottom", block((-inner, inner), (low + wall, low + 2 * wall), (-depth, 0))),
            leaf("drawer_back", block((-inner, inner), (low + 2 * wall, rim), (-depth, wall - depth))),
            mirrored(leaf("drawer_side", side)),
        ]
    size = min(0.6 * width, 0.34)
    handles = [leaf("handle", handle((0, 0, front), size, handle_kind))] if handle_kind else []
    return node("drawer", node("drawer_box", parts), handles).moved(shift(z=pulled))


def door(width: float, height: float, handle_kind: str, hinges: bool = False, opened: float = 0.0) -> Node:
    """Cabinet door with its hinge edge at the origin's left, looking to +z; `opened` in degrees."""
    wall = 0.03
    parts = [leaf("cabinet_door_surface", block((0, width), (-0.5 * height, 0.5 * height), (0, wall)))]
    if handle_kind:
        parts.append(leaf("handle", handle((0.85 * width, 0, wall), min(0.45 * height, 0.36), handle_kind, True)))
    if hinges:
        barrel = rod((0, -0.12, wall), (0, 0.12, wall), 0.06)
        parts += [leaf("hinge", moved(barrel, shift(y=s * 0.35 * height))) for s in (-1, 1)]
    return node("cabinet_door", parts).moved(turn(Y, -opened))


def foot_pads(draw: Draw, spots: list[tuple[float, float]], height: float, width: float) -> list[Node]:
    """Short feet between the floor and `height` at each (x, z)."""
    round_feet = draw.chance(0.5)
    taper = draw.between(0.6, 1.0)
    feet = []
    for x, z in spots:
        top, low = (x, height, z), (x, 0.0, z)
        solid = rod(top, low, 0.5 * width, 0.5 * width * taper) if round_feet else bar(top, low, width, width, taper)
        feet.append(leaf("foot", solid))
    return feet


def spread(low: float, high: float, count: int) -> np.ndarray:
    """Middles of `count` equal cells between two ends."""
    return low + (high - low) * (np.arange(count) + 0.5) / count


def square(half_width: float, half_depth: float) -> list[tuple[float, float]]:
    """The four corners (x, z) of a rectangle about the origin."""
    return [(x, z) for x in (-half_width, half_width) for z in (-half_depth, half_depth)]
