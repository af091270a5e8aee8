"""Segments eight pieces of real furniture with trained networks and tells how well their parts are found.

    bash experiments/real_shapes.sh [--runs=RUNS]

The pieces are those of the package furniture-bench 0.1 (real_pieces.py): no generator of this project made them, and
no network has seen them. RUNS/<Category> is a run of that category, or weights; without --runs those that come along.
--before=OTHER_RUNS draws beside what other runs find within classes.
Leaves in --out for each piece what `predict` leaves of a mesh, and

    table.md         for each piece and level: mean best IoU of the real parts, parts found, instances, AP50 by class
    picture.png      the real parts of each piece, and those found at the coarse and the middle level, by --before first
    PIECE.ply        the piece as a mesh, y up, whose faces have the number of their part
"""

import functools
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from real_pieces import PIECES, Assembled, assemble
from tqdm import tqdm

from instance_seg.data.partnet.shape import level_labels
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.drawing.pictures import Column, match_colors, render_panel, stacked, write_png
from instance_seg.drawing.ply import write_mesh_ply
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.metrics.best_overlap import best_of_proposals
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import PartNetAP
from instance_seg.prediction_files import write_prediction
from instance_seg.structures import Labels, Segmented, Task
from instance_seg.tables import capitalized, markdown, percent, write_text
from instance_seg.training.weights_folder import CARRIED

FLAGS = flags.FLAGS
flags.DEFINE_string("package", None, "folder of the package furniture_bench; default: where it is installed")
flags.DEFINE_string("runs", str(CARRIED), "folder with a run, or weights, for each category")
flags.DEFINE_string("before", None, "folder with runs, of as many categories as there are, to draw beside")
flags.DEFINE_string("out", "logs/real_shapes", "folder for the results")
flags.DEFINE_list("pieces", list(PIECES), "pieces to segment")

SMALLEST = 0.01  # of all points: smaller parts, nuts and knobs, are left out
HEADER = ("Piece", "Level", "Parts", "Instances", "mIoU", "Found", "AP50")


class Score(NamedTuple):
    """How well the parts of a piece are found at one level."""

    level: int  # position in the task
    parts: int
    instances: int
    mean_iou: float  # percent: of each real part the IoU of the proposal that overlaps it best
    found: float  # percent of the parts of which that IoU is at least 0.5
    average_precision: float  # percent: AP50 of the parts that have a class at this level; NaN: none has


def truth_at(piece: Assembled, position: int) -> Labels:
    """The parts of a piece at a level: those of PartNet's that it has, and real ones that the level has no class for.

    Points of tiny parts have class 0 and no instance; of real parts without a class, class 0 and an instance.
    """
    semantic, instance = level_labels(piece.shape, load_taxonomy(piece.category).levels[position])
    leaf = piece.shape.leaf_label
    instance = np.where(instance >= 0, instance, instance.max(initial=-1) + leaf)
    small = np.bincount(instance)[instance] < SMALLEST * len(instance)
    _, part = np.unique(np.where(small, -1, instance), return_inverse=True)
    return Labels(np.where(small, 0, semantic), np.int32(part - small.any()))


def score(piece: Assembled, task: Task, levels: Sequence[Segmented]) -> list[Score]:
    """The measures of every level that is scored."""
    scores = []
    for k in task.scored:
        truth, found = truth_at(piece, k), levels[k]
        best = best_of_proposals(truth.instance, found.proposals)
        metric = PartNetAP(task.levels[k], MetricConfig())
        metric.add(truth, found)
        measured = np.count_nonzero(found.proposals.label >= task.levels[k].first_scored)
        scores.append(
            Score(k, len(best), measured, 100 * best.mean(), 100 * np.mean(best >= 0.5), metric.result()["AP50"])
        )
    return scores


@functools.cache
def load_segmenter(run: pathlib.Path, reading: str) -> Any:
    """What gives the levels of a cloud (segmenter.CloudSegmenter)."""
    from instance_seg.segmenter import CloudSegmenter  # TensorFlow takes ten seconds, which errors need not wait for

    return CloudSegmenter(str(run), {}, reading)


def segment_pieces(
    package: pathlib.Path,
    runs: pathlib.Path,
    names: Sequence[str],
    out: pathlib.Path,
    before: pathlib.Path | None = None,
    load: Callable = load_segmenter,
) -> str:
    """Segments and draws the pieces; the table.

    Args:
        before: other runs, to be drawn in the reading within classes.
        load: of a run and the name of a reading.

    Raises:
        ValueError: a file of the package or of a run is wrong, or there is no run for any of the pieces.
    """
    rows, panels, bold, best = [], [], [], []
    for name in tqdm(names, desc="segmenting", unit="piece", leave=False, dynamic_ncols=True):
        piece = assemble(package, name)
        run = runs / piece.category
        if not run.is_dir():
            print(f"{name}: left out, there is no {run}", file=sys.stderr)
            continue
        seen, segment = (piece.sampled.points, piece.sampled.normals), load(run, "auto")
        task, levels = segment.task, segment(*seen)
        write_prediction(out / name, name, piece.sampled, task, levels, "y")
        mesh = piece.sampled.mesh
        part, no_class = piece.part_of_face, np.zeros(len(mesh.faces), np.int32)
        write_mesh_ply(out / f"{name}.ply", mesh.vertices, mesh.faces, no_class, part)
        scores = score(piece, task, levels)
        chosen = max(scores, key=lambda each: each.mean_iou)
        bold.append(len(rows) + scores.index(chosen))
        best.append(chosen)
        for each in scores:
            measures = (each.mean_iou, each.found, each.average_precision)
            level = capitalized(task.levels[each.level].name)
            rows.append([name.replace("_", " "), level, each.parts, each.instances, *map(percent, measures)])
        found = {"": levels}
        if before:
            other = before / piece.category
            found = {"before: ": load(other, "within")(*seen) if other.is_dir() else (), "now: ": levels}
        panels.append(picture(piece, task, found))
    if not best:
        raise ValueError(f"--runs={runs}: has no run for any of {', '.join(names)}; want <Category> folders in it")
    means = [percent(np.nanmean([each[i] for each in best])) for i in (3, 4, 5)]
    rows.append(["mean of the best levels", "", sum(b.parts for b in best), sum(b.instances for b in best), *means])
    write_png(out / "picture.png", stacked(panels), palette=True)
    table = markdown(HEADER, rows, num_names=2, bold=bold)
    write_text(out / "table.md", table + "\n")
    return table


def picture(piece: Assembled, task: Task, found: Mapping[str, Sequence[Segmented]]) -> np.ndarray:
    """The real parts, and those found at the two coarsest levels; colors are those of the parts at the finer one.

    Args:
        found: title -> the levels; () where there is no network.
    """
    points, normals, *_ = piece.sampled
    truth = truth_at(piece, task.scored[1])
    columns = [Column(piece.shape.name.model_id.replace("_", " "), points, truth.instance, normals)]
    for title, levels in found.items():
        for k in task.scored[:2]:
            name, labels, count = task.levels[k].name, np.full(len(points), -1), "no network"
            if levels:
                proposals = levels[k].proposals
                labels, count = match_colors(proposals.instance(len(points)), truth.instance), len(proposals.label)
            columns.append(Column(f"{title}{name}: {count}", points, labels, normals))
    return render_panel(columns, 200)


def installed() -> pathlib.Path:
    """The folder of the package, which is not imported. Raises ValueError if there is none."""
    spec = importlib.util.find_spec("furniture_bench")
    if spec is None:
        remedy = "pip install --no-deps furniture-bench==0.1, or give --package"
        raise ValueError(f"furniture-bench is not installed: {remedy}")
    return pathlib.Path(*spec.submodule_search_locations)


@ending_at_signals("stopped; the same command starts again")
def main(argv: list[str]) -> None:
    """Segments what the flags name."""
    refuse_arguments(argv)
    try:
        package = pathlib.Path(FLAGS.package) if FLAGS.package else installed()
        if unknown := set(FLAGS.pieces) - set(PIECES):
            raise ValueError(f"--pieces: {min(unknown)} is none of {', '.join(PIECES)}")
        before = FLAGS.before and pathlib.Path(FLAGS.before)
        print(segment_pieces(package, pathlib.Path(FLAGS.runs), FLAGS.pieces, pathlib.Path(FLAGS.out), before))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    app.run(main)
