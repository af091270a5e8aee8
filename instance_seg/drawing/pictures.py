"""Pictures of segmented point clouds: panels of ground truth and predictions side by side, instances in color.

Drawn with matplotlib's Figure objects and the Agg canvas alone: no window, no global state, usable from any thread.
"""

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.patches import Rectangle
from PIL import Image

from instance_seg.clustering.partition import compact_ids, contingency
from instance_seg.files import replacing
from instance_seg.metrics.matching import intersection_over_union
from instance_seg.structures import UPRIGHT

NO_INSTANCE = np.array([0.80, 0.80, 0.80])  # color of points in no instance
_GOLDEN = 0.61803398875  # of a turn: hues of successive labels lie far apart
_TONES = np.array([(0.66, 0.95), (0.80, 0.78), (0.42, 0.98), (0.92, 0.90), (0.45, 0.80)])  # saturation, value
_LIGHT = np.array([-0.45, 0.75, 0.50])  # from the upper left, towards the viewer
_DPI = 100
_TITLE_PIXELS = 26
_TITLE_POINTS = 9  # of the font
_INSET = 0.34  # of the width of a cloud
_FRAME = "#d81b1b"
_STRAY = 2  # percent of an instance's points, on each side, that a frame may leave out


class Column(NamedTuple):
    """One point cloud of a panel."""

    title: str
    xyz: np.ndarray  # [N, 3]
    labels: np.ndarray  # [N] integer, one color each; negative = gray
    normals: np.ndarray | None = None  # [N, 3], unit length; shades the points
    framed: np.ndarray | None = None  # [N] integer; a frame around the points of each number that is not negative
    inset: np.ndarray | None = None  # [N, 3], the same points elsewhere; drawn small, in the emptiest corner


def colors_for(labels: np.ndarray) -> np.ndarray:
    """One color for each label, the same in every picture: [N] integer -> [N, 3] float64 in [0, 1]."""
    labels = np.asarray(labels)
    turn = (0.56 + labels * _GOLDEN) % 1.0
    colors = hsv_to_rgb(np.column_stack([turn, _TONES[labels % len(_TONES)]]))
    return np.where(labels[:, None] < 0, NO_INSTANCE, colors)


def match_colors(instance: np.ndarray, gt_instance: np.ndarray) -> np.ndarray:
    """Renames predicted instances after the ground truth, so that both have the same color in a panel.

    Pairs are made one to one, highest IoU first. A prediction left over gets a number that the ground truth has not.

    Args:
      instance: [N] integer, negative = none.
      gt_instance: [N] integer, negative = none.

    Returns:
      [N] int64 labels for `Column`, -1 where `instance` is negative.
    """
    ids, index = compact_ids(np.asarray(instance))
    gt_ids, gt_index = compact_ids(np.asarray(gt_instance))
    overlap = contingency(index, gt_index, len(ids), len(gt_ids))
    iou = intersection_over_union(overlap, overlap.sum(axis=1), overlap.sum(axis=0))
    iou[ids < 0] = iou[:, gt_ids < 0] = 0.0
    names = np.full(len(ids), -1, np.int64)
    while iou.size and iou.max() > 0:
        row, column = np.unravel_index(iou.argmax(), iou.shape)
        names[row] = gt_ids[column]
        iou[row] = iou[:, column] = 0.0
    left_over = (names < 0) & (ids >= 0)
    names[left_over] = gt_ids.max(initial=-1) + 1 + np.arange(np.count_nonzero(left_over))
    return names[index]


def render_panel(
    columns: Sequence[Column | tuple],
    size: int = 320,
    azimuth: float = 35.0,
    elevation: float = 20.0,
    up: str = "y",
    see_through: bool = False,
    below: float = 1.0,
) -> np.ndarray:
    """Draws point clouds side by side, all at one scale, orthographic and seen from slightly above.

    Args:
      columns: Columns, or tuples (title, xyz, labels[, normals[, framed[, inset]]]).
      size: width and height of a cloud in pixels; titles come on top.
      azimuth: degrees by which the viewer stands to the right of the z axis (where z points up, of -y).
      elevation: degrees by which the viewer looks down.
      up: the axis of the points that points up, "x", "y" or "z".
      see_through: points in no instance, such as walls, hide no others, and are left out of insets.
      below: share of the height of all columns above which nothing is drawn; less than 1 takes the ceiling off rooms.

    Returns:
      [size + 26, size * len(columns), 3] uint8.

    Raises:
      ValueError: no columns, or one whose arrays do not fit, naming its title.
    """
    columns = [_checked(Column(*column)) for column in columns]
    if not columns:
        raise ValueError("a panel needs at least one column")
    columns = _cut(columns, UPRIGHT[up][1], below)
    axes = camera_axes(azimuth, elevation) @ UPRIGHT[up]
    projected = [column.xyz @ axes.T for column in columns]
    center, radius = _frame(np.concatenate(projected)[:, :2])
    right, up = _emptiest_corner(np.concatenate(projected)[:, :2], center, radius)
    width, height = size * len(columns), size + _TITLE_PIXELS
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    for position, (column, points) in enumerate(zip(columns, projected)):
        place = _square(figure, (position / len(columns), 0, 1 / len(columns), size / height), center, radius)
        _draw(place, column, points, axes, size, see_through)
        _draw_frames(place, column, points, 0.02 * radius)
        if column.inset is not None:
            left, bottom = position + right * (1 - _INSET), up * (1 - _INSET)
            corner = (left / len(columns), bottom * size / height, _INSET / len(columns), _INSET * size / height)
            _draw_inset(_square(figure, corner, center, radius), column, axes, size, see_through)
        title = figure.text((position + 0.5) / len(columns), 1 - _TITLE_PIXELS / 2 / height, column.title)
        title.set(ha="center", va="center", fontsize=_TITLE_POINTS, parse_math=False)
        taken = title.get_window_extent(canvas.get_renderer()).width / (0.94 * size)
        title.set_fontsize(_TITLE_POINTS / max(taken, 1))  # a long one becomes smaller, not cut
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def write_png(path: str | os.PathLike, image: np.ndarray, palette: bool = False) -> None:
    """Writes [H, W, 3] uint8 as PNG, whole or not at all.

    Args:
      palette: keep 256 colors, in a third of the bytes.
    """
    with replacing(path) as temporary:
        if palette:
            Image.fromarray(image).quantize(256, dither=Image.Dither.NONE).save(temporary, "PNG", optimize=True)
        else:
            imsave(temporary, image, format="png")


def stacked(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Panels [H, W, 3] of one size in two columns; a single one stays as it is."""
    columns = min(len(panels), 2)
    panels = [*panels, *[np.full_like(panels[0], 255)] * (-len(panels) % columns)]
    return np.concatenate([np.concatenate(panels[i : i + columns], axis=1) for i in range(0, len(panels), columns)])


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """[3, 3] rows: unit vectors to the right, upwards and towards the viewer, from angles in degrees."""
    a, e = np.deg2rad([azimuth, elevation])
    viewer = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    right = np.array([np.cos(a), 0.0, -np.sin(a)])
    return np.stack([right, np.cross(viewer, right), viewer])


def _checked(column: Column) -> Column:
    """The column with arrays. ValueError, naming its title, if they do not fit."""
    xyz = np.asarray(column.xyz, np.float64)
    if xyz.ndim != 2 or xyz.shape[1] != 3 or not len(xyz):
        raise ValueError(f"column {column.title!r}: xyz {xyz.shape}; expected [N, 3], N > 0")
    shapes = {"labels": xyz.shape[:1], "normals": xyz.shape, "framed": xyz.shape[:1], "inset": xyz.shape}
    for name, shape in shapes.items():
        array = getattr(column, name)
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"column {column.title!r}: {name} {np.shape(array)} does not fit xyz {xyz.shape}")
    normals = None if column.normals is None else np.asarray(column.normals, np.float64)
    return column._replace(xyz=xyz, labels=np.asarray(column.labels), normals=normals)


def _cut(columns: Sequence[Column], upward: np.ndarray, below: float) -> Sequence[Column]:
    """The columns without the points, and what is said of them, that lie above a share of the height of all."""
    if below >= 1:
        return columns
    heights = [column.xyz @ upward for column in columns]
    bottom, top = min(map(np.min, heights)), max(map(np.max, heights))
    kept = [height <= bottom + below * (top - bottom) for height in heights]
    return [
        Column(column.title, *(each if each is None else each[rows] for each in column[1:]))
        for column, rows in zip(columns, kept)
    ]


def _frame(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Center [2] and half width of a square around all points, with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, max(0.54 * float((high - low).max()), 1e-6)


def _emptiest_corner(points: np.ndarray, center: np.ndarray, radius: float) -> tuple[int, int]:
    """Where an inset hides the fewest points of all columns: (1, 0) = lower right, (0, 1) = upper left and so on."""
    place = (points - center) / (2 * radius) + 0.5  # in [0, 1], to the right and upwards
    corners = ((1, 0), (0, 1), (1, 1), (0, 0))
    return min(corners, key=lambda corner: np.count_nonzero((np.abs(place - corner) < _INSET).all(axis=1)))


def _square(figure: Figure, where: tuple[float, ...], center: np.ndarray, radius: float):
    """Axes without marks at a place of the figure that show a square of the plane."""
    place = figure.add_axes(where)
    place.set_axis_off()
    place.set_xlim(center[0] - radius, center[0] + radius)
    place.set_ylim(center[1] - radius, center[1] + radius)
    return place


def _draw_frames(place, column: Column, points: np.ndarray, margin: float) -> None:
    """A rectangle around each set of points that `framed` numbers."""
    for number in np.unique(column.framed[column.framed >= 0]) if column.framed is not None else ():
        chosen = points[column.framed == number, :2]
        low, high = np.percentile(chosen, (_STRAY, 100 - _STRAY), axis=0)
        low, high = low - margin, high + margin
        place.add_patch(Rectangle(low, *(high - low), fill=False, edgecolor=_FRAME, linewidth=1.0))


def _draw_inset(place, column: Column, axes: np.ndarray, size: int, see_through: bool) -> None:
    """The points of `inset` in the colors of the column, on white."""
    shown = column.labels >= 0 if see_through else slice(None)
    moved = Column("", np.asarray(column.inset, np.float64)[shown], column.labels[shown])
    place.patch.set(visible=True, facecolor="white", edgecolor="#999999", linewidth=0.8)
    place.set_axis_on()
    place.set(xticks=[], yticks=[])
    if len(moved.xyz):
        _draw(place, moved, moved.xyz @ axes.T, axes, round(_INSET * size), see_through)


def _draw(place, column: Column, points: np.ndarray, axes: np.ndarray, size: int, see_through: bool) -> None:
    """Scatters the points from back to front."""
    order = np.lexsort((points[:, 2], (column.labels >= 0) & see_through))
    colors = colors_for(column.labels) * _shade(column, points, axes)[:, None]
    # Points cover a surface without holes when their area shrinks as their number grows.
    diameter = np.clip(1.7 * size / np.sqrt(len(points)), 1.2, 9.0) * 72 / _DPI
    place.scatter(*points[order, :2].T, s=diameter**2, c=np.clip(colors[order], 0, 1), linewidths=0)


def _shade(column: Column, points: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """[N] brightness: by the light on the surface where normals are known, otherwise by depth."""
    depth = points[:, 2] - points[:, 2].min()
    depth /= max(depth.max(), 1e-6)
    if column.normals is None:
        return 0.72 + 0.28 * depth
    facing = column.normals @ axes.T
    facing = facing * np.where(facing[:, 2:] < 0, -1.0, 1.0)  # surfaces are seen from both sides
    light = facing @ (_LIGHT / np.linalg.norm(_LIGHT))
    return 0.68 + 0.06 * depth + 0.32 * np.clip(light, -0.5, 1.0)
