"""Trash cans: bins with a lid, wire baskets, street bins in a stand. y = 0 is the floor."""

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, Z, shift, turn
from instance_seg.procedural.grammars.fittings import foot_pads, square
from instance_seg.procedural.nodes import Node, around, corners, leaf, node
from instance_seg.procedural.solids import (
    ball,
    bar,
    block,
    disc,
    moved,
    oval,
    plate,
    rectangle,
    ring,
)

SECTIONS = (2.0, 2.0, 16.0)  # exponents of `oval`: two thirds of the bins are round


def trash_can(draw: Draw) -> Node:
    """Bin with a lid, wire basket, or a street bin between posts."""
    return node("trash_can", draw.pick([lidded_bin, wire_basket, street_bin], [0.4, 0.3, 0.3])(draw))


def bin_container(draw: Draw, radius: float, low: float, high: float, neck: float, exponent: float) -> list[Node]:
    """Round (`exponent` 2) or square box with a bottom and a rim of height `neck`, 0 = none."""
    wall = 0.04
    taper = draw.between(1.0, 1.3)
    outline = oval(2 * radius, 2 * radius, exponent)
    inner = (1.0 - wall / radius) * outline
    parts = [
        leaf("container_box", plate(outline, (low, high), hole=inner, taper=taper)),
        leaf("container_bottom", plate(inner, (low, low + wall))),
    ]
    if neck:
        parts.append(leaf("container_neck", plate(1.12 * taper * outline, (high, high + neck), hole=taper * inner)))
    return parts


def rim(draw: Draw) -> float:
    """Height of a container's neck."""
    return draw.between(0.05, 0.12) if draw.chance(0.5) else 0.0


def lidded_bin(draw: Draw) -> list[Node]:
    """Household bin: a lid, shut or open, feet under some."""
    radius, height, low = draw.between(0.3, 0.42), draw.between(0.8, 1.2), draw.pick([0.0, 0.08])
    top = low + height
    neck = rim(draw)
    container = bin_container(draw, radius, low, top, neck, draw.pick(SECTIONS))
    kind = draw.pick(["dome", "flat", "swing"])
    if kind == "dome":
        lid = ball((0, 0, 0), (1.2 * radius, draw.between(0.2, 0.4), 1.2 * radius), 0.0, 1.0)
    elif kind == "flat":
        lid = plate(oval(2.5 * radius, 2.5 * radius, 3.0), (0, 0.07))
    else:
        lid = plate(rectangle(2.2 * radius, 2.2 * radius), (0, draw.between(0.2, 0.35)), taper=0.6)
    opened = draw.between(20.0, 80.0) if draw.chance(0.35) else 0.0
    hinge = (0, 0, -1.1 * radius)
    cover = [leaf("cover_lid", moved(lid, turn(X, -opened, hinge))).moved(shift(y=top + neck + 0.01))]
    if draw.chance(0.6):
        support = block((-0.15, 0.15), (top - 0.05, top + 0.15), (-1.35 * radius, -1.2 * radius))
        cover.append(leaf("cover_support", support))
    base = node("base", foot_pads(draw, square(0.6 * radius, 0.6 * radius), low, 0.14)) if low else None
    return [node("container", container), node("cover", cover), base]


def wire_basket(draw: Draw) -> list[Node]:
    """Upright bars held by rings, over a bottom; in some a container inside."""
    radius, height, count = draw.between(0.35, 0.5), draw.between(0.8, 1.2), draw.count(8, 14)
    flare = draw.between(1.0, 1.3)
    upright = leaf("frame_vertical_bar", bar((radius, 0.03, 0), (flare * radius, height, 0), 0.05, 0.03, side=Z))
    levels = np.linspace(0.05, height, draw.count(2, 4))
    circles = [
        leaf("frame_horizontal_circle", ring((0, y, 0), radius * (1 + (flare - 1) * y / height), 0.03)) for y in levels
    ]
    bottom = leaf("frame_bottom", disc((0, 0, 0), radius, 0.04))
    frame = node("outside_frame", around(count, upright), circles, draw.maybe(0.85, bottom))
    inside = node("container", bin_container(draw, 0.75 * radius, 0.06, 0.9 * height, rim(draw), 2.0))
    return [frame, draw.maybe(0.5, inside)]


def street_bin(draw: Draw) -> list[Node]:
    """Container in a stand: four posts on a board, or a box around it; in most a roof."""
    radius, height, low = draw.between(0.28, 0.38), draw.between(0.7, 0.9), draw.between(0.12, 0.3)
    container = node("container", bin_container(draw, radius, low, low + height, rim(draw), draw.pick(SECTIONS)))
    half, top = 1.35 * radius, low + height
    feet = None
    if draw.chance(0.5):
        wall = plate(rectangle(2 * half, 2 * half), (0.5 * low, top), hole=rectangle(1.8 * half, 1.8 * half))
        stand = [leaf("frame_holistic", wall)]
        feet = node("base", foot_pads(draw, square(0.85 * half, 0.85 * half), 0.5 * low, 0.12))
    else:
        top += 0.3
        board = block((-half, half), (0.4 * low, 0.4 * low + 0.06), (-half, half))
        upright = bar((half, 0, half), (half, top, half), 0.08, 0.08)
        stand = [corners(leaf("frame_vertical_bar", upright)), leaf("frame_bottom", board)]
    cover = draw.maybe(0.8, node("cover", roof(draw, half, top)))
    return [container, node("outside_frame", stand), feet, cover]


def roof(draw: Draw, half: float, low: float) -> list[Node]:
    """Lid on four short supports above `low`."""
    high = low + 0.25
    lid = plate(rectangle(2.3 * half, 2.3 * half), (high, high + 0.15), taper=draw.between(0.6, 1.0))
    support = bar((0.9 * half, low, 0.9 * half), (0.9 * half, high, 0.9 * half), 0.07, 0.07)
    return [leaf("cover_lid", lid), *corners(leaf("cover_support", support))]
