"""Living rooms, bedrooms, offices, class rooms, meeting rooms, libraries."""

import numpy as np

from instance_seg.procedural.rooms import fixtures, furniture
from instance_seg.procedural.rooms.kinds.habits import (
    books_on,
    chairs_around,
    decorate,
    desk_with_chair,
    dining,
    trinkets,
)
from instance_seg.procedural.rooms.pieces import Piece
from instance_seg.procedural.rooms.plan import Plan


def living_room(plan: Plan) -> None:
    """Sofa, low table, television, armchairs, shelves; a dining table if there is room."""
    draw = plan.draw
    found = next(filter(None, (plan.along_wall(furniture.couch(draw), gap=0.03, tries=20) for _ in range(3))), None)
    if found:
        couch, wall = found
        table = furniture.coffee_table(draw)
        at = couch.box.mean(axis=0)[:2] + wall.inward * (
            0.5 * abs(wall.inward @ couch.size[:2]) + 0.5 * table.size[1] + draw.between(0.3, 0.45)
        )
        placed = plan.place(table, at, wall.yaw)
        if placed is not None:
            trinkets(plan, placed, draw.count(0, 2))
        chair = furniture.armchair(draw)
        for side in (-1, 1):
            step = side * wall.along * (0.5 * max(table.size[0], 1.2) + chair.size[1] + 0.35)
            if draw.chance(0.6):
                plan.place(chair, at + step, (wall.yaw + (270.0 if side < 0 else 90.0)) % 360)
    next(filter(None, (television(plan) for _ in range(20))), None)
    shelf = furniture.bookshelf(draw)
    plan.row(shelf, draw.count(2, 4)) if draw.chance(0.6) else plan.along_wall(shelf)
    if plan.size[:2].prod() > 20.0:
        dining(plan)
    plan.fill([furniture.dresser(draw), furniture.shelf(draw), furniture.armchair(draw)], 0.4)
    if draw.chance(0.6):
        plan.along_wall(furniture.lamp(draw, draw.between(1.4, 1.7)), gap=0.02)
    decorate(plan, draw.count(1, 4))


def television(plan: Plan) -> list[Piece]:
    """A screen on a low cabinet at some wall; nothing if they do not fit there."""
    draw, wall = plan.draw, plan.draw.pick(plan.walls)
    stand, tv = furniture.tv_stand(draw), furniture.screen(draw, "tv", draw.between(0.7, 1.05))
    wide, deep, high = stand.size
    at = wall.at(draw.between(0.5 * wide, max(0.5 * wide, wall.length - 0.5 * wide)), 0.5 * deep)
    return plan.place_all([(stand, at, wall.yaw, 0.0), (tv, at, wall.yaw, high)])


def office(plan: Plan) -> None:
    """Desks with their chairs, some in rows; filing cabinets side by side, a whiteboard."""
    draw = plan.draw
    chair = furniture.office_chair(draw)
    if draw.chance(0.5):
        desks = plan.row(furniture.desk(draw), draw.count(2, 3))
        places = [(desk, _yaw_from_wall(plan, desk)) for desk in desks]
    else:
        places = [
            (desk, wall.yaw)
            for desk, wall in filter(None, (plan.along_wall(furniture.desk(draw)) for _ in range(draw.count(1, 3))))
        ]
    for desk, yaw in places:
        desk_with_chair(plan, desk, yaw, chair)
        if draw.chance(0.5):
            books_on(plan, desk)
    plan.row(furniture.cabinet(draw), draw.count(2, 5))
    plan.row(furniture.bookshelf(draw), draw.count(2, 4)) if draw.chance(0.5) else plan.fill(
        [furniture.bookshelf(draw)]
    )
    if draw.chance(0.6):
        plan.along_wall(
            fixtures.board("whiteboard", (0.93, 0.94, 0.95), draw.between(1.2, 2.2), 1.1), gap=0.01, height=0.95
        )
    if plan.size[:2].prod() > 18.0:
        dining(plan)
    plan.fill([furniture.couch(draw), furniture.shelf(draw)], 0.3)
    decorate(plan, draw.count(0, 3))


def _yaw_from_wall(plan: Plan, piece: Piece) -> float:
    """The yaw of a piece that stands with its back to the nearest wall."""
    middle = piece.box.mean(axis=0)[:2]
    distance = [abs((middle - wall.start) @ wall.inward) for wall in plan.walls]
    return plan.walls[int(np.argmin(distance))].yaw


def bedroom(plan: Plan) -> None:
    """A bed with its head to the wall, night stands beside it, wardrobes side by side."""
    draw = plan.draw
    found = plan.along_wall(furniture.sleeping(draw), gap=0.01, tries=40)
    if found:
        bed, wall = found
        stand = furniture.nightstand(draw)
        middle = (bed.box.mean(axis=0)[:2] - wall.start) @ wall.along
        reach = 0.5 * abs(wall.along @ bed.size[:2]) + 0.5 * stand.size[0] + draw.between(0.0, 0.08)
        for side in (-1, 1):
            if not draw.chance(0.8):
                continue
            placed = plan.along_wall(stand, wall, middle + side * reach, gap=0.01)
            if placed and draw.chance(0.7):
                plan.on_top(furniture.lamp(draw, draw.between(0.35, 0.5)), placed[0], at=(0.0, 0.0))
    plan.row(furniture.wardrobe(draw), draw.count(2, 3)) or plan.fill([furniture.wardrobe(draw)])
    dressers = plan.fill([furniture.dresser(draw)], 0.7, gap=0.01)
    for each in dressers:
        books_on(plan, each)
        trinkets(plan, each, draw.count(0, 2))
    if draw.chance(0.5):
        desk = plan.along_wall(furniture.desk(draw))
        if desk:
            desk_with_chair(plan, desk[0], desk[1].yaw, furniture.chair(draw))
    plan.fill([furniture.bookshelf(draw), furniture.armchair(draw)], 0.4)
    plan.in_the_open(fixtures.rug(draw, draw.between(1.0, 1.8), draw.between(0.8, 1.2)), margin=0.05)
    decorate(plan, draw.count(1, 3))


def class_room(plan: Plan) -> None:
    """A whiteboard and desks in rows before it, or rows of chairs that touch."""
    draw = plan.draw
    front = draw.pick(plan.walls)
    board = fixtures.board("whiteboard", (0.93, 0.94, 0.95), draw.between(1.6, 2.6), 1.15)
    plan.along_wall(board, front, gap=0.01, height=0.9)
    depth = float(abs(front.inward @ plan.size[:2]))
    chair = furniture.chair(draw)
    if draw.chance(0.5):
        width, pitch = chair.size[0], chair.size[1] + draw.between(0.25, 0.45)
        count = min(int((front.length - 1.2) / width), 9)
        left = 0.5 * (front.length - (count - 1) * width)
        for inward in np.arange(1.6, depth - 0.5, pitch):
            for i in range(count):
                plan.place(chair, front.at(left + i * width, inward), front.yaw + 180.0)
    else:
        desk = furniture.desk(draw, draw.between(0.75, 1.3))
        group = draw.count(1, 3)  # desks that touch
        columns = max(1, int((front.length - 0.3) / (group * desk.size[0] + 0.6)))
        stride = front.length / columns
        for inward in np.arange(1.7, depth - 0.9, desk.size[1] + chair.size[1] + draw.between(0.35, 0.5)):
            for column in range(columns):
                for i in range(group):
                    at = front.at((column + 0.5) * stride + (i - 0.5 * (group - 1)) * desk.size[0], inward)
                    placed = plan.place(desk, at, front.yaw)
                    if placed is not None:
                        seat = at + front.inward * (0.5 * desk.size[1] + 0.5 * chair.size[1] + draw.between(0.02, 0.12))
                        plan.place(chair, seat, front.yaw + 180.0)
    teacher = furniture.desk(draw, 1.4)
    plan.place(teacher, front.at(draw.between(0.3, 0.7) * front.length, 0.9), (front.yaw + 180.0) % 360)
    plan.row(furniture.bookshelf(draw), draw.count(2, 3)) or plan.fill([furniture.bookshelf(draw)])
    plan.fill([furniture.cabinet(draw), furniture.shelf(draw)], 0.5)
    decorate(plan, draw.count(0, 2))


def meeting_room(plan: Plan) -> None:
    """One large table, chairs around it side by side, a screen or a board."""
    draw = plan.draw
    long = max(1.6, min(plan.size[:2].max() - 2.2, draw.between(1.8, 3.6)))
    table = furniture.table(draw, long, draw.between(0.9, 1.3))
    yaw = 0.0 if plan.size[0] > plan.size[1] else 90.0
    placed = plan.place(table, 0.5 * plan.size[:2], yaw)
    if placed is None:  # the middle is not free
        placed = plan.in_the_open(furniture.table(draw, 1.6, 0.9), margin=0.6, tries=40)
    if placed is not None:
        make = draw.pick([furniture.office_chair, furniture.chair])(draw)
        chairs_around(plan, placed, make, share=draw.pick([0.8, 1.0]))
        plan.on_top(furniture.small(draw, "Laptop", "laptop", "metal", width=0.34), placed)
        trinkets(plan, placed, draw.count(0, 3))
    board = fixtures.board("whiteboard", (0.93, 0.94, 0.95), draw.between(1.4, 2.4), 1.15)
    plan.fill([board], 0.8, gap=0.01, height=0.9)
    plan.row(furniture.cabinet(draw), draw.count(2, 4))
    plan.fill([furniture.couch(draw), furniture.shelf(draw)], 0.3)
    decorate(plan, draw.count(0, 3))


def library(plan: Plan) -> None:
    """Bookshelves in rows along the walls and back to back in the open, a table to read at."""
    draw = plan.draw
    shelf = furniture.bookshelf(draw, draw.between(0.75, 1.0), draw.between(1.5, 2.1))
    for _ in range(draw.count(2, 3)):
        plan.row(shelf, draw.count(3, 6))
    width, depth = shelf.size[:2]
    count = draw.count(2, 3)
    at = plan.size[:2] * draw.rng.uniform(0.35, 0.65, 2)
    steps = [np.array([(i - 0.5 * (count - 1)) * width, side * 0.5 * depth]) for side in (-1, 1) for i in range(count)]
    plan.place_all([(shelf, at + step, 0.0 if step[1] < 0.0 else 180.0, 0.0) for step in steps])
    dining(plan)
    plan.fill([furniture.armchair(draw), furniture.couch(draw), furniture.desk(draw)], 0.4, gap=0.02)
    decorate(plan, draw.count(0, 2))
