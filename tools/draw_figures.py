"""Draws test shapes and rooms as the paper's Figures 6, 8, 9 and 11, and precision over recall, from runs' checkpoints.

    python tools/draw_figures.py --data_dir=DIR --fusion=RUN [--baseline=RUN] --out=DIR --shapes=0,3

A panel shows the ground truth, the baseline, and the network with fusion: of PartNet's shapes the cross-level network
without and with semantic region centers. Without --baseline it shows the readings of one run. Instances have the color
of the ground truth they match, wrong ones a red frame; the inset shows the shifted points that are clustered. RUN is a
run's folder, a checkpoint prefix or a folder of weights; both are of one category or data set. Leaves in --out:

    shape_<row>_level_<k>.png                          the panel
    all_level_<k>.png                                  the panels of several shapes, two in a row
    shape_<row>_level_<k>/<column>.ply, _shifted.ply   its columns, with the properties `semantic` and `instance`
    curves_level_<k>.png                               over the whole split, with --curves, of PartNet alone
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from instance_seg.building import make_data_set, restore_system
from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.batches import Split
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.drawing.curves import render_curves
from instance_seg.drawing.panels import panel_columns
from instance_seg.drawing.pictures import Column, render_panel, stacked, write_png
from instance_seg.drawing.ply import write_labels
from instance_seg.evaluation.evaluate import Drawable, Evaluation, evaluate
from instance_seg.evaluation.predictor import Predictor
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.structures import Cloud, Labels
from instance_seg.training.checkpoint_files import described_config

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", None, "the data set", required=True)
flags.DEFINE_string("baseline", None, "run of a baseline; default: none")
flags.DEFINE_string("fusion", None, "run of the network with fusion; without --baseline any run", required=True)
flags.DEFINE_string("out", None, "folder for the pictures", required=True)
flags.DEFINE_list("shapes", ["0"], "rows of the split: shapes or rooms")
flags.DEFINE_enum("split", "test", ["train", "val", "test"], "split that is shown")
flags.DEFINE_float("bandwidth", ClusterConfig.bandwidth, "of mean-shift")
flags.DEFINE_float("push", ClusterConfig.semantic_center_offset, "lambda of Eq. 7")
flags.DEFINE_enum("region_push", "unit", ["unit", "soft"], "unit: Eq. 7; soft: ours")
flags.DEFINE_integer("size", None, "pixels of a cloud; default: 320, of rooms 480", 50, 2000)
flags.DEFINE_float("below", 1.0, "share of the height that is drawn: 0.8 takes the ceiling off a room", 0.05, 1.0)
flags.DEFINE_bool("curves", False, "draw precision over recall too: measures all shapes")
flags.DEFINE_float("threshold", 0.5, "IoU of the curves: 0.25, 0.5 or 0.75")

BASELINE, WITHOUT, WITH = "baseline", "cross-level, without region centers", "cross-level, with region centers"
PLAIN, FUSION = "without fusion", "with fusion"  # of systems with one reading


class Run:
    """A system with its weights, and the split it is shown on.

    Args:
        checkpoint: run folder or checkpoint prefix.
        data_dir, split: what is read.
        settings: of the system, in place of those the run had.
    """

    def __init__(self, checkpoint: str, data_dir: str, split: str, settings: Mapping[str, Any]):
        known = described_config(checkpoint).flat()
        self.config = described_config(checkpoint, {name: settings[name] for name in settings if name in known})
        self.data_set = make_data_set(self.config)
        self.task = self.data_set.task()
        self.system = restore_system(self.config, self.task, checkpoint)
        self.clouds = self.data_set.split(data_dir, split)
        self.readings = self.system.readings(self.config.network)

    def evaluate(self, clouds: Sequence[Cloud], num_samples: int = 0) -> Evaluation:
        """Measures clouds, one at a time."""
        batches = evaluation_dataset(Split(clouds, self.task), 1, self.system.tables)
        predictor = Predictor(self.system, batches.element_spec)
        metrics = self.data_set.metrics
        return evaluate(predictor, batches, self.readings, metrics, self.config.metric, None, num_samples)

    @property
    def picture(self) -> dict[str, Any]:
        """How its clouds are drawn."""
        return {"up": self.data_set.up, **self.data_set.picture}


def draw_shapes(baseline: Run | None, fusion: Run, rows: Sequence[int], out: Path, picture: Mapping[str, Any]) -> None:
    """All panels of some shapes or rooms, with the PLY files of their columns.

    Args:
        rows: of the split.
        picture: how panels are drawn, arguments of render_panel in place of the data set's.
    """
    runs = [fusion] if baseline is None else [baseline, fusion]
    samples = [run.evaluate([run.clouds[row] for row in rows], len(rows)).samples for run in runs]
    for level in fusion.task.levels:
        panels = []
        for row, *of_runs in zip(rows, *samples, strict=True):
            if all(level.name in sample.levels for sample in of_runs):
                truth, shown = of_runs[-1].levels[level.name]
                if baseline is not None:
                    shown = _beside(of_runs[0].levels[level.name][1], shown)
                base = out / f"shape_{row}_level_{level.number}"
                seen = of_runs[-1]
                panels.append(write_panel(base, seen.xyz, truth, shown, seen.normals, fusion.picture | picture))
        if len(panels) > 1:
            write_png(out / f"all_level_{level.number}.png", stacked(panels), palette=True)


def _beside(baseline: Sequence[Drawable], fusion: Sequence[Drawable]) -> list[Drawable]:
    """What is shown of two runs; what is clustered without a push comes first."""
    found = [*baseline[::-1][:1], *fusion[::-1]]
    titles = (PLAIN, FUSION) if len(found) == 2 else (BASELINE, WITHOUT, WITH)
    return [each._replace(title=title) for each, title in zip(found, titles, strict=True)]


def write_panel(
    base: Path,
    xyz: np.ndarray,
    truth: Labels,
    shown: Sequence[Drawable],
    normals: np.ndarray | None,
    picture: Mapping[str, Any],
) -> np.ndarray:
    """Writes BASE.png, and a PLY for every column into the folder BASE, and returns the panel.

    `instance` is numbered after the ground truth.

    Args:
        picture: how the panel is drawn, arguments of render_panel.
    """
    columns = panel_columns(xyz, truth, shown, normals)
    panel = render_panel(columns, **picture)
    write_png(base.with_name(f"{base.name}.png"), panel)
    write_labels(base / f"{_file_name(columns[0])}.ply", xyz, truth.semantic, truth.instance)
    for column, (_, segmented, _) in zip(columns[1:], shown):
        write_labels(base / f"{_file_name(column)}.ply", xyz, segmented.semantic, column.labels)
        if segmented.shifted is not None:
            path = base / f"{_file_name(column)}_shifted.ply"
            write_labels(path, segmented.shifted, segmented.semantic, column.labels)
    return panel


def draw_curves(baseline: Run, fusion: Run, threshold: float, out: Path) -> None:
    """Precision over recall of every class, one picture a level."""
    first, second = (
        {name: found for name, found in run.evaluate(run.clouds).metrics.items()} for run in (baseline, fusion)
    )
    (_, plain), (given, none) = first.values(), second.values()
    for level in baseline.task.levels:
        if level.name in plain and level.name in given:
            of = {BASELINE: plain, WITHOUT: none, WITH: given}
            methods = {title: metrics[level.name][0].summary() for title, metrics in of.items()}
            write_png(out / f"curves_level_{level.number}.png", render_curves(methods, threshold))


def check_runs(baseline: Run | None, fusion: Run, shapes: list[int], curves: bool) -> None:
    """ValueError unless both runs are of one category or data set, which has the shapes and a common level."""
    runs = [fusion] if baseline is None else [baseline, fusion]
    names = [run.task.subset or run.task.dataset for run in runs]
    if names[0] != names[-1]:
        raise ValueError(f"--baseline is of {names[0]}, --fusion of {names[1]}; give runs of one category")
    levels = [{run.task.levels[k].name for k in run.task.scored} for run in runs]
    if not levels[0] & levels[-1]:
        raise ValueError("--baseline and --fusion have no level in common")
    if curves and baseline is None:
        raise ValueError("--curves: precision over recall is drawn of two runs; give --baseline")
    if curves and fusion.task.dataset != "partnet":
        raise ValueError(f"--curves: precision over recall is drawn of PartNet alone, these runs are of {names[0]}")
    for row in shapes:
        if row not in range(len(fusion.clouds)):
            raise ValueError(f"--shapes: there is no shape {row}; the split has 0 to {len(fusion.clouds) - 1}")


@ending_at_signals("stopped; pictures that were finished stay, and the same command starts again")
def main(argv: list[str]) -> None:
    """Draws what the flags ask for."""
    refuse_arguments(argv)
    out = Path(FLAGS.out)
    try:
        shapes = [int(row) for row in FLAGS.shapes if row]
        names = {"bandwidth": FLAGS.bandwidth, "semantic_center_offset": FLAGS.push, "region_push": FLAGS.region_push}
        named = (FLAGS.baseline, FLAGS.fusion)
        runs = [each and Run(each, FLAGS.data_dir, FLAGS.split, names) for each in named]
        check_runs(*runs, shapes, FLAGS.curves)
        picture = {"below": FLAGS.below} | ({"size": FLAGS.size} if FLAGS.size else {})
        draw_shapes(*runs, shapes, out, picture)
        if FLAGS.curves:
            draw_curves(*runs, FLAGS.threshold, out)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {len(shapes)} shapes")


def _file_name(column: Column) -> str:
    return column.title.replace(",", "").replace(" ", "_")


if __name__ == "__main__":
    app.run(main)
