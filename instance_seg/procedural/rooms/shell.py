"""Walls with their openings, floor and ceiling as pieces; doors and windows put into the openings."""

import numpy as np

from instance_seg.procedural.rooms.fixtures import door, hanging, pillar, window
from instance_seg.procedural.rooms.pieces import Color, Piece, color
from instance_seg.procedural.rooms.plan import Plan, Wall

TILE_SIZES = {"plank": (0.14, 1.2), "tile": (0.33, 0.33), "carpet": None, "plain": None}


def rectangles(cuts_x: np.ndarray, cuts_y: np.ndarray, holes: list[tuple[float, float, float, float]]) -> np.ndarray:
    """The cells of a grid whose middles lie in no hole (x0, x1, y0, y1): corners [R, 4, 2], counter-clockwise."""
    x0, y0 = (grid.ravel() for grid in np.meshgrid(cuts_x[:-1], cuts_y[:-1]))
    x1, y1 = (grid.ravel() for grid in np.meshgrid(cuts_x[1:], cuts_y[1:]))
    x, y = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    solid = np.ones(len(x), bool)
    for left, right, low, high in holes:
        solid &= ~((x > left) & (x < right) & (y > low) & (y < high))
    cells = np.stack([np.stack(corner, axis=1) for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1)
    return cells[solid]


def flat_piece(label: str, cells: np.ndarray, colors: np.ndarray) -> Piece:
    """Quads [R, 4, 3] as a piece, one color [R, 3] each."""
    corners = np.concatenate([cells[:, [0, 1, 2]], cells[:, [0, 2, 3]]])
    return Piece(label, corners, np.concatenate([colors, colors]))


def floor_of(plan: Plan) -> Piece:
    """Planks or tiles, or one color."""
    draw, (w, d) = plan.draw, plan.size[:2]
    kind = draw.pick(list(TILE_SIZES))
    tile = TILE_SIZES[kind] or (0.5, 0.5)
    holes = [] if plan.notch is None else [(*plan.notch[:, 0], *plan.notch[:, 1])]
    cuts_x, cuts_y = np.arange(0.0, w, tile[0]), np.arange(0.0, d, tile[1])
    if plan.notch is not None:
        cuts_x, cuts_y = np.union1d(cuts_x, plan.notch[:, 0]), np.union1d(cuts_y, plan.notch[:, 1])
    cells = rectangles(np.union1d(cuts_x, [w]), np.union1d(cuts_y, [d]), holes)
    material = {"plank": "wood", "tile": "paint", "carpet": "fabric", "plain": "paint"}[kind]
    varied = 0.0 if TILE_SIZES[kind] is None else draw.between(0.03, 0.1)
    shade = 1.0 + varied * draw.rng.uniform(-1.0, 1.0, (len(cells), 1))
    colors = np.clip(np.array(color(draw, material)) * shade, 0.0, 1.0)
    return flat_piece("floor", np.concatenate([cells, np.zeros((*cells.shape[:2], 1))], axis=2), colors)


def ceiling_of(plan: Plan) -> Piece:
    """One surface at the height of the room."""
    w, d, height = plan.size
    holes = [] if plan.notch is None else [(*plan.notch[:, 0], *plan.notch[:, 1])]
    cuts = [
        np.array([0.0, end]) if plan.notch is None else np.union1d([0.0, end], plan.notch[:, axis])
        for axis, end in enumerate((w, d))
    ]
    cells = rectangles(*cuts, holes)[:, ::-1]
    cells = np.concatenate([cells, np.full((*cells.shape[:2], 1), height)], axis=2)
    return flat_piece("ceiling", cells, np.tile(color(plan.draw, "white"), (len(cells), 1)))


def wall_of(plan: Plan, index: int, paint: Color) -> Piece:
    """One wall without its openings, with a darker skirting board."""
    wall, height = plan.walls[index], plan.size[2]
    holes = [opening[1:] for opening in plan.openings if opening[0] == index]
    cuts_x = np.unique([0.0, wall.length, *(end for hole in holes for end in hole[:2])])
    cuts_y = np.unique([0.0, 0.08, height, *(end for hole in holes for end in hole[2:])])
    cells = rectangles(cuts_x, cuts_y, holes)[:, ::-1]  # seen from inside
    cells = np.stack([wall.start[0] + cells[..., 0] * wall.along[0], wall.start[1] + cells[..., 0] * wall.along[1],
                      cells[..., 1]], axis=2)  # fmt: skip
    skirting = cells[..., 2].max(axis=1) <= 0.08
    return flat_piece("wall", cells, np.where(skirting[:, None], 0.75, 1.0) * np.asarray(paint))


def add_opening(plan: Plan, piece: Piece, low: float, tries: int = 15) -> Wall | None:
    """Puts a door or window into some wall, clear of other openings and of what stands there."""
    width, height = piece.size[0], piece.size[2]
    for _ in range(tries):
        index = plan.draw.count(0, len(plan.walls) - 1)
        wall = plan.walls[index]
        if wall.length < width + 0.3:
            continue
        middle = plan.draw.between(0.15 + 0.5 * width, wall.length - 0.15 - 0.5 * width)
        span = (middle - 0.5 * width, middle + 0.5 * width)
        if any(i == index and left < span[1] + 0.1 and span[0] - 0.1 < right for i, left, right, *_ in plan.openings):
            continue
        plan.openings.append((index, *span, low, low + height))
        plan.pieces.append(piece.moved(wall.yaw, (*wall.at(middle, 0.0), low)))
        return wall
    return None


def open_walls(plan: Plan, doors: int, windows: int, curtains: float) -> None:
    """Doors with free floor before them, and windows, some between curtains."""
    draw = plan.draw
    high = draw.between(2.0, 2.15)
    for _ in range(doors):
        wide = draw.pick([draw.between(0.85, 1.0), draw.between(1.5, 1.8)], [0.85, 0.15])
        wall = add_opening(plan, door(draw, wide, high), 0.0)
        if wall is not None:
            _, left, right, *_ = plan.openings[-1]
            plan.block([*wall.at(left, 0.0), 0.0], [*wall.at(right, 0.9), 2.2])
    sill, top = draw.between(0.8, 1.1), plan.size[2] - draw.between(0.25, 0.45)
    sill = draw.pick([sill, 0.3], [0.85, 0.15])
    cloth = color(draw, "fabric", "paint")
    for _ in range(windows):
        wall = add_opening(plan, window(draw, draw.between(0.8, 2.0), top - sill), sill)
        if wall is None:
            continue
        _, left, right, *_ = plan.openings[-1]
        width, low = draw.between(0.35, 0.6), draw.pick([0.06, max(0.06, sill - 0.2)])
        for middle in (left - 0.1, right + 0.1) if draw.chance(curtains) else ():
            piece = hanging("curtain", cloth, width, low, min(top + 0.12, plan.size[2] - 0.05), draw.between(0.1, 0.16))
            plan.along_wall(piece, wall, middle, gap=0.06)
        plan.block([*wall.at(left, 0.0), sill], [*wall.at(right, 0.4), top])

    if draw.chance(0.2):
        wide = draw.between(0.25, 0.45)
        plan.along_wall(pillar("column", wide, wide, plan.size[2], color(draw, "paint")))


def add_beam(plan: Plan) -> None:
    """A beam under the ceiling from wall to wall, in some rooms, where nothing is in its way."""
    if plan.draw.chance(0.5):
        deep = plan.draw.between(0.15, 0.2)
        beam = pillar("beam", plan.size[0], plan.draw.between(0.2, 0.35), deep, color(plan.draw, "paint"))
        at = (0.5 * plan.size[0], plan.draw.between(0.3, 0.7) * plan.size[1])
        plan.place(beam, at, height=plan.size[2] - deep)


def shell_of(plan: Plan, ceiling: bool) -> list[Piece]:
    """Floor, walls, and the ceiling if it is wanted."""
    paint = color(plan.draw, "paint")
    accent = color(plan.draw, "paint", "fabric") if plan.draw.chance(0.25) else paint
    walls = [wall_of(plan, i, accent if i == 0 else paint) for i in range(len(plan.walls))]
    return [floor_of(plan), *walls, *([ceiling_of(plan)] if ceiling else [])]
