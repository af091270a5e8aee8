"""What recurs in rooms: chairs around a table, a desk with its chair, books, small things, pictures."""

import numpy as np

from instance_seg.procedural.rooms import fixtures, furniture
from instance_seg.procedural.rooms.pieces import Piece
from instance_seg.procedural.rooms.plan import Plan


def facing_out(yaw: float) -> np.ndarray:
    """Where the front of a piece turned by `yaw` degrees looks to, [2]."""
    return np.array([np.sin(np.radians(yaw)), -np.cos(np.radians(yaw))])


def chairs_around(plan: Plan, table: Piece, make: Piece, share: float = 0.9, gap: float = 0.03) -> list[Piece]:
    """Equal chairs along the sides of a table, each looking at it; `share` of the seats are taken."""
    low, high = table.box[:, :2]
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    found = []
    for yaw, side in ((180.0, (0.0, -1.0)), (0.0, (0.0, 1.0)), (90.0, (-1.0, 0.0)), (270.0, (1.0, 0.0))):
        side, axis = np.array(side), 0 if side[0] == 0 else 1
        width, depth = make.size[0], make.size[1]
        count = int(2.0 * half[axis] / max(width, 0.55) + 0.15) if half[axis] > 0.4 else int(plan.draw.chance(0.6))
        for place in (np.arange(count) + 0.5) / max(count, 1) * 2.0 - 1.0:
            if not plan.draw.chance(share):
                continue
            at = middle + side * (half[1 - axis] + 0.5 * depth + gap + plan.draw.between(0.0, 0.08))
            at[axis] = middle[axis] + place * half[axis]
            found.append(plan.place(make, at, yaw))
    return [chair for chair in found if chair is not None]


def desk_with_chair(plan: Plan, desk: Piece, yaw: float, chair: Piece) -> None:
    """A chair before a desk, looking at it, and things on the desk."""
    out = facing_out(yaw)
    middle = desk.box.mean(axis=0)[:2]
    reach = 0.5 * abs(out @ desk.size[:2]) + 0.5 * chair.size[1] + plan.draw.between(0.02, 0.15)
    plan.place(chair, middle + out * reach, yaw + 180.0)
    draw = plan.draw
    if draw.chance(0.8):
        plan.on_top(furniture.screen(draw, "monitor", draw.between(0.45, 0.6)), desk, yaw, at=-0.75 * out)
        plan.on_top(furniture.small(draw, "Keyboard", "keyboard", "dark", width=0.42), desk, yaw, at=0.5 * out)
    else:
        plan.on_top(furniture.small(draw, "Laptop", "laptop", "metal", width=0.34), desk, yaw, at=0.2 * out)
    if draw.chance(0.4):
        plan.on_top(furniture.lamp(draw, draw.between(0.35, 0.5)), desk)


def books_on(plan: Plan, support: Piece) -> None:
    """Equal volumes side by side along the longer side of a top."""
    volumes = furniture.books(plan.draw, plan.draw.count(3, 9))
    yaw = 0.0 if support.size[0] > support.size[1] else 90.0
    first = plan.on_top(volumes[0], support, yaw)
    for volume in volumes[1:] if first else []:
        step = np.array([volumes[0].size[0], 0.0]) if yaw == 0.0 else np.array([0.0, volumes[0].size[0]])
        at = first.box.mean(axis=0)[:2] + step
        if np.any(at + 0.5 * first.size[:2] > support.box[1, :2]):
            return
        placed = plan.place(volume, at, yaw, support.box[1, 2])
        if placed is None:
            return
        first = placed


def trinkets(plan: Plan, support: Piece, count: int) -> None:
    """Small things on a top."""
    for _ in range(count):
        category, label, material, height = plan.draw.pick(
            [
                ("Vase", "vase", "bright", 0.25),
                ("Bowl", "bowl", "bright", 0.1),
                ("Mug", "mug", "white", 0.1),
                ("Bottle", "bottle", "bright", 0.26),
                ("Clock", "clock", "wood", 0.25),
            ]  # fmt: skip
        )
        plan.on_top(furniture.small(plan.draw, category, label, material, height=height), support)


def decorate(plan: Plan, pictures: int) -> None:
    """Pictures on the walls, a radiator, a bin, a box."""
    draw = plan.draw
    for _ in range(pictures):
        piece = fixtures.picture(draw)
        plan.along_wall(piece, gap=0.004, height=draw.between(1.25, 1.7) - 0.4 * piece.size[2])
    if draw.chance(0.4):
        plan.along_wall(fixtures.radiator(draw), gap=0.03)
    if draw.chance(0.6):
        plan.along_wall(
            furniture.small(draw, "TrashCan", "trash can", "metal", height=draw.between(0.3, 0.6)), gap=0.02
        )
    if draw.chance(0.5):
        plan.along_wall(fixtures.carton(draw), gap=0.02)


def dining(plan: Plan) -> None:
    """A table with chairs around it."""
    draw = plan.draw
    table = plan.in_the_open(furniture.table(draw, draw.between(1.1, 1.9), draw.between(0.8, 1.0)), margin=0.6)
    if table is not None:
        chairs_around(plan, table, furniture.chair(draw))
        trinkets(plan, table, draw.count(0, 3))
