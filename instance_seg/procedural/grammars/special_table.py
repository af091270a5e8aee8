"""Picnic, ping-pong and pool tables."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, Z
from instance_seg.procedural.grammars.fittings import post
from instance_seg.procedural.grammars.tabletop import Top
from instance_seg.procedural.nodes import Node, at_each, corners, leaf, mirrored, node
from instance_seg.procedural.solids import (
    ball,
    bar,
    block,
    plate,
    rectangle,
)


def picnic_table(draw: Draw) -> Node:
    """Table and two benches held together by crossbars or trestles."""
    top = Top(draw.between(0.8, 1.1), draw.between(0.35, 0.45), draw.between(0.75, 0.9), 0.06)
    bench_y, bench_z, bench_d = 0.55 * top.y, top.d + draw.between(0.3, 0.45), draw.between(0.12, 0.17)
    x = draw.between(0.55, 0.75) * top.w
    spread_z = draw.between(0.2, 0.5)
    leg = bar((x, top.y, 0.25), (x, 0, 0.25 + spread_z), 0.1, 0.08)
    bench = block((-top.w, top.w), (bench_y, bench_y + 0.06), (bench_z - bench_d, bench_z + bench_d))
    beam = block((x - 0.12, x - 0.06), (bench_y - 0.1, bench_y), (-bench_z - bench_d, bench_z + bench_d))
    board = plate(rectangle(2 * top.w, 2 * top.d), (top.y, top.high))
    return node(
        "picnic_table",
        node(
            "regular_table",
            leaf("tabletop/tabletop_surface", board),
            node("table_base/regular_leg_base", corners(leaf("leg", leg))),
        ),
        mirrored(leaf("bench", bench), frame=MIRROR_Z),
        mirrored(leaf("bench_connector", beam)),
    )


def ping_pong_table(draw: Draw) -> Node:
    """Two halves of the top, a net between them, legs in pairs with stretchers."""
    top = Top(1.2, draw.between(0.6, 0.7), draw.between(0.6, 0.75), 0.05)
    half = block((0.01, top.w), (top.y, top.high), (-top.d, top.d))
    net = block((-0.015, 0.015), (top.high, top.high + draw.between(0.14, 0.2)), (-top.d - 0.12, top.d + 0.12))
    x, z = draw.between(0.6, 0.85) * top.w, 0.8 * top.d
    legs = corners(leaf("leg", post(draw, (x, top.y, z), (x, 0, z), draw.between(0.08, 0.11))))
    y = draw.between(0.2, 0.5) * top.y
    braces = mirrored(leaf("bar_stretcher", bar((x, y, -z), (x, y, z), 0.06, 0.06)))
    if draw.chance(0.4):
        braces.append(leaf("bar_stretcher", bar((-x, y, 0), (x, y, 0), 0.06, 0.06, side=Z)))
    return node(
        "game_table/ping_pong_table",
        leaf("ping_pong_net", net),
        node("tabletop", mirrored(leaf("tabletop_surface", half))),
        node("table_base/regular_leg_base", legs, braces),
    )


def pool_table(draw: Draw) -> Node:
    """A cloth between six rails, balls on it, four or six heavy legs."""
    top = Top(1.1, draw.between(0.55, 0.65), draw.between(0.55, 0.75), 0.12)
    rim, high = draw.between(0.09, 0.13), top.high + 0.07
    cloth = block((-top.w, top.w), (top.y, top.high), (-top.d, top.d))
    long = leaf("bar", block((0.06, top.w - 0.04), (top.high - 0.05, high), (top.d, top.d + rim)))
    short = leaf("bar", block((top.w, top.w + rim), (top.high - 0.05, high), (-top.d + 0.04, top.d - 0.04)))
    thickness = draw.between(0.14, 0.2)
    x, z = top.w - 0.12, top.d - 0.1
    legs = corners(leaf("leg", post(draw, (x, top.y, z), (x, 0, z), thickness)))
    if draw.chance(0.3):
        legs += mirrored(leaf("leg", post(draw, (0, top.y, z), (0, 0, z), thickness)), frame=MIRROR_Z)
    spots = [
        (draw.between(-0.8, 0.8) * top.w, top.high + 0.06, draw.between(-0.75, 0.75) * top.d)
        for _ in range(draw.count(2, 6))
    ]
    return node(
        "game_table/pool_table",
        at_each(spots, leaf("pool_ball", ball((0, 0, 0), 0.06))),
        node("tabletop", leaf("tabletop_surface", cloth), node("tabletop_frame", corners(long), mirrored(short))),
        node("table_base/regular_leg_base", legs),
    )
