"""Rooms by seed and number."""

from typing import NamedTuple

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.rooms.kinds import KINDS
from instance_seg.procedural.rooms.labels import LABELS
from instance_seg.procedural.rooms.plan import Plan
from instance_seg.procedural.rooms.scanner import EVERYWHERE, OPENING, scan
from instance_seg.procedural.rooms.shell import add_beam, open_walls, shell_of

STREAM = 20260  # keeps the random numbers of rooms apart from those of shapes
EYES = (1.3, 1.75)  # heights of the camera, meters


class Room(NamedTuple):
    """A scanned room. Every vertex of a procedural one belongs to one of the things."""

    kind: str  # a key of `KINDS`; or where it was scanned
    vertices: np.ndarray  # [V, 3] float32, meters, z up
    faces: np.ndarray  # [F, 3] int32
    colors: np.ndarray  # [V, 3] uint8
    thing: np.ndarray  # [V] int32, index into `labels`; -1 = none, as of what nobody annotated
    labels: tuple[str, ...]  # raw name of each thing, keys of `LABELS`

    @property
    def nyu40(self) -> np.ndarray:
        """NYU40 class [V] uint16; 0 = none."""
        return np.array([*(LABELS[label].nyu40 for label in self.labels), 0], np.uint16)[self.thing]


def plan_room(draw: Draw, kind: str, scale: float) -> Plan:
    """An empty or furnished room: the walls, and whatever `kind` puts between them."""
    recipe = KINDS[kind]
    width, depth = (max(recipe_low, scale * draw.between(recipe_low, high))
                    for recipe_low, high in (recipe.width, recipe.depth))  # fmt: skip
    notch = None
    size = np.array([width, depth, draw.between(2.4, 3.0)])
    if min(width, depth) > 3.5 and draw.chance(0.25):
        cut = np.array([draw.between(0.25, 0.4) * width, draw.between(0.25, 0.4) * depth, size[2]])
        low = np.array([draw.pick([0.0, width - cut[0]]), draw.pick([0.0, depth - cut[1]]), 0.0])
        notch = np.stack([low, np.where(low > 0.0, size, low + cut)])
        notch[:, 2] = 0.0, size[2]
    plan = Plan(draw, size, notch)
    open_walls(plan, draw.count(*recipe.doors), draw.count(*recipe.windows), recipe.curtains)
    recipe.furnish(plan)
    return plan


def camera_path(plan: Plan, count: int) -> np.ndarray:
    """Positions [count, 3] on the free floor, far from one another."""
    rng = plan.draw.rng
    tried = np.concatenate([rng.uniform(0.35, plan.size[:2] - 0.35, (200, 2)), rng.uniform(*EYES, (200, 1))], axis=1)
    boxes = np.stack([piece.box for piece in plan.pieces] + ([] if plan.notch is None else [plan.notch]))
    near = np.maximum(np.maximum(boxes[:, 0] - tried[:, None], tried[:, None] - boxes[:, 1]), 0.0)
    free = tried[np.linalg.norm(near, axis=2).min(axis=1) > 0.45]
    chosen = [free[0]] if len(free) else [np.array([*0.5 * plan.size[:2], 2.2])]
    while len(free) and len(chosen) < count:
        distance = np.linalg.norm(free[:, None] - np.stack(chosen), axis=2).min(axis=1)
        chosen.append(free[distance.argmax()])
    return np.stack(chosen)


def make_room(
    seed: int, number: int, spacing: float = 0.03, scale: float = 1.0, kind: str | None = None, closed: bool = False
) -> Room:
    """Makes one room; the same arguments give the same room, any other seed or number another one.

    Args:
        seed: of the whole set, >= 0.
        number: of the room in the set, >= 0; decides the kind unless that is given.
        spacing: distance of neighboring vertices, about, 0.01..0.2 meters.
        scale: factor on the size of the room, 0.5..1.5; no room gets smaller than its kind needs.
        kind: a key of `KINDS`.
        closed: with a ceiling, seen by cameras that turn everywhere, the walls along the axes, as in S3DIS; otherwise
            as in ScanNet.

    Raises:
        ValueError: an argument is out of its range, or the kind is unknown.
    """
    if min(seed, number) < 0 or not 0.01 <= spacing <= 0.2 or not 0.5 <= scale <= 1.5:
        raise ValueError(
            f"seed {seed}, number {number}, spacing {spacing}, scale {scale}: expected >= 0, >= 0, 0.01..0.2, 0.5..1.5"
        )
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind {kind!r}: no such kind of room; there are {', '.join(KINDS)}")
    draw = Draw(np.random.default_rng([STREAM, seed, number]))
    kind = kind or list(KINDS)[number % len(KINDS)]
    plan = plan_room(draw, kind, scale)
    if closed:
        add_beam(plan)
    pieces = [*shell_of(plan, closed), *plan.pieces]
    cameras = camera_path(plan, draw.count(5, 9))
    mesh = scan(pieces, cameras, spacing, draw.rng, EVERYWHERE if closed else OPENING)
    seen, thing = np.unique(mesh.piece, return_inverse=True)  # what no camera saw is left out
    vertices = mesh.vertices if closed else turned(mesh.vertices, draw.between(0.0, 2.0 * np.pi))
    return Room(
        kind,
        (vertices - [*vertices[:, :2].min(axis=0), 0.0]).astype(np.float32),
        mesh.faces.astype(np.int32),
        np.round(255.0 * mesh.colors).astype(np.uint8),
        thing.astype(np.int32),
        tuple(pieces[i].label for i in seen),
    )


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    """Points [N, 3] after a turn about the upright axis, in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
