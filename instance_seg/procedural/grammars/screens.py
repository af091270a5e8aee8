"""Displays, laptops, keyboards. The user looks from +z."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Y, shift, turn
from instance_seg.procedural.nodes import Node, at_each, leaf, mirrored, node
from instance_seg.procedural.solids import Solid, bar, block, box, disc, lathe, moved, oval, plate, rectangle, rod


def upright(outline: np.ndarray, thickness: float) -> Solid:
    """A plate that stands about the origin and looks to +z."""
    return moved(plate(outline, (-0.5 * thickness, 0.5 * thickness)), turn(X, 90.0))


# Display


def display(draw: Draw) -> Node:
    """A monitor on one column, a television on two short posts or feet, a board on tall legs."""
    w, h = draw.between(0.8, 1.1), draw.between(0.4, 0.7)
    screen = leaf("display_screen", *screen_solids(draw, w, h))
    style = draw.pick([on_column, on_two_posts, on_stand], [0.5, 0.25, 0.25])
    gap, base = style(draw, w)
    lean = turn(X, -draw.between(0.0, 12.0))
    return node("display", screen.moved(lean).moved(shift(y=gap + h)), node("base/surface_base", base))


def screen_solids(draw: Draw, w: float, h: float) -> list[Solid]:
    """Flat panel, with a hump behind in some as old tubes had it."""
    thickness = draw.between(0.05, 0.1)
    outline = draw.pick([rectangle(2 * w, 2 * h), oval(2 * w, 2 * h, 10.0)])
    solids = [upright(outline, thickness)]
    if draw.chance(0.3):
        depth = draw.between(0.2, 0.5)
        hump = moved(plate(rectangle(1.6 * w, 1.6 * h), (0.0, depth), taper=0.6), turn(X, -90.0))
        solids.append(moved(hump, shift(z=-0.5 * thickness)))
    return solids


def on_column(draw: Draw, w: float) -> tuple[float, list[Node]]:
    """A plate with one column behind the screen's middle."""
    gap, z, size = draw.between(0.12, 0.35), -draw.between(0.08, 0.14), draw.between(0.3, 0.5)
    outline = draw.pick(
        [oval(2 * size, 1.3 * size, 2.0), rectangle(2 * size, 1.2 * size), oval(2 * size, 2 * size, 2.0)]
    )
    foot = leaf("surface", plate(outline, (0.0, 0.05), taper=draw.between(0.8, 1.0)))
    column = bar((0, 0.05, z), (0, gap + 0.3, z), draw.between(0.12, 0.3), 0.07)
    if draw.chance(0.4):
        column = rod((0, 0.05, z), (0, gap + 0.3, z), draw.between(0.05, 0.08))
    return gap, [foot, leaf("base_support", column)]


def on_two_posts(draw: Draw, w: float) -> tuple[float, list[Node]]:
    """Two posts, each on a foot of its own or both on one wide plate."""
    gap, x = draw.between(0.08, 0.2), draw.between(0.4, 0.75) * w
    post = leaf("base_support", bar((x, 0.04, -0.07), (x, gap + 0.15, -0.07), 0.1, 0.06))
    if draw.chance(0.5):
        foot = mirrored(leaf("surface", block((x - 0.06, x + 0.06), (0, 0.05), (-0.35, 0.3))))
    else:
        foot = [leaf("surface", block((-x - 0.15, x + 0.15), (0, 0.05), (-0.3, 0.25)))]
    return gap, [mirrored(post), foot]


def on_stand(draw: Draw, w: float) -> tuple[float, list[Node]]:
    """A cone that carries the screen."""
    gap, radius = draw.between(0.15, 0.4), draw.between(0.3, 0.45)
    cone = lathe([(0.5 * radius, 0.05), (0.08, gap + 0.05), (0.0, gap + 0.05)], (0, 0, -0.05))
    return gap, [leaf("surface", disc((0, 0, -0.05), radius, 0.05)), leaf("base_support", cone)]


# Laptop


def laptop(draw: Draw) -> Node:
    """Open at some angle; hinged along the edge, or a screen that turns on a middle hinge."""
    w, d = draw.between(0.7, 0.95), draw.between(0.45, 0.6)
    thickness, corner = draw.between(0.05, 0.1), draw.pick([12.0, 40.0])
    base = [plate(oval(2 * w, 2 * d, corner), (-thickness, 0.0))]
    lid = moved(plate(oval(2 * w, 2 * d * draw.between(0.9, 1.0), corner), (0.0, 0.7 * thickness)), shift(z=d))
    angle = draw.between(85.0, 140.0) if draw.chance(0.8) else draw.between(20.0, 60.0)
    lid = moved(lid, turn(X, -angle))
    if draw.chance(0.25):  # convertible
        base.append(rod((0, 0, -d), (0, 0.08, -d), 0.12))
        lid = moved(moved(lid, turn(Y, draw.between(-60.0, 60.0))), shift(y=0.08))
    else:
        base += [rod((s * w - 0.12, 0, -d), (s * w + 0.12, 0, -d), 0.4 * thickness) for s in (-0.7, 0.7)]
    return node("laptop", leaf("base_side", *base), leaf("screen_side", moved(lid, shift(z=-d))))


# Keyboard


def keyboard(draw: Draw) -> Node:
    """Rows of keys on a plate: compact, full with a block of numbers, or split in two halves."""
    style = draw.pick(["compact", "full", "split"], [0.4, 0.35, 0.25])
    pitch, rows = 0.2, draw.count(4, 6)
    cap = draw.between(0.72, 0.86) * pitch
    tall, thickness = draw.between(0.03, 0.09), draw.between(0.05, 0.1)
    size = (cap, tall, cap)
    depth = (rows + 0.5) * pitch
    tilt = turn(X, draw.between(0.0, 8.0))
    if style == "split":
        half = draw.count(5, 6)
        keys = key_block(half, rows, pitch, size)
        side = (
            node("half", keys)
            .moved(turn(Y, -draw.between(5.0, 18.0)))
            .moved(shift(x=0.5 * half * pitch + draw.between(0.2, 0.35)))
        )
        found = [*side.children, *mirrored(list(side.children))[len(side.children) :]]
        board = plate(oval(2 * half * pitch + 1.0, depth + 0.7, 5.0), (-thickness, 0.0))
    else:
        columns = draw.count(10, 13)
        gap = 0.6 * pitch
        wide = columns * pitch + (4 * pitch + gap if style == "full" else 0.0)
        found = key_block(columns, rows, pitch, size, space=True)
        found = at_each([(0.5 * (columns * pitch - wide), 0, 0)], found)
        if style == "full":
            found += at_each([(0.5 * (wide - 4 * pitch), 0, 0)], key_block(4, rows, pitch, size))
        board = plate(oval(wide + 0.2, depth, 14.0), (-thickness, 0.0))
    return node("keyboard", leaf("frame", board), found).moved(tilt)


def key_block(
    columns: int, rows: int, pitch: float, size: tuple[float, float, float], space: bool = False
) -> list[Node]:
    """Keys in a grid about the origin; with `space`, one long key stands in the middle of the front row."""
    width, tall, depth = size
    x, z = (np.arange(columns) - 0.5 * (columns - 1)) * pitch, (np.arange(rows) - 0.5 * (rows - 1)) * pitch
    keys = []
    for row, far in enumerate(z):
        long = columns // 2 if space and row == rows - 1 else 0
        start = (columns - long) // 2
        places = [place for column, place in enumerate(x) if not start <= column < start + long]
        keys += [leaf("key", box((place, 0.5 * tall, far), (width, tall, depth))) for place in places]
        if long:
            middle = x[start : start + long].mean()
            keys.append(leaf("key", box((middle, 0.5 * tall, far), (long * pitch - pitch + width, tall, depth))))
    return keys
