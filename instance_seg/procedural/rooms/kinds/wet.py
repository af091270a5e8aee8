"""Kitchens and bathrooms."""

import numpy as np

from instance_seg.procedural.rooms import fixtures, furniture
from instance_seg.procedural.rooms.kinds.habits import chairs_around, decorate, dining, trinkets
from instance_seg.procedural.rooms.pieces import Piece, color
from instance_seg.procedural.rooms.plan import Plan, Wall

RIM = 0.86  # height of the underside of a counter, meters


def kitchen(plan: Plan) -> None:
    """Cabinets in a row with a sink among them, counters on them, others over them; refrigerator, table and chairs."""
    draw = plan.draw
    top = next(filter(None, (kitchen_run(plan) for _ in range(12))), None)
    plan.along_wall(fixtures.refrigerator(draw), gap=0.02, tries=30)
    if top is not None:
        trinkets(plan, top, draw.count(0, 3))
        if draw.chance(0.6):
            wide = {"height": draw.between(0.24, 0.3)}
            plan.on_top(furniture.small(draw, "Microwave", "microwave", "metal", **wide), top)
    if draw.chance(0.7):
        dining(plan)
    else:
        small = plan.in_the_open(furniture.table(draw, 0.8, 0.8), margin=0.5)
        if small is not None:
            chairs_around(plan, small, furniture.chair(draw))
    plan.fill([furniture.cabinet(draw), furniture.shelf(draw)], 0.4)
    decorate(plan, draw.count(0, 2))


def kitchen_run(plan: Plan) -> Piece | None:
    """One row of cabinets along a wall; the longer counter, or None if the row does not fit."""
    draw, wall = plan.draw, plan.draw.pick(plan.walls)
    wide, basin, deep = draw.between(0.42, 0.62), draw.between(0.55, 0.75), 0.61
    count = min(draw.count(3, 7), int((wall.length - basin) / wide))
    if count < 2:
        return None
    start = draw.between(0.0, wall.length - basin - count * wide)
    before = draw.count(0, count)  # cabinets left of the sink
    body, metal, stone = (
        color(draw, "white", "wood", "paint"),
        color(draw, "metal"),
        color(draw, "white", "dark", "wood"),
    )
    low = fixtures.base_cabinet(draw, wide, RIM, body, metal)
    under = fixtures.base_cabinet(draw, basin, 0.66, body, metal)
    sink = fixtures.sink(draw, basin, 0.6, RIM + 0.04 - 0.66)

    def at(along: float, piece: Piece) -> np.ndarray:
        return wall.at(along, 0.5 * piece.size[1] + 0.005)

    ends = start + wide * np.arange(before), start + basin + wide * np.arange(before, count)
    lows = [(low, at(end + 0.5 * wide, low), wall.yaw, 0.0) for side in ends for end in side]
    middle = start + before * wide + 0.5 * basin
    placements = [*lows, (under, at(middle, under), wall.yaw, 0.0), (sink, at(middle, sink), wall.yaw, 0.66)]
    tops = []
    for side in filter(len, ends):
        slab = fixtures.counter(wide * len(side), deep + 0.02, stone)
        tops.append((slab, at(side[0] + 0.5 * wide * len(side), slab), wall.yaw, RIM))
    placed = plan.place_all(placements + tops)
    if not placed:
        return None
    over_cabinets(plan, wall, start, wide, count, fixtures.base_cabinet(draw, wide, 0.65, body, metal, hung=True))
    return max(placed[len(placements) :], key=lambda piece: piece.size[:2].max())


def over_cabinets(plan: Plan, wall: Wall, start: float, wide: float, count: int, hung: Piece) -> None:
    """As many cabinets over a row of others as fit there, from its left end."""
    height = plan.draw.between(1.42, 1.52)
    for i in range(count):
        plan.place(hung, wall.at(start + (i + 0.5) * wide, 0.5 * hung.size[1]), wall.yaw, height)


def bathroom(plan: Plan) -> None:
    """Bathtub with its curtain, toilet, sink, mirror, towels."""
    draw = plan.draw
    curtain = draw.chance(0.8)
    next((i for i in range(30) if tub_corner(plan, curtain and i < 20)), None)
    plan.along_wall(fixtures.toilet(draw), gap=0.01, tries=40)
    washing(plan)
    plan.fill([fixtures.towel(draw) for _ in range(2)], 0.7, gap=0.0, height=draw.between(0.9, 1.2))
    plan.fill([furniture.cabinet(draw)], 0.4)
    low, deep = draw.between(0.6, 0.9), draw.between(0.4, 0.6)
    plan.in_the_open(fixtures.rug(draw, low, deep), margin=0.02)
    decorate(plan, draw.count(0, 1))


def tub_corner(plan: Plan, curtain: bool) -> bool:
    """A bathtub in a corner, perhaps behind a shower curtain; False if it does not fit."""
    draw, wall = plan.draw, plan.draw.pick(plan.walls)
    length = min(draw.between(1.4, 1.75), wall.length)
    tub = fixtures.bathtub(draw, length)
    along, depth = draw.pick([0.5 * length, wall.length - 0.5 * length]), tub.size[1]
    placements = [(tub, wall.at(along, 0.5 * depth), wall.yaw, 0.0)]
    if curtain:
        cloth = fixtures.shower_curtain(draw, length, draw.between(0.4, 1.0), plan.size[2])
        placements.append((cloth, wall.at(along, depth + 0.01 + 0.5 * cloth.size[1]), wall.yaw, 0.0))
    return bool(plan.place_all(placements))


def washing(plan: Plan) -> None:
    """A sink on a column or on a cabinet, with a mirror over it."""
    draw = plan.draw
    for _ in range(20):
        wall = draw.pick(plan.walls)
        wide, deep = draw.between(0.5, 0.8), draw.between(0.45, 0.55)
        if wall.length < wide:
            continue
        along = draw.between(0.5 * wide, wall.length - 0.5 * wide)
        if draw.chance(0.5):
            column = fixtures.pedestal_sink(draw)
            placed = plan.place_all([(column, wall.at(along, 0.5 * column.size[1] + 0.005), wall.yaw, 0.0)])
        else:
            body = fixtures.base_cabinet(draw, wide, 0.68, color(draw, "white", "wood"), color(draw, "metal"))
            sink = fixtures.sink(draw, wide, deep, 0.17)
            pairs = ((body, 0.0), (sink, 0.68))
            placed = plan.place_all(
                [(each, wall.at(along, 0.5 * each.size[1] + 0.005), wall.yaw, height) for each, height in pairs]
            )
        if placed:
            glass = (draw.between(0.6, 0.75), draw.between(0.7, 0.8), 0.8)
            mirror = fixtures.board("mirror", glass, draw.between(0.4, 0.7), draw.between(0.5, 0.8))
            plan.along_wall(mirror, wall, along, gap=0.005, height=1.2)
            return
