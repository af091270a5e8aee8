"""Tables on four legs, on a star, on a pedestal."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, Z
from instance_seg.procedural.grammars.fittings import caster, foot_pads, post, square, star_legs
from instance_seg.procedural.grammars.tabletop import Top, tabletop
from instance_seg.procedural.nodes import Node, corners, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bar,
    block,
    lathe,
    plate,
    rectangle,
    ring,
    rod,
)


def legged_table(draw: Draw) -> Node:
    """Four legs; stretchers, runners, feet or casters."""
    top = Top(draw.between(0.6, 1.1), draw.between(0.4, 0.65), draw.between(0.5, 1.1), draw.between(0.05, 0.09))
    thickness = draw.between(0.08, 0.13)
    rounded, splay = draw.chance(0.2), draw.between(0.0, 0.08)
    inset = 0.66 if rounded else 0.92  # legs stay under a round top
    x, z = inset * top.w - 0.5 * thickness, inset * top.d - 0.5 * thickness
    ending = draw.pick(["none", "foot", "runner", "caster"], [0.35, 0.22, 0.2, 0.23])
    lift = {"none": 0.0, "foot": 0.07, "runner": 0.06, "caster": 0.22}[ending]
    parts = [corners(leaf("leg", post(draw, (x, top.y, z), (x + splay, lift, z + splay), thickness)))]
    if ending == "foot":
        parts += foot_pads(draw, square(x + splay, z + splay), lift, 1.5 * thickness)
    elif ending == "runner":
        parts += mirrored(leaf("runner", block((x + splay - 0.06, x + splay + 0.06), (0, lift), (-z - 0.12, z + 0.12))))
    elif ending == "caster":
        parts += corners(caster((x + splay, lift, z + splay), lift))
    link = draw.pick(["none", "bars", "ring"], [0.35, 0.35, 0.3])
    parts += table_stretchers(draw, link, x, z, lift + draw.between(0.2, 0.35) * top.y)
    if draw.chance(0.25):
        plates = block((x - 0.1, x + 0.1), (top.y - 0.07, top.y), (z - 0.1, z + 0.1))
        parts += corners(leaf("tabletop_connector", plates))
    surface = tabletop(draw, top, round_share=float(rounded), flaps=0.0 if rounded else 0.35)
    return node("regular_table", surface, node("table_base/regular_leg_base", parts))


def table_stretchers(draw: Draw, link: str, x: float, z: float, y: float) -> list[Node]:
    """Bars between the legs, or a ring with spokes to them, at height `y`."""
    if link == "none":
        return []
    if link == "ring":
        radius = draw.between(0.55, 0.75) * z
        spokes = [
            rod((s * x, y, t * z), (s * 0.7 * radius, y, t * 0.7 * radius), 0.03) for s in (-1, 1) for t in (-1, 1)
        ]
        return [leaf("circular_stretcher", ring((0, y, 0), radius, 0.04))] + [
            leaf("bar_stretcher", spoke) for spoke in spokes
        ]
    sides = mirrored(leaf("bar_stretcher", bar((x, y, -z), (x, y, z), 0.06, 0.06)))
    if draw.chance(0.5):
        return sides + [leaf("bar_stretcher", bar((-x, y, 0), (x, y, 0), 0.06, 0.06, side=Z))]
    return sides + mirrored(leaf("bar_stretcher", bar((-x, y, z), (x, y, z), 0.06, 0.06, side=Z)), frame=MIRROR_Z)


def round_top(draw: Draw) -> Top:
    radius = draw.between(0.5, 0.75)
    return Top(radius, radius, draw.between(0.8, 1.1), draw.between(0.05, 0.09))


def star_table(draw: Draw) -> Node:
    """A column on three to six legs that point outwards."""
    top = round_top(draw)
    hub, thickness = draw.between(0.12, 0.3), draw.between(0.07, 0.11)
    base = node(
        "table_base/star_leg_base",
        node("star_leg_set", star_legs(draw, draw.count(3, 6), 0.85 * top.w, hub, thickness, 0.0)),
        leaf("central_support", rod((0, hub - 0.08, 0), (0, top.y, 0), draw.between(0.06, 0.1))),
    )
    return node("regular_table", tabletop(draw, top, round_share=0.8, flaps=0.0), base)


def pedestal_table(draw: Draw) -> Node:
    """A column on a plate."""
    top = round_top(draw)
    radius, rise = draw.between(0.3, 0.5), draw.between(0.04, 0.2)
    column, parts = draw.between(0.06, 0.14), []
    if draw.chance(0.5):
        parts.append(leaf("pedestal", lathe([(0, 0), (radius, 0), (radius, 0.03), (column, rise), (0, rise)])))
    else:
        parts.append(
            leaf("pedestal", plate(rectangle(1.7 * radius, 1.7 * radius), (0, rise), taper=draw.between(0.6, 1.0)))
        )
    reach = top.y
    if draw.chance(0.5):
        reach = top.y - 0.08
        parts.append(leaf("tabletop_connector", plate(rectangle(0.5, 0.5), (reach, top.y), taper=1.3)))
    parts.append(leaf("central_support", rod((0, rise, 0), (0, reach, 0), column, draw.pick([1.0, 0.6]) * column)))
    return node(
        "regular_table", tabletop(draw, top, round_share=0.8, flaps=0.0), node("table_base/pedestal_base", parts)
    )
