"""Contact sheet of the procedural shapes, and a table of what they hold, for `make_procedural.py --gallery`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

from instance_seg.data.partnet.shape import LabeledShape, level_labels
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.drawing.pictures import Column, render_panel
from instance_seg.files import replacing
from instance_seg.procedural import generate_shape
from instance_seg.tables import write_text

PIXELS, POINTS = 150, 30000  # width of a picture; points of a shape in it (dense enough to hide what lies behind)
EXAMPLES = 4  # shapes of a category on the sheet: all levels of the first, the finest level of the others
COLUMNS = 2  # categories side by side

TABLE_HEAD = ("category", "level", "classes seen", "instances per shape: least", "mean", "most", "unlabeled")


def gallery_row(category: str, seed: int) -> np.ndarray:
    """Pictures of one category side by side: the first shape at every level, others at the finest."""
    levels = dict(enumerate(load_taxonomy(category).levels, 1))
    columns = []
    for index in range(EXAMPLES):
        shape = generate_shape(category, seed, index, POINTS)
        for number in levels if index == 0 else [max(levels)]:
            instance = level_labels(shape, levels[number]).instance
            title = f"level {number}" if columns else f"{category}, level {number}"
            columns.append(Column(title, shape.points, instance, shape.normals))
    return render_panel(columns, PIXELS)


def write_sheet(path: Path, categories: Sequence[str], seed: int) -> None:
    """Saves the contact sheet of the categories as a PNG file."""
    rows = [gallery_row(category, seed) for category in tqdm(categories, desc="gallery", unit="category")]
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % COLUMNS)
    height = len(rows) // COLUMNS
    columns = [np.concatenate(rows[first : first + height]) for first in range(0, len(rows), height)]
    sheet = Image.fromarray(np.concatenate(columns, axis=1))
    with replacing(path) as temporary:
        sheet.quantize(64).save(temporary, "PNG", optimize=True)  # a third of the bytes


def statistics_rows(category: str, shapes: Sequence[LabeledShape]) -> list[tuple]:
    """One row for each level that the category has."""
    taxonomy = load_taxonomy(category)
    rows = []
    for index in taxonomy.real_levels:
        level = taxonomy.levels[index]
        labels = [level_labels(shape, level) for shape in shapes]
        instances = [len(np.unique(instance[instance >= 0])) for _, instance in labels]
        seen = set().union(*(np.unique(semantic) for semantic, _ in labels)) - {0}
        unlabeled = np.mean([np.mean(semantic == 0) for semantic, _ in labels])
        spread = (min(instances), f"{np.mean(instances):.1f}", max(instances))
        classes = f"{len(seen)} of {level.num_classes - 1}"
        rows.append((category, index + 1, classes, *spread, f"{100 * unlabeled:.1f} %"))
    return rows


def write_statistics(path: Path, categories: Sequence[str], seed: int, num_shapes: int) -> None:
    """Saves the table of statistics over `num_shapes` shapes of each category."""
    rows = []
    for category in tqdm(categories, desc="statistics", unit="category"):
        shapes = [generate_shape(category, seed, index) for index in range(num_shapes)]
        rows += statistics_rows(category, shapes)
    text = (
        f"# Procedural shapes in numbers\n\nOver {num_shapes} shapes of each category (seed {seed}), "
        f"{len(shapes[0].points)} points each, as `tools/make_procedural.py --gallery` writes it.\n\n"
        f"{tabulate(rows, TABLE_HEAD, tablefmt='github')}\n"
    )
    write_text(path, text)


def write_gallery(folder: Path, categories: Sequence[str], seed: int, num_shapes: int) -> None:
    """Writes procedural_shapes.png, and procedural_shapes.md over `num_shapes` shapes a category, into a folder."""
    write_sheet(folder / "procedural_shapes.png", categories, seed)
    write_statistics(folder / "procedural_shapes.md", categories, seed, num_shapes)
