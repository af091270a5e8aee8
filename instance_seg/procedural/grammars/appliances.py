"""White goods: dishwashers, microwave ovens, refrigerators. y = 0 is the floor, the front looks to +z."""

from dataclasses import dataclass

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_X, X, Y, shift, turn
from instance_seg.procedural.grammars.fittings import foot_pads, handle, square
from instance_seg.procedural.nodes import Node, leaf, node
from instance_seg.procedural.solids import Solid, block, box, disc, moved, plate, rectangle


@dataclass(frozen=True)
class Case:
    """A box, open at the front, that stands `low` above the floor."""

    w: float  # half the width
    d: float  # half the depth
    low: float
    high: float

    def solid(self, wall: float = 0.05) -> Solid:
        """Four walls and a back."""
        width, height = 2 * self.w, self.high - self.low
        walls = plate(rectangle(width, height), (-self.d, self.d), rectangle(width - 2 * wall, height - 2 * wall))
        middle = shift(0.0, 0.5 * (self.low + self.high), 0.0).after(turn(X, 90.0))
        inner = (-self.w + wall, self.w - wall)
        back = block(inner, (self.low + wall, self.high - wall), (-self.d, -self.d + wall))
        return (*moved(walls, middle), *back)


def swing_door(
    draw: Draw, width: float, height: float, grip: str, upright: bool, opened: float, thickness: float = 0.08
) -> Node:
    """Door whose hinge edge runs up from the origin, looking to +z, with a handle at its far edge or its top."""
    panel = leaf("door_frame", block((0, width), (0, height), (0, thickness)))
    place = (0.88 * width, 0.5 * height, thickness) if upright else (0.5 * width, 0.9 * height, thickness)
    length = draw.between(0.4, 0.7) * (height if upright else width)
    held = leaf("handle", handle(place, length, grip, upright, 0.06)) if grip else None
    return node("door", panel, held).moved(turn(Y, -opened))


def feet(draw: Draw, case: Case) -> list[Node]:
    return foot_pads(draw, square(case.w - 0.1, case.d - 0.1), case.low, draw.between(0.1, 0.15))


def ajar(draw: Draw, probability: float = 0.4) -> float:
    """Angle of a door, 0 = shut."""
    return draw.between(25.0, 110.0) if draw.chance(probability) else 0.0


# Dishwasher


def dishwasher(draw: Draw) -> Node:
    """One door that folds down, or two drawers one above the other; on feet or on a plinth."""
    low = draw.between(0.1, 0.2)
    case = Case(draw.between(0.45, 0.55), draw.between(0.4, 0.5), low, low + draw.between(1.1, 1.3))
    height, width = case.high - case.low, 2 * case.w
    grip = draw.pick(["bar", "bow"])
    count = draw.pick([1, 2], [0.7, 0.3])
    doors = []
    for i in range(count):
        part = swing_door(draw, width, 0.96 * height / count, grip, False, 0.0).moved(shift(-case.w, 0.0, 0.0))
        folded = draw.between(30.0, 90.0) if count == 1 and draw.chance(0.3) else 0.0
        out = draw.between(0.1, 0.3) if count == 2 and draw.chance(0.25) else 0.0
        doors.append(part.moved(turn(X, folded)).moved(shift(0, low + i * height / count, case.d + out)))
    if draw.chance(0.55):
        board = draw.maybe(0.7, leaf("surface", block((-case.w, case.w), (low - 0.05, low), (-case.d, case.d))))
        base = node("base/foot_base", foot_pads(draw, square(case.w - 0.1, case.d - 0.1), low - 0.05, 0.14), board)
    else:
        base = leaf(
            "base/surface_base/surface", block((-0.95 * case.w, 0.95 * case.w), (0, low), (-case.d, 0.85 * case.d))
        )
    return node("dishwasher", node("body", leaf("frame", case.solid()), doors), base)


# Microwave oven


def microwave(draw: Draw) -> Node:
    """A wide case, a panel of buttons at the right, a door at the left, a tray inside; a few stand on feet."""
    low = draw.between(0.05, 0.1)
    case = Case(draw.between(0.75, 0.95), draw.between(0.4, 0.55), low, low + draw.between(0.7, 0.95))
    panel = draw.between(0.3, 0.45) if draw.chance(0.8) else 0.0
    z, height, opening = case.d, case.high - low, 2 * case.w - panel
    shell = case.solid(0.06)
    if panel:
        shell = (*shell, *block((case.w - panel, case.w), (low, case.high), (z, z + 0.06)))
        rows = np.linspace(low + 0.2 * height, low + 0.6 * height, 3)
        buttons = [box((case.w - 0.5 * panel, y, z + 0.07), (0.6 * panel, 0.08, 0.03)) for y in rows]
        shell = (*shell, *(face for button in buttons for face in button))
    grip = draw.pick(["bar", "bow", ""], [0.5, 0.35, 0.15])
    door = swing_door(draw, opening, height, grip, True, ajar(draw)).moved(shift(-case.w, low, z))
    middle = -0.5 * panel
    tray = disc((middle, low + 0.1, 0), 0.75 * case.d, 0.04)
    if draw.chance(0.3):
        tray = block((-case.w + 0.06, case.w - panel), (low + 0.14, low + 0.18), (-case.d + 0.06, 0.95 * case.d))
    inside = draw.maybe(0.75, leaf("body_interior/tray", tray))
    base = draw.maybe(0.65, node("base/foot_base", feet(draw, case)))
    return node("microwave", node("body", leaf("frame", shell), door, inside), base)


# Refrigerator


def refrigerator(draw: Draw) -> Node:
    """Doors one above the other, side by side, or two over a drawer; shelves behind them."""
    style = draw.pick(["stacked", "beside", "french", "mini"], [0.35, 0.25, 0.2, 0.2])
    low = draw.between(0.08, 0.15)
    height = draw.between(0.8, 1.0) if style == "mini" else draw.between(1.5, 2.0)
    case = Case(
        draw.between(0.5, 0.62) if style in ("beside", "french") else draw.between(0.38, 0.48),
        draw.between(0.36, 0.45),
        low,
        low + height,
    )
    split = draw.between(0.3, 0.65)
    rows = {"stacked": [(0, split), (split, 1)], "french": [(0, 0.35), (0.35, 1)]}.get(style, [(0, 1)])
    grip = draw.pick(["bar", "bow"])
    doors, shelves = [], []
    for row, (bottom, top) in enumerate(rows):
        y, span = low + bottom * height, 0.98 * (top - bottom) * height
        paired = style == "beside" or (style == "french" and row == 1)
        doors += [part.moved(shift(-case.w, y, case.d)) for part in fridge_doors(draw, 2 * case.w, span, grip, paired)]
        count = max(1, round(span / draw.between(0.28, 0.4)))
        shelves += [fridge_shelf(case, h) for h in np.linspace(y, y + span, count + 1)[1:-1]]
    return node(
        "refrigerator",
        node("body", leaf("frame", case.solid()), doors, node("body_interior", shelves)),
        fridge_base(draw, case),
    )


def fridge_doors(draw: Draw, width: float, height: float, grip: str, paired: bool) -> list[Node]:
    """One door over the whole width, or two that meet in the middle; the origin is at the lower left."""
    if not paired:
        return [swing_door(draw, width, height, grip, True, ajar(draw))]
    left, right = (swing_door(draw, 0.49 * width, height, grip, True, ajar(draw)) for _ in range(2))
    return [left, right.moved(MIRROR_X).moved(shift(x=width))]


def fridge_shelf(case: Case, y: float) -> Node:
    return leaf("shelf", block((-case.w + 0.05, case.w - 0.05), (y - 0.015, y + 0.015), (-case.d + 0.05, 0.9 * case.d)))


def fridge_base(draw: Draw, case: Case) -> Node | None:
    """Feet, a plinth, or nothing."""
    kind = draw.pick(["feet", "plinth", "none"], [0.45, 0.4, 0.15])
    if kind == "feet":
        return node("base/foot_base", feet(draw, case))
    plinth = block((-0.95 * case.w, 0.95 * case.w), (0, case.low), (-0.95 * case.d, 0.9 * case.d))
    return leaf("base/surface_base/surface", plinth) if kind == "plinth" else None
