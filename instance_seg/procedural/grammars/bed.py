"""Beds: platforms, four-posters, cots with barred sides, bunk beds with a ladder. The head is at -z."""

from dataclasses import dataclass

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import MIRROR_Z, shift
from instance_seg.procedural.grammars.fittings import post, spread
from instance_seg.procedural.nodes import Node, at_each, corners, leaf, mirrored, node
from instance_seg.procedural.solids import ball, bar, bezier, block, moved, oval, panel, plate, rod


@dataclass(frozen=True)
class Frame:
    """Where the sleeper lies."""

    w: float  # half the width
    d: float  # half the length
    low: float  # underside of the horizontal surface
    high: float  # its upper side


def bed(draw: Draw) -> Node:
    """A bed of one of four styles."""
    return node("bed", draw.pick([platform, four_poster, cot, bunk], [0.4, 0.15, 0.2, 0.25])(draw))


def sleep_area(draw: Draw, frame: Frame, pillows: int) -> Node:
    """Mattress and pillows."""
    thick = draw.between(0.12, 0.22)
    top = frame.high + thick
    outline = oval(1.94 * frame.w, 1.96 * frame.d, 12.0)
    half = 0.42 * frame.w if pillows == 2 else 0.55 * frame.w
    pillow = leaf(
        "pillow", ball((0, top + 0.05, -0.78 * frame.d), (half, draw.between(0.06, 0.09), draw.between(0.14, 0.2)))
    )
    places = {0: [], 1: [(0, 0, 0)], 2: [(-0.48 * frame.w, 0, 0), (0.48 * frame.w, 0, 0)]}[pillows]
    return node("bed_sleep_area", leaf("mattress", plate(outline, (frame.high, top))), at_each(places, pillow))


def surface(draw: Draw, frame: Frame, slatted: float) -> Node:
    """Board or slats under the mattress."""
    y = (frame.low, frame.high)
    if not draw.chance(slatted):
        board = block((-frame.w, frame.w), y, (-frame.d, frame.d))
        return leaf("bed_frame_horizontal_surface/frame_horizontal_hard_surface", board)
    count = draw.count(5, 8)
    half = 0.3 * frame.d / count * 2
    slats = [block((-frame.w, frame.w), y, (z - half, z + half)) for z in spread(-frame.d, frame.d, count)]
    return node("bed_frame_horizontal_surface", [leaf("frame_horizontal_surface_bar", slat) for slat in slats])


def headboard(draw: Draw, frame: Frame, top: float) -> Node:
    """Flat or bent board behind the pillows."""
    z = -frame.d - 0.05
    path = bezier((-frame.w, z), (0, z - draw.pick([0.0, 0.2])), (frame.w, z), steps=8)
    return leaf("headboard", panel(path, (draw.between(0.0, 0.5) * frame.low, top), draw.between(0.06, 0.12)))


def rails(draw: Draw, frame: Frame, kind: str, height: float) -> list[Node]:
    """What closes the two long sides: a panel, a bar, or upright bars below a bar."""
    x, y = frame.w + 0.04, frame.high
    if kind == "panel":
        board = block((x - 0.03, x + 0.03), (frame.low - 0.05, y + 0.4 * height), (-frame.d, frame.d))
        return mirrored(node("bed_side_surface", leaf("bed_side_surface_panel", board)))
    level = rod((x, y + height, -frame.d), (x, y + height, frame.d), 0.035)
    parts = [leaf("bed_side_surface_horizontal_bar", level)]
    if kind == "bars":
        upright = rod((x, y - 0.05, 0), (x, y + height, 0), draw.between(0.02, 0.03))
        places = [(0, 0, z) for z in spread(-frame.d, frame.d, draw.count(5, 9))]
        low = leaf("bed_side_surface_horizontal_bar", moved(level, shift(y=-height)))
        parts += [low, at_each(places, leaf("bed_side_surface_vertical_bar", upright))]
    return mirrored(node("bed_side_surface", parts))


def legs(draw: Draw, frame: Frame) -> Node:
    """Legs and perhaps stretchers between them."""
    thickness = draw.between(0.09, 0.14)
    x, z = frame.w - 0.5 * thickness, frame.d - 0.5 * thickness
    parts = corners(leaf("leg", post(draw, (x, frame.low, z), (x, 0, z), thickness)))
    if draw.chance(0.5):
        y = draw.between(0.4, 0.7) * frame.low
        parts += mirrored(leaf("bar_stretcher", bar((-x, y, z), (x, y, z), 0.06, 0.06)), frame=MIRROR_Z)
        if draw.chance(0.5):
            parts += mirrored(leaf("bar_stretcher", bar((x, y, -z), (x, y, z), 0.06, 0.06)))
    return node("bed_frame_base/regular_leg_base", parts)


def platform(draw: Draw) -> Node:
    """Single or double bed on legs or on a box."""
    low = draw.between(0.2, 0.4)
    frame = Frame(draw.between(0.5, 0.95), draw.between(0.95, 1.1), low, low + draw.between(0.06, 0.14))
    box = block((-0.92 * frame.w, 0.92 * frame.w), (0, low), (-0.95 * frame.d, 0.95 * frame.d))
    base = legs(draw, frame) if draw.chance(0.6) else leaf("bed_frame_base/surface_base", box)
    parts = [surface(draw, frame, 0.3), base]
    if draw.chance(0.8):
        parts.append(headboard(draw, frame, draw.between(0.8, 1.2)))
    if draw.chance(0.4):
        parts += rails(draw, frame, "panel", 0.2)
    return node("bed_unit", sleep_area(draw, frame, 2 if frame.w > 0.7 else draw.count(0, 1)), node("bed_frame", parts))


def four_poster(draw: Draw) -> Node:
    """Posts at the corners, in some with bars between their tops."""
    low, high = draw.between(0.25, 0.4), draw.between(1.2, 1.6)
    frame = Frame(draw.between(0.65, 0.9), draw.between(0.95, 1.1), low, low + 0.1)
    thickness = draw.between(0.07, 0.1)
    x, z = frame.w + 0.05, frame.d + 0.05
    parts = [surface(draw, frame, 0.3), corners(leaf("bed_post", post(draw, (x, high, z), (x, 0, z), thickness)))]
    if draw.chance(0.6):
        parts += mirrored(leaf("bed_post", bar((x, high, -z), (x, high, z), 0.06, 0.06)))
    parts.append(headboard(draw, frame, draw.between(0.8, 1.1)))
    return node("bed_unit", sleep_area(draw, frame, 2), node("bed_frame", parts))


def cot(draw: Draw) -> Node:
    """A child's bed between barred sides."""
    low = draw.between(0.35, 0.6)
    frame = Frame(draw.between(0.4, 0.55), draw.between(0.75, 0.95), low, low + 0.06)
    height = draw.between(0.4, 0.6)
    thickness = draw.between(0.07, 0.1)
    x, z, top = frame.w + 0.04, frame.d + 0.04, frame.high + height + 0.05
    parts = [surface(draw, frame, 0.5), rails(draw, frame, "bars", height)]
    parts += corners(leaf("bed_post", post(draw, (x, top, z), (x, 0, z), thickness)))
    parts.append(headboard(draw, frame, top))
    return node("bed_unit", sleep_area(draw, frame, draw.count(0, 1)), node("bed_frame", parts))


def bunk(draw: Draw) -> list[Node]:
    """Two beds one above the other, shared posts, a ladder at the side."""
    low, rise = draw.between(0.25, 0.4), draw.between(0.8, 1.0)
    w, d = draw.between(0.42, 0.55), draw.between(0.9, 1.05)
    slatted, thickness = draw.pick([0.0, 1.0]), draw.between(0.07, 0.1)
    units = []
    for floor in (0, 1):
        frame = Frame(w, d, low + floor * rise, low + floor * rise + 0.07)
        parts = [surface(draw, frame, slatted)]
        parts += rails(draw, frame, draw.pick(["panel", "bar"]), draw.between(0.22, 0.3)) if floor else []
        if floor == 0:
            post_solid = post(draw, (w + 0.04, low + rise + 0.5, d + 0.04), (w + 0.04, 0, d + 0.04), thickness)
            parts += corners(leaf("bed_post", post_solid))
        units.append(node("bed_unit", sleep_area(draw, frame, draw.count(0, 1)), node("bed_frame", parts)))
    return units + [ladder(draw, w + 0.1, low + rise + 0.35, draw.between(-0.3, 0.5) * d)]


def ladder(draw: Draw, x: float, top: float, z: float) -> Node:
    """Two bars and the rungs between them, leaning at the bed's right side."""
    half, lean, count = draw.between(0.14, 0.2), draw.between(0.05, 0.35), draw.count(3, 6)
    upright = [
        leaf("ladder_vertical_bar", rod((x + lean, 0, z + s * half), (x, top, z + s * half), 0.035)) for s in (-1, 1)
    ]
    rungs = []
    for share in spread(0.0, 0.9, count):
        place = x + lean * (1.0 - share)
        rungs.append(leaf("rung", rod((place, share * top, z - half), (place, share * top, z + half), 0.03)))
    return node("ladder", upright, rungs)
