"""Contact sheet of the procedural shapes, and a table of what they hold, for `make_procedural.py --gallery`."""

import os
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from tabulate import tabulate
from tqdm import tqdm

from instance_seg.data.partnet.shape import LabeledShape, level_labels
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

PIXELS, POINTS = 150, 30000  # width of a picture; points of a shape in it (dense enough to hide what lies behind)
EXAMPLES = 4  # shapes of a category on the sheet: all levels of the first, the finest level of the others
COLUMNS = 2  # categories side by side

GRAY = np.array([0.72, 0.72, 0.72])  # points of no instance
LIGHT = np.array([0.35, 0.75, 0.55])
TABLE_HEAD = ("category", "level", "classes seen", "instances per shape: least", "mean", "most", "unlabelled")


def view_matrix(azimuth: float = 32.0, elevation: float = 20.0) -> np.ndarray:
    """Rows: right, up and towards the viewer, for a camera turned about y and raised, in degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    right = [np.cos(a), 0.0, -np.sin(a)]
    toward = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    return np.stack([right, np.cross(toward, right), toward])


def instance_colors(instance: np.ndarray) -> np.ndarray:
    """A color [N, 3] for each instance id; gray for -1. Neighboring ids get distant hues."""
    hue = (instance * 0.618034) % 1.0
    value = 0.75 + 0.25 * ((instance // 3) % 2)
    hsv = np.stack([hue, 0.55 + 0.3 * (instance % 2), value], axis=1)
    return np.where(instance[:, None] < 0, GRAY, matplotlib.colors.hsv_to_rgb(np.clip(hsv, 0.0, 1.0)))


def draw_points(points: np.ndarray, normals: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Paints points [N, 3] inside the unit ball as small squares, the near ones over the far ones.

    Returns:
        [PIXELS, PIXELS, 3] float, white where there is nothing.
    """
    seen = points @ view_matrix().T
    shade = 0.55 + 0.45 * np.abs(normals @ LIGHT / np.linalg.norm(LIGHT))  # both faces of a thin part are lit alike
    order = np.argsort(seen[:, 2])
    center = np.round((np.array([0.5, 0.5]) + np.array([0.49, -0.49]) * seen[order, :2]) * (PIXELS - 3)).astype(int)
    image = np.ones((PIXELS, PIXELS, 3))
    stamp = np.array([(row, column) for row in range(3) for column in range(3)])
    cells = center[:, None, ::-1] + stamp  # [N, 9, (row, column)]; of equal cells the last, nearest, one stays
    image[cells[..., 0].ravel(), cells[..., 1].ravel()] = np.repeat(
        (colors * shade[:, None])[order], len(stamp), axis=0
    )
    return image


def gallery_row(category: str, seed: int) -> np.ndarray:
    """Pictures of one category side by side: the first shape at every level, others at the finest."""
    levels = load_taxonomy(category).levels
    pictures = []
    for index in range(EXAMPLES):
        shape = generate_shape(category, seed, index, POINTS)
        for level in levels if index == 0 else levels[-1:]:
            colors = instance_colors(level_labels(shape, level)[1])
            pictures.append(draw_points(shape.points, shape.normals, colors))
    return np.concatenate(pictures, axis=1)


def write_sheet(path: Path, categories: Sequence[str], seed: int) -> None:
    """Saves the contact sheet of the categories as a PNG file."""
    rows = [gallery_row(category, seed) for category in tqdm(categories, desc="gallery", unit="category")]
    columns = min(COLUMNS, len(rows))
    height = -(-len(rows) // columns)
    width = rows[0].shape[1]
    figure, axes = plt.subplots(
        height, columns, squeeze=False, figsize=(columns * width / 100, height * (PIXELS + 18) / 100), dpi=100
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, row, category in zip(axes.T.flat, rows, categories):
        axis.imshow(row, interpolation="none")
        axis.set_title(f"{category}: levels 1, 2, 3; then level 3 of others", fontsize=8, pad=2, loc="left")
    figure.subplots_adjust(left=0.0, right=1.0, bottom=0.0, top=1.0 - 0.18 / (height * 1.68), wspace=0.01, hspace=0.12)
    temporary = path.with_suffix(".tmp.png")
    figure.savefig(temporary, pil_kwargs={"optimize": True})
    plt.close(figure)
    os.replace(temporary, path)


def statistics_rows(category: str, shapes: Sequence[LabeledShape]) -> list[tuple]:
    """One row for each level that the category has."""
    taxonomy = load_taxonomy(category)
    rows = []
    for index in taxonomy.real_levels:
        level = taxonomy.levels[index]
        labels = [level_labels(shape, level) for shape in shapes]
        instances = [len(np.unique(instance[instance >= 0])) for _, instance in labels]
        seen = set().union(*(np.unique(semantic) for semantic, _ in labels)) - {0}
        unlabelled = np.mean([np.mean(semantic == 0) for semantic, _ in labels])
        spread = (min(instances), f"{np.mean(instances):.1f}", max(instances))
        classes = f"{len(seen)} of {level.num_classes - 1}"
        rows.append((category, index + 1, classes, *spread, f"{100 * unlabelled:.1f} %"))
    return rows


def write_statistics(path: Path, categories: Sequence[str], seed: int, num_shapes: int) -> None:
    """Saves the table of statistics over `num_shapes` shapes of each category."""
    rows = []
    for category in tqdm(categories, desc="statistics", unit="category"):
        shapes = [generate_shape(category, seed, index) for index in range(num_shapes)]
        rows += statistics_rows(category, shapes)
    text = (
        f"# Procedural shapes in numbers\n\nOver {num_shapes} shapes of each category (seed {seed}), "
        f"{len(shapes[0].points)} points each.\n\n{tabulate(rows, TABLE_HEAD, tablefmt='github')}\n"
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def write_gallery(folder: Path, categories: Sequence[str], seed: int, num_shapes: int) -> None:
    """Writes procedural_shapes.png, and procedural_shapes.md over `num_shapes` shapes a category, into a folder."""
    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    write_sheet(folder / "procedural_shapes.png", categories, seed)
    write_statistics(folder / "procedural_shapes.md", categories, seed, num_shapes)
