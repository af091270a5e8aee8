"""Furniture in meters: the grammars of PartNet's categories in the sizes of a home, and sofas and bookshelves."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars import GRAMMARS
from instance_seg.procedural.grammars.bed import bunk, cot, four_poster, platform
from instance_seg.procedural.grammars.desk import desk as desk_grammar
from instance_seg.procedural.grammars.dining_chair import dining_chair
from instance_seg.procedural.grammars.lounge_chair import lounge_chair, sofa
from instance_seg.procedural.grammars.office_chair import office_chair as office_chair_grammar
from instance_seg.procedural.grammars.regular_table import legged_table, pedestal_table, star_table
from instance_seg.procedural.grammars.standing_lamp import table_lamp
from instance_seg.procedural.grammars.storage_furniture import cabinet as doored
from instance_seg.procedural.grammars.storage_furniture import dresser as drawered
from instance_seg.procedural.grammars.storage_furniture import rack
from instance_seg.procedural.nodes import node
from instance_seg.procedural.rooms.pieces import Color, Piece, color, piece_of, solid_piece
from instance_seg.procedural.solids import block

# Seats


def chair(draw: Draw) -> Piece:
    """A dining chair; wood, or a seat of cloth or plastic on wood or metal."""
    seat = color(draw, "wood", "fabric", "bright")
    frame = seat if draw.chance(0.4) else color(draw, "wood", "metal", "dark")
    return piece_of("chair", node("chair", dining_chair(draw)), seat, frame).scaled(height=draw.between(0.8, 1.0))


def office_chair(draw: Draw) -> Piece:
    """A chair on a star with casters."""
    root = node("chair", office_chair_grammar(draw))
    piece = piece_of("office chair", root, color(draw, "fabric", "dark"), color(draw, "dark", "metal"))
    return piece.scaled(height=draw.between(0.9, 1.15), width=draw.between(0.58, 0.68), depth=draw.between(0.58, 0.68))


def armchair(draw: Draw) -> Piece:
    """A small sofa for one, or a shell on a pedestal."""
    parts = draw.pick([sofa, lounge_chair], [0.7, 0.3])(draw)
    root = node("chair", [part for part in parts if isinstance(part, list) or part.name != "footrest"])
    piece = piece_of("armchair", root, color(draw, "fabric"), color(draw, "wood", "metal"))
    return piece.scaled(width=draw.between(0.7, 0.95), depth=draw.between(0.75, 0.9), height=draw.between(0.75, 0.95))


def couch(draw: Draw) -> Piece:
    """Two to four cushions between arms, against a back with as many."""
    seats, arm, foot = draw.count(2, 4), draw.between(0.1, 0.24), draw.between(0.0, 0.12)
    width, depth, top = seats * draw.between(0.5, 0.66), draw.between(0.78, 0.95), draw.between(0.4, 0.48)
    height, arm_top, back = draw.between(0.72, 0.92), top + draw.between(0.1, 0.25), draw.between(0.16, 0.26)
    cloth, half = color(draw, "fabric"), 0.5 * width
    darker = tuple(0.85 * channel for channel in cloth)
    low = block((-half - arm, half + arm), (foot, 0.6 * top), (-0.5 * depth, 0.5 * depth))
    rear = block((-half, half), (0.6 * top, height - 0.06), (-0.5 * depth, -0.5 * depth + 0.6 * back))
    parts = [(low, darker), (rear, darker)]
    for side in (-1, 1):
        outer = sorted((side * half, side * (half + arm)))
        parts.append((block(outer, (0.6 * top, arm_top), (-0.5 * depth, 0.5 * depth)), cloth))
        leg = sorted((side * half, side * (half + 0.05)))
        for z in (-0.4 * depth, 0.4 * depth):
            parts.append((block(leg, (0.0, foot), (z - 0.03, z + 0.03)), (0.2, 0.15, 0.1)))
    edges = np.linspace(-half, half, seats + 1)
    for left, right in zip(edges, edges[1:]):
        inner = (left + 0.008, right - 0.008)
        parts.append((block(inner, (0.6 * top, top), (-0.5 * depth + 0.5 * back, 0.5 * depth + 0.02)), cloth))
        parts.append((block(inner, (top, height), (-0.5 * depth + 0.3 * back, -0.5 * depth + back)), cloth))
    return solid_piece("couch", *parts).scaled()


# Tables


def table(draw: Draw, width: float, depth: float) -> Piece:
    """A dining or meeting table of this size."""
    style = draw.pick([legged_table, pedestal_table, star_table], [0.7, 0.2, 0.1])
    piece = piece_of("table", style(draw), color(draw, "wood", "white"), color(draw, "wood", "metal", "dark"))
    return piece.scaled(width, depth, draw.between(0.71, 0.78))


def coffee_table(draw: Draw) -> Piece:
    """A low table."""
    style = draw.pick([legged_table, pedestal_table], [0.8, 0.2])
    piece = piece_of("coffee table", style(draw), color(draw, "wood", "white", "dark"), color(draw, "wood", "metal"))
    return piece.scaled(draw.between(0.7, 1.2), draw.between(0.45, 0.65), draw.between(0.36, 0.48))


def desk(draw: Draw, width: float | None = None) -> Piece:
    """A top on cabinets, or on legs."""
    style = draw.pick([desk_grammar, legged_table], [0.7, 0.3])
    piece = piece_of("desk", style(draw), color(draw, "wood", "white"), color(draw, "metal", "wood", "dark"))
    return piece.scaled(width or draw.between(1.1, 1.6), draw.between(0.6, 0.78), draw.between(0.71, 0.77))


# Storage


def storage(draw: Draw, label: str, style, width: float, depth: float, height: float) -> Piece:
    """A piece of storage furniture of one style of the grammar, in this size."""
    root = node("cabinet", style(draw))
    return piece_of(label, root, color(draw, "wood", "white"), color(draw, "metal", "wood")).scaled(
        width, depth, height
    )


def cabinet(draw: Draw) -> Piece:
    """A sideboard or a filing cabinet."""
    size = (draw.between(0.45, 1.2), draw.between(0.38, 0.55), draw.between(0.65, 1.3))
    return storage(draw, "cabinet", doored, *size)


def tv_stand(draw: Draw) -> Piece:
    """Low and wide."""
    size = (draw.between(1.1, 1.7), draw.between(0.38, 0.46), draw.between(0.4, 0.6))
    return storage(draw, "cabinet", doored, *size)


def wardrobe(draw: Draw) -> Piece:
    """Tall, with doors."""
    size = (draw.between(0.7, 1.1), draw.between(0.52, 0.62), draw.between(1.8, 2.1))
    return storage(draw, "wardrobe", doored, *size)


def dresser(draw: Draw) -> Piece:
    """Drawers in the height of a hip."""
    size = (draw.between(0.8, 1.4), draw.between(0.42, 0.52), draw.between(0.75, 1.0))
    return storage(draw, "dresser", drawered, *size)


def nightstand(draw: Draw) -> Piece:
    """A small box of drawers beside a bed."""
    size = (draw.between(0.4, 0.55), draw.between(0.36, 0.45), draw.between(0.45, 0.62))
    return storage(draw, "nightstand", drawered, *size)


def shelf(draw: Draw) -> Piece:
    """An open rack."""
    size = (draw.between(0.7, 1.1), draw.between(0.32, 0.45), draw.between(1.2, 1.9))
    return storage(draw, "shelf", rack, *size)


def bookshelf(draw: Draw, width: float | None = None, height: float | None = None) -> Piece:
    """Open boards with books on them."""
    half, high = 0.5 * (width or draw.between(0.7, 1.0)), height or draw.between(1.2, 2.1)
    depth, sheet = draw.between(0.26, 0.36), 0.03
    board = color(draw, "wood", "white")
    levels = np.linspace(0.06, high - sheet, max(3, round(high / draw.between(0.32, 0.4))) + 1)
    parts = [(block((-half, half), (0.0, high), (-0.5 * depth, -0.5 * depth + 0.02)), board)]
    for side in (-half, half - sheet):
        parts.append((block((side, side + sheet), (0.0, high), (-0.5 * depth, 0.5 * depth)), board))
    for level in levels:
        parts.append((block((-half, half), (level, level + sheet), (-0.5 * depth, 0.5 * depth)), board))
    for low, top in zip(levels, levels[1:]):
        parts += _books(draw, (-half + sheet, half - sheet), low + sheet, top, depth)
    return solid_piece("bookshelf", *parts).scaled()


def _books(draw: Draw, x: tuple[float, float], low: float, high: float, depth: float) -> list[tuple[tuple, Color]]:
    """Books of several colors side by side on one board, to the end of it or less far."""
    books, left, end = [], x[0], x[0] + (x[1] - x[0]) * draw.pick([0.0, 0.5, 0.8, 1.0], [0.1, 0.2, 0.3, 0.4])
    while left < end - 0.1:
        wide = min(draw.between(0.03, 0.09), end - left)
        top = low + draw.between(0.55, 0.9) * (high - low)
        front = draw.between(0.2, 0.45) * depth
        books.append((block((left, left + wide), (low, top), (-0.5 * depth + 0.02, front)), color(draw, "bright")))
        left += wide
    return books


# Beds


def sleeping(draw: Draw) -> Piece:
    """A bed for one or two, for a child, or one above another."""
    style = draw.pick([platform, four_poster, cot, bunk], [0.62, 0.13, 0.1, 0.15])
    heights = {platform: (0.8, 1.1), four_poster: (1.5, 1.9), cot: (0.9, 1.1), bunk: (1.5, 1.75)}
    wide = {platform: (0.95, 1.85), four_poster: (1.4, 1.8), cot: (0.7, 0.8), bunk: (0.95, 1.1)}
    root = node("bed", style(draw))
    piece = piece_of("bed", root, color(draw, "fabric", "white"), color(draw, "wood", "white", "dark"))
    length = draw.between(1.2, 1.4) if style is cot else draw.between(1.95, 2.15)
    return piece.scaled(draw.between(*wide[style]), length, draw.between(*heights[style]))


# Things on tables, walls and the floor


def small(draw: Draw, category: str, label: str, material: str, **size: float) -> Piece:
    """A thing of one of PartNet's categories."""
    return piece_of(label, GRAMMARS[category](draw), color(draw, material), color(draw, material)).scaled(**size)


def lamp(draw: Draw, height: float) -> Piece:
    """A shade on a foot."""
    piece = piece_of("lamp", table_lamp(draw), color(draw, "white"), color(draw, "metal", "wood", "dark"))
    across = draw.between(0.25, 0.4)
    return piece.scaled(across, across, height)


def screen(draw: Draw, label: str, width: float) -> Piece:
    """A television or a monitor."""
    piece = piece_of(label, GRAMMARS["Display"](draw), color(draw, "dark"), color(draw, "dark", "metal"))
    return piece.scaled(width, 0.2, 0.7 * width)


def books(draw: Draw, count: int) -> list[Piece]:
    """Equal volumes, to stand side by side."""
    high, deep, wide = draw.between(0.2, 0.3), draw.between(0.14, 0.22), draw.between(0.05, 0.09)
    body = block((-0.5 * wide, 0.5 * wide), (0.0, high), (-0.5 * deep, 0.5 * deep))
    return [solid_piece("book", (body, color(draw, "bright"))).scaled() for _ in range(count)]
