"""Pictures of procedural rooms from above, in their colors and by instance, for `make_rooms.py --gallery`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from instance_seg.drawing.pictures import camera_axes, colors_for
from instance_seg.files import replacing
from instance_seg.procedural.rooms import Room, make_room

PIXELS, COLUMNS = 560, 4  # a picture is drawn in twice the size in which it is shown
COLORS = 160  # of the file
SAMPLES = 10  # points drawn in each face, so that no gaps are left
ON_WALLS = (
    "wall",
    "window",
    "door",
    "picture",
    "whiteboard",
    "mirror",
    "curtain",
    "towel",
)  # left out when seen from behind


def draw_room(room: Room, colors: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Paints faces in the colors [V, 3] of their vertices, near ones over far ones: [PIXELS, PIXELS, 3] float."""
    corners = room.vertices[room.faces].astype(np.float64)
    toward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) @ view[2]
    thing = room.thing[room.faces[:, 0]]
    behind = np.bincount(thing, toward) < -0.1 * np.bincount(thing, np.abs(toward))
    shown = ~(behind & np.isin(room.labels, ON_WALLS))[thing]
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (shown.sum(), SAMPLES))
    points = (weights @ corners[shown]).reshape(-1, 3) @ view.T
    color = np.repeat(colors[room.faces[shown]].mean(axis=1), SAMPLES, axis=0)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    place = ((points[:, :2] - 0.5 * (low + high)) * (PIXELS - 8) / (high - low).max() + 0.5 * PIXELS).astype(int)
    order = np.argsort(points[:, 2])
    picture = np.ones((PIXELS, PIXELS, 3))
    picture[PIXELS - 1 - place[order, 1], place[order, 0]] = color[order]
    return picture


def room_pair(room: Room, azimuth: float = 35.0) -> np.ndarray:
    """The room in its colors, and its instances; walls and floor are gray."""
    number = np.arange(len(room.labels))
    number[[label in ("wall", "floor", "ceiling") for label in room.labels]] = -1
    view = camera_axes(azimuth, 52.0)[:, [0, 2, 1]] * [1.0, -1.0, 1.0]  # rooms have z up
    pictures = (room.colors / 255.0, colors_for(number)[room.thing])
    return np.concatenate([draw_room(room, colors, view) for colors in pictures], axis=1)


def write_rooms(path: Path, kinds: Sequence[str], seed: int) -> None:
    """Saves a sheet with a room of each kind as a PNG file."""
    jobs = enumerate(tqdm(kinds, desc="gallery", unit="room"))
    pairs = [room_pair(make_room(seed, number, kind=kind)) for number, kind in jobs]
    per_row = COLUMNS // 2
    pairs += [np.ones_like(pairs[0])] * (-len(pairs) % per_row)
    rows = [np.concatenate(pairs[i : i + per_row], axis=1) for i in range(0, len(pairs), per_row)]
    sheet = np.concatenate(rows)
    small = sheet.reshape(len(sheet) // 2, 2, -1, 2, 3).mean(axis=(1, 3))
    with replacing(path) as temporary:
        Image.fromarray(np.uint8(255.0 * small)).quantize(COLORS, dither=Image.Dither.NONE).save(temporary, "PNG")
