"""Storage furniture: cabinets and dressers with drawers and doors, bookcases, open racks of bars and shelves.

Units: about half a meter; the floor is y = 0, the front looks to +z.
"""

from dataclasses import dataclass

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, shift
from instance_seg.procedural.grammars.fittings import caster, door, drawer, foot_pads, spread, square
from instance_seg.procedural.nodes import Node, at_each, corners, leaf, mirrored, node
from instance_seg.procedural.solids import bar, block

HANDLES = ("knob", "bar", "bow", "")


@dataclass(frozen=True)
class Carcass:
    """Outer sizes of the box, and the sheets it is made of."""

    w: float  # half the width
    d: float  # half the depth
    low: float  # height of the underside
    high: float
    sheet: float  # thickness of a panel


@dataclass(frozen=True)
class Cell:
    """The room between two upright panels."""

    left: float
    right: float
    low: float
    high: float
    d: float  # half the depth
    sheet: float

    @property
    def width(self) -> float:
        return self.right - self.left

    def part(self, low_share: float, high_share: float) -> "Cell":
        """The cell between two shares of its height."""
        height = self.high - self.low
        return Cell(
            self.left, self.right, self.low + low_share * height, self.low + high_share * height, self.d, self.sheet
        )


def storage_furniture(draw: Draw) -> Node:
    """One piece of one of four styles."""
    style = draw.pick([cabinet, dresser, bookcase, rack], [0.4, 0.2, 0.2, 0.2])
    return node("storage_furniture/cabinet", style(draw))


# Boxes: cabinet, dresser, bookcase


def cabinet(draw: Draw) -> list[Node]:
    """Doors and drawers side by side or one above the other."""
    columns = draw.pick([1, 2, 3], [0.3, 0.5, 0.2])
    size = (draw.between(0.4, 0.55) * columns + 0.1, draw.between(0.8, 1.7))
    kinds, weights = (doors, drawers, drawers_over_doors, shelves), (0.5, 0.2, 0.2, 0.1)
    fills = [draw.pick(kinds, weights)] * columns
    if draw.chance(0.4):
        fills = [draw.pick(kinds, weights) for _ in range(columns)]
    return boxed(draw, size, fills, front_share=0.3)


def dresser(draw: Draw) -> list[Node]:
    """Nothing but drawers in one or two columns."""
    columns = draw.count(1, 2)
    return boxed(
        draw, (draw.between(0.5, 0.65) * columns, draw.between(0.9, 1.4)), [drawers] * columns, front_share=0.3
    )


def bookcase(draw: Draw) -> list[Node]:
    """Open shelves, in some the lowest part closed by doors."""
    columns = draw.count(1, 3)
    fill = draw.pick([shelves, shelves_over_doors], [0.6, 0.4])
    return boxed(
        draw, (draw.between(0.35, 0.5) * columns + 0.1, draw.between(1.5, 2.2)), [fill] * columns, front_share=0.15
    )


def boxed(draw: Draw, size: tuple[float, float], fills: list, front_share: float) -> list[Node]:
    """A carcass on its base, divided into a column for each fill."""
    width, height = size
    base, low = BASES[draw.pick(list(BASES), [0.4, 0.2, 0.2, 0.2])]
    body = Carcass(0.5 * width, draw.between(0.3, 0.45), low, low + height, draw.between(0.035, 0.05))
    front = draw.between(0.12, 0.18) if draw.chance(front_share) else 0.0
    edges = np.linspace(-body.w + body.sheet, body.w - body.sheet, len(fills) + 1)
    handles = draw.pick(HANDLES, [0.35, 0.35, 0.2, 0.1])
    bottom, top = body.low + body.sheet + front, body.high - body.sheet
    cells = [
        Cell(left + 0.5 * body.sheet, right - 0.5 * body.sheet, bottom, top, body.d, body.sheet)
        for left, right in zip(edges, edges[1:])
    ]
    contents = [part for fill, cell in zip(fills, cells) for part in fill(draw, cell, handles)]
    return [frame(body, edges[1:-1], front), countertop(draw, body), base(draw, body), contents]


def frame(body: Carcass, dividers: np.ndarray, front: float) -> Node:
    """The panels of the box, the dividers at `dividers`, a strip of height `front` below the fronts."""
    w, d, sheet = body.w, body.d, body.sheet
    inner, y = (-w + sheet, w - sheet), (body.low, body.high)
    parts = [
        mirrored(leaf("vertical_side_panel", block((w - sheet, w), y, (-d, d)))),
        leaf("back_panel", block(inner, y, (-d, -d + 0.6 * sheet))),
        leaf("top_panel", block(inner, (body.high - sheet, body.high), (-d, d))),
        leaf("bottom_panel", block(inner, (body.low, body.low + sheet), (-d, d))),
    ]
    middle = (body.low + sheet, body.high - sheet)
    for x in dividers:
        parts.append(leaf("vertical_divider_panel", block((x - 0.5 * sheet, x + 0.5 * sheet), middle, (-d + sheet, d))))
    if front:
        strip = block(inner, (body.low + sheet, body.low + sheet + front), (d - sheet, d))
        parts.append(leaf("vertical_front_panel", strip))
    return node("cabinet_frame", parts)


def countertop(draw: Draw, body: Carcass) -> Node | None:
    """A board that juts out over the top of a low piece."""
    if body.high > 1.5 or not draw.chance(0.45):
        return None
    over = draw.between(0.03, 0.1)
    return leaf(
        "countertop", block((-body.w - over, body.w + over), (body.high, body.high + 0.07), (-body.d, body.d + over))
    )


def on_feet(draw: Draw, body: Carcass) -> Node:
    """Four feet."""
    spots = square(body.w - 0.08, body.d - 0.08)
    return node("cabinet_base/foot_base", foot_pads(draw, spots, body.low, draw.between(0.12, 0.18)))


def on_casters(draw: Draw, body: Carcass) -> Node:
    """Four casters."""
    wheel = caster((body.w - 0.11, body.low, body.d - 0.12), body.low)
    return node("cabinet_base/foot_base", corners(wheel))


def on_panels(draw: Draw, body: Carcass) -> Node:
    """A plinth: two or four upright boards, and in some a board below them."""
    inset, sheet = draw.between(0.02, 0.08), 0.08
    x, z, floor = body.w - inset, body.d - inset, 0.0
    parts = []
    if draw.chance(0.6):
        floor = 0.05
        parts.append(leaf("bottom_panel", block((-x, x), (0.0, floor), (-z, z))))
    parts += mirrored(leaf("base_side_panel", block((x - sheet, x), (floor, body.low), (-z, z))))
    front = leaf("base_side_panel", block((-x + sheet, x - sheet), (floor, body.low), (z - sheet, z)))
    parts += mirrored(front, frame=MIRROR_Z) if draw.chance(0.6) else []
    return node("cabinet_base/panel_base", parts)


def on_floor(draw: Draw, body: Carcass) -> None:
    """No base."""
    return None


BASES = {"feet": (on_feet, 0.22), "casters": (on_casters, 0.26), "panels": (on_panels, 0.26), "floor": (on_floor, 0.0)}


# What fills a cell


def drawers(draw: Draw, cell: Cell, handles: str) -> list[Node]:
    """As many drawers as fit, up to five, one above the other; a few are pulled out.

    A drawer with a box is six or seven parts: no more than four to a cell, so that a cabinet stays within sixty.
    """
    depth = 1.7 * cell.d if draw.chance(0.35) else 0.0  # most have no box
    count = max(1, min(4 if depth else 5, round((cell.high - cell.low) / draw.between(0.22, 0.4))))
    pitch = (cell.high - cell.low) / count
    pulled = [draw.between(0.1, 0.3) if draw.chance(0.12) else 0.0 for _ in range(count)]
    middle = 0.5 * (cell.left + cell.right)
    return [
        drawer(draw, 0.94 * cell.width, 0.84 * pitch, depth, handles, out).moved(shift(middle, y, cell.d))
        for y, out in zip(spread(cell.low, cell.high, count), pulled)
    ]


def doors(draw: Draw, cell: Cell, handles: str) -> list[Node]:
    """One door, or two that meet in the middle, and up to two shelves behind."""
    height, y, z = 0.97 * (cell.high - cell.low), 0.5 * (cell.low + cell.high), cell.d - 0.06  # inset
    hinges = draw.chance(0.5)
    opened = draw.between(20.0, 80.0) if draw.chance(0.15) else 0.0
    behind = [shelf(cell, y) for y in np.linspace(cell.low, cell.high, draw.count(2, 4))[1:-1]]
    if cell.width < 0.55 and draw.chance(0.7):
        return [door(cell.width, height, handles, hinges, opened).moved(shift(cell.left, y, z))] + behind
    half = door(0.49 * cell.width, height, handles, hinges, opened).moved(shift(-0.5 * cell.width, 0.0, 0.0))
    return at_each([(0.5 * (cell.left + cell.right), y, z)], mirrored(half)) + behind


def shelf(cell: Cell, y: float) -> Node:
    """One board across the cell."""
    solid = block(
        (cell.left, cell.right), (y - 0.5 * cell.sheet, y + 0.5 * cell.sheet), (-cell.d + cell.sheet, cell.d - 0.07)
    )
    return leaf("shelf", solid)


def shelves(draw: Draw, cell: Cell, handles: str) -> list[Node]:
    """Boards at equal distances."""
    count = max(1, round((cell.high - cell.low) / draw.between(0.3, 0.5)) - 1)
    return [shelf(cell, y) for y in np.linspace(cell.low, cell.high, count + 2)[1:-1]]


def drawers_over_doors(draw: Draw, cell: Cell, handles: str) -> list[Node]:
    """Drawers in the upper part, doors below."""
    split = draw.between(0.55, 0.7)
    return drawers(draw, cell.part(split, 1.0), handles) + doors(draw, cell.part(0.0, split), handles)


def shelves_over_doors(draw: Draw, cell: Cell, handles: str) -> list[Node]:
    """Open shelves in the upper part, doors below."""
    split = draw.between(0.3, 0.4)
    upper = cell.part(split, 1.0)
    return [shelf(cell, upper.low), *shelves(draw, upper, handles), *doors(draw, cell.part(0.0, split - 0.02), handles)]


# Racks of bars


def rack(draw: Draw) -> list[Node]:
    """Four posts, level bars between them, shelves on the bars; on feet, casters or the posts themselves."""
    w, d, height = draw.between(0.4, 0.8), draw.between(0.25, 0.4), draw.between(1.1, 2.0)
    low, thickness = draw.pick([0.0, 0.26]), draw.between(0.05, 0.08)
    levels = np.linspace(low + draw.between(0.05, 0.3), low + height - 0.08, draw.count(3, 5))
    posts = corners(leaf("frame_vertical_bar", bar((w, low, d), (w, low + height, d), thickness, thickness)))
    rails, boards = [], []
    for y in levels:
        half = 0.5 * thickness
        rails += mirrored(leaf("frame_horizontal_bar", block((w - half, w + half), (y - 0.11, y - 0.01), (-d, d))))
        if draw.chance(0.5):
            beam = leaf("frame_horizontal_bar", block((-w, w), (y - 0.11, y - 0.01), (d - half, d + half)))
            rails += mirrored(beam, frame=MIRROR_Z)
        boards.append(leaf("shelf", block((-w, w), (y, y + 0.04), (-d, d))))
    back = draw.maybe(0.25, leaf("back_panel", block((-w, w), (low + 0.3, low + height), (-d - 0.04, -d))))
    base = []
    if low:
        wheel = caster((w, low, d), low)
        base = corners(wheel) if draw.chance(0.7) else foot_pads(draw, square(w, d), low, 1.4 * thickness)
    return [node("cabinet_frame", posts, rails, back), boards, node("cabinet_base/foot_base", base)]
