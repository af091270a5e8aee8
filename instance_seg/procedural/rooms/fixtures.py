"""What is fixed to a building: doors, windows, curtains, pictures, the fittings of kitchens and bathrooms."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars import GRAMMARS
from instance_seg.procedural.grammars.faucet import basin_faucet
from instance_seg.procedural.rooms.pieces import Color, Piece, color, piece_of, solid_piece
from instance_seg.procedural.solids import Solid, ball, block, box, disc, oval, panel, plate, rectangle, rod

# In and on walls


def frame_of(half: float, high: float, thick: float, z: tuple[float, float]) -> Solid:
    """Two posts, a lintel and a sill around an opening from y = 0 to `high`."""
    posts = [block(sorted((s * half, s * (half - thick))), (0.0, high), z) for s in (-1, 1)]
    bars = [block((-half + thick, half - thick), y, z) for y in ((0.0, thick), (high - thick, high))]
    return tuple(surface for solid in (*posts, *bars) for surface in solid)


def window(draw: Draw, width: float, height: float) -> Piece:
    """A frame with panes and mullions; most of it lies in the wall."""
    half, paint = 0.5 * width, color(draw, "white", "wood", "metal")
    parts = [(frame_of(half, height, 0.06, (-0.1, 0.02)), paint)]
    for x in np.linspace(-half, half, draw.count(2, 4))[1:-1]:
        parts.append((block((x - 0.025, x + 0.025), (0.06, height - 0.06), (-0.07, 0.0)), paint))
    glass = (draw.between(0.55, 0.8), draw.between(0.7, 0.85), draw.between(0.8, 0.95))
    parts.append((block((-half + 0.06, half - 0.06), (0.06, height - 0.06), (-0.06, -0.05)), glass))
    return solid_piece("window", *parts)


def door(draw: Draw, width: float, height: float) -> Piece:
    """A leaf with panels and a handle in its frame."""
    half = 0.5 * width
    leaf_color = color(draw, "wood", "white", "paint")
    parts = [(frame_of(half, height, 0.07, (-0.12, 0.02)), color(draw, "wood", "white", "metal"))]
    inner = (-half + 0.07, half - 0.07)
    parts.append((block(inner, (0.01, height - 0.07), (-0.07, -0.03)), leaf_color))
    raised = tuple(0.9 * channel for channel in leaf_color)
    for low, high in draw.pick([[], [(0.15, 0.9), (1.05, height - 0.25)], [(0.2, height - 0.3)]]):
        parts.append((block((inner[0] + 0.12, inner[1] - 0.12), (low, high), (-0.03, -0.01)), raised))
    x = draw.pick([-1, 1]) * (half - 0.15)
    parts.append((box((x, 1.0, 0.0), (0.13, 0.04, 0.05)), color(draw, "metal")))
    return solid_piece("door", *parts)


def hanging(label: str, cloth: Color, width: float, low: float, high: float, folds: float) -> Piece:
    """Cloth in folds from a rod at height `high` down to `low`."""
    x = np.linspace(-0.5 * width, 0.5 * width, max(8, int(width / 0.025)))
    path = np.stack([x, 0.03 * np.sin(2.0 * np.pi * x / folds)], axis=1)
    bar = rod((-0.5 * width, high, 0.0), (0.5 * width, high, 0.0), 0.015)
    piece = solid_piece(label, (panel(path, (low, high), 0.012), cloth), (bar, (0.6, 0.6, 0.62)))
    return piece.scaled()


def shower_curtain(draw: Draw, length: float, share: float, ceiling: float) -> Piece:
    """A curtain over part of a rod that hangs from the ceiling."""
    high, cloth = draw.between(1.9, 2.05), color(draw, "paint", "fabric", "bright")
    side, lowest, folds = draw.pick([-1, 1]), draw.between(0.15, 0.35), draw.between(0.1, 0.2)
    curtain = hanging("shower curtain", cloth, share * length - 0.03, lowest, high, folds)
    low = curtain.box[0, 2] + high - curtain.box[1, 2]
    curtain = curtain.moved(0.0, (side * 0.5 * (1.0 - share) * length, 0.0, low))
    half, metal = 0.5 * length, (0.65, 0.66, 0.68)
    bar = rod((-half, high, 0.0), (half, high, 0.0), 0.015)
    posts = [rod((s * 0.9 * half, high, 0.0), (s * 0.9 * half, ceiling, 0.0), 0.012) for s in (-1, 1)]
    return curtain.joined(solid_piece("shower curtain", *((part, metal) for part in (bar, *posts))))


def picture(draw: Draw) -> Piece:
    """A frame around a canvas of a few colored fields."""
    width, height = draw.between(0.3, 1.1), draw.between(0.3, 0.8)
    half = 0.5 * width
    parts = [(block((-half, half), (0.0, height), (-0.02, 0.01)), color(draw, "dark", "wood", "white"))]
    edges = np.linspace(-half + 0.04, half - 0.04, draw.count(2, 4))
    middle = height * draw.between(0.35, 0.65)
    for left, right in zip(edges, edges[1:]):
        for y in ((0.04, middle), (middle, height - 0.04)):
            parts.append((block((left, right), y, (0.01, 0.016)), color(draw, "bright", "paint", "fabric")))
    return solid_piece("picture", *parts).scaled()


def board(label: str, face: Color, width: float, height: float) -> Piece:
    """A flat board in a thin metal frame: a whiteboard, a mirror."""
    half = 0.5 * width
    rim = block((-half, half), (0.0, height), (-0.015, 0.01))
    field = block((-half + 0.03, half - 0.03), (0.03, height - 0.03), (0.01, 0.015))
    return solid_piece(label, (rim, (0.6, 0.6, 0.62)), (field, face)).scaled()


def pillar(label: str, width: float, depth: float, height: float, paint: Color) -> Piece:
    """A part of the building: a column, a beam."""
    body = block((-0.5 * width, 0.5 * width), (0.0, height), (-0.5 * depth, 0.5 * depth))
    return solid_piece(label, (body, paint)).scaled()


def radiator(draw: Draw) -> Piece:
    """Upright ribs, a hand above the floor on two feet."""
    half, high = draw.between(0.35, 0.7), draw.between(0.45, 0.65)
    paint, parts = color(draw, "white"), []
    for x in np.arange(-half, half - 0.03, 0.08):
        parts.append((block((x, x + 0.055), (0.1, high), (-0.06, 0.06)), paint))
    parts.append((block((-half, half), (0.14, 0.2), (-0.03, 0.03)), paint))
    parts += [
        (block((s * 0.7 * half - 0.03, s * 0.7 * half + 0.03), (0.0, 0.12), (-0.04, 0.04)), paint) for s in (-1, 1)
    ]
    return solid_piece("radiator", *parts).scaled()


# Kitchen


def base_cabinet(draw: Draw, width: float, height: float, body: Color, metal: Color, hung: bool = False) -> Piece:
    """A box with one or two doors or drawers and a plinth; hung on a wall it has none."""
    half, front, low = 0.5 * width, 0.3 if not hung else 0.17, 0.0 if hung else 0.09
    parts = [(block((-half, half), (low, height), (-front, front - 0.02)), tuple(0.9 * c for c in body))]
    if not hung:
        parts.append((block((-half, half), (0.0, low), (-front, front - 0.08)), (0.2, 0.2, 0.2)))
    drawers = draw.chance(0.3) and not hung
    rows = np.linspace(low, height, 4 if drawers else 2)
    columns = np.linspace(-half, half, 2 if drawers or width < 0.5 else 3)
    for bottom, top in zip(rows, rows[1:]):
        for left, right in zip(columns, columns[1:]):
            parts.append(
                (block((left + 0.008, right - 0.008), (bottom + 0.008, top - 0.008), (front - 0.02, front)), body)
            )
            grip = (0.5 * (left + right), top - 0.07 if not hung else bottom + 0.07, front + 0.012)
            parts.append((box(grip, (0.14, 0.02, 0.025)), metal))
    return solid_piece("kitchen cabinet", *parts).scaled()


def counter(width: float, depth: float, stone: Color) -> Piece:
    """A slab that lies on cabinets, with a strip against the wall."""
    half = 0.5 * width
    slab = block((-half, half), (0.0, 0.04), (-0.5 * depth, 0.5 * depth))
    strip = block((-half, half), (0.04, 0.12), (-0.5 * depth, -0.5 * depth + 0.02))
    return solid_piece("counter", (slab, stone), (strip, stone)).scaled()


def basin(half: float, depth: float, height: float, wall: float) -> Solid:
    """A rectangular vessel, open above."""
    ring = plate(rectangle(2 * half, depth), (0.0, height), rectangle(2 * (half - wall), depth - 2 * wall))
    floor = block((-half + wall, half - wall), (0.0, 0.03), (-0.5 * depth + wall, 0.5 * depth - wall))
    return (*ring, *floor)


def sink(draw: Draw, width: float, depth: float, height: float) -> Piece:
    """A basin with a faucet at its rear edge."""
    body = solid_piece("sink", (basin(0.5 * width, depth, height, 0.035), color(draw, "white", "metal")))
    spout = piece_of("sink", basin_faucet(draw), color(draw, "metal")).scaled(height=draw.between(0.2, 0.32))
    spout = spout.moved(0.0, (0.0, 0.5 * depth - 0.5 * spout.size[1] - 0.005, height - 0.02))
    return body.joined(spout).scaled()


def refrigerator(draw: Draw) -> Piece:
    """One of the grammar, in white or steel."""
    shade = color(draw, "white", "metal")
    piece = piece_of("refrigerator", GRAMMARS["Refrigerator"](draw), shade, shade)
    return piece.scaled(draw.between(0.6, 0.9), draw.between(0.62, 0.8), draw.between(1.45, 1.9))


# Bathroom


def toilet(draw: Draw) -> Piece:
    """A bowl on a foot, a seat and a lid, a tank behind."""
    china, half, length = color(draw, "white"), draw.between(0.18, 0.21), draw.between(0.44, 0.52)
    rim = draw.between(0.38, 0.43)
    outline = oval(2 * half, length, 2.4)
    middle = np.array([0.0, -0.06])
    parts = [
        (plate(0.72 * outline + middle, (0.0, 0.6 * rim)), china),
        (plate(0.75 * outline + middle, (0.55 * rim, rim), taper=1.33), china),
        (plate(1.02 * outline + 1.3 * middle, (rim, rim + 0.035)), color(draw, "white")),
    ]
    rear, tank = -0.5 * length + 0.05, draw.between(0.68, 0.8)
    parts.append((block((-half - 0.02, half + 0.02), (rim - 0.03, tank), (rear - 0.17, rear)), china))
    parts.append((block((-half - 0.03, half + 0.03), (tank, tank + 0.03), (rear - 0.175, rear + 0.01)), china))
    if draw.chance(0.4):  # the lid is up
        lid = block((-half, half), (rim + 0.03, rim + 0.4), (rear, rear + 0.03))
        parts.append((lid, china))
    else:
        parts.append((plate(outline + 1.3 * middle, (rim + 0.035, rim + 0.06)), china))
    return solid_piece("toilet", *parts).scaled()


def pedestal_sink(draw: Draw) -> Piece:
    """A basin on a column."""
    high = draw.between(0.8, 0.88)
    bowl = sink(draw, draw.between(0.48, 0.62), draw.between(0.4, 0.5), 0.16).moved(0.0, (0.0, 0.0, high - 0.16))
    column = solid_piece("sink", (disc((0.0, 0.0, 0.0), 0.1, high - 0.14), color(draw, "white")))
    return bowl.joined(column).scaled()


def bathtub(draw: Draw, length: float) -> Piece:
    """A tub against the wall; its inside is rounded, its outside a box."""
    depth, high, china = draw.between(0.68, 0.78), draw.between(0.5, 0.6), color(draw, "white")
    hole = oval(length - 0.14, depth - 0.14, 5.0)
    outer = hole / np.max(np.abs(hole) / (0.5 * np.array([length, depth])), axis=1, keepdims=True)  # onto the box
    body = plate(outer, (0.0, high), hole)
    floor = plate(oval(length - 0.14, depth - 0.14, 5.0), (0.1, 0.12))
    tap = box((-0.5 * length + 0.1, high + 0.06, 0.0), (0.1, 0.1, 0.12))
    return solid_piece("bathtub", (body, china), (floor, china), (tap, color(draw, "metal"))).scaled()


def towel(draw: Draw) -> Piece:
    """Cloth over a rail on the wall."""
    half, cloth = draw.between(0.2, 0.35), color(draw, "fabric", "bright", "white")
    sheet = block((-0.85 * half, 0.85 * half), (0.0, draw.between(0.4, 0.6)), (-0.03, 0.03))
    top = max(point for point in (surface.corners[..., 1].max() for surface in sheet))
    rail = block((-half, half), (top - 0.01, top + 0.01), (-0.05, 0.01))
    return solid_piece("towel", (sheet, cloth), (rail, (0.7, 0.7, 0.72))).scaled()


def rug(draw: Draw, width: float, depth: float) -> Piece:
    """Cloth on the floor."""
    half, deep = 0.5 * width, 0.5 * depth
    border = block((-half, half), (0.0, 0.012), (-deep, deep))
    field = block((-half + 0.12, half - 0.12), (0.012, 0.016), (-deep + 0.12, deep - 0.12))
    return solid_piece("mat", (border, color(draw, "fabric")), (field, color(draw, "fabric", "bright"))).scaled()


def carton(draw: Draw) -> Piece:
    """A box of cardboard, a bag."""
    label, material = draw.pick([("box", "wood"), ("backpack", "fabric"), ("ottoman", "fabric")])
    size = draw.rng.uniform(0.28, 0.5, 3)
    body = block(*((-0.5 * s, 0.5 * s) for s in size))
    rounded = ball((0.0, 0.0, 0.0), 0.55 * size)
    return solid_piece(label, (rounded if label == "backpack" else body, color(draw, material))).scaled()
