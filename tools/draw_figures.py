"""Draws test shapes as the paper's Figures 6, 8 and 11, and precision over recall, from the checkpoints of runs.

    python tools/draw_figures.py --data_dir=DIR --baseline=RUN --cross_level=RUN --out=DIR --shapes=0,3

A panel shows the ground truth, the baseline, and the cross-level network without and with semantic region centers.
Instances have the color of the ground truth they match, wrong ones a red frame; the inset shows the shifted points
that are clustered. RUN is a run's folder or a checkpoint prefix; both are of one category. Leaves in --out:

    shape_<row>_level_<k>.png                          the panel
    shape_<row>_level_<k>/<column>.ply, _shifted.ply   its columns, with the properties `semantic` and `instance`
    curves_level_<k>.png                               over the whole split, with --curves
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.partnet.dataset import PartNetDataset
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.interrupt import ending_at_signals
from instance_seg.metrics.partnet import LevelMetrics
from instance_seg.predict import write_labels
from instance_seg.report.curves import render_curves
from instance_seg.report.figures import Segmentation, panel_columns
from instance_seg.report.pictures import Column, match_colors, render_panel, write_png
from instance_seg.training.evaluate import Rows, both_rows, evaluate_network
from instance_seg.training.experiment import load_split, octree_config, restore_network
from instance_seg.training.segment import Predictor, drawable, segment_batch
from instance_seg.training.segment_cloud import described_run

BASELINE, WITHOUT, WITH = "baseline", "cross-level, without region centers", "cross-level, with region centers"


class Run:
    """A network with its weights, and the split it is shown on.

    Args:
        checkpoint: run folder or checkpoint prefix.
        data_dir, split: what is read.
    """

    def __init__(self, checkpoint: str, data_dir: str, split: str):
        config, self.taxonomy = described_run(checkpoint)
        self.config = dataclasses.replace(config, data=dataclasses.replace(config.data, data_dir=data_dir))
        self.network = restore_network(self.config, self.taxonomy, checkpoint)
        self.data = load_split(self.config, split, 0)
        self.predictor = Predictor(self.network, self._batches(self.data).element_spec)

    def segment(self, row: int, rows: dict[str, ClusterConfig]) -> dict[int, list[Segmentation]]:
        """Segments a shape: level index among the category's -> one Segmentation for each title of `rows`."""
        shape = PartNetDataset(self.data.category, self.data.split, (self.data.shapes[row],))
        batch = next(iter(self._batches(shape)))
        (predicted,) = shapes = self.predictor(batch)
        columns = [
            (title, segment_batch(shapes, batch, self.taxonomy, cluster)[0], cluster) for title, cluster in rows.items()
        ]
        return {
            self.taxonomy.first + k: [
                drawable(title, predicted[k], found[k], cluster) for title, found, cluster in columns
            ]
            for k in self.taxonomy.real_levels
        }

    def measure(self, cluster: ClusterConfig) -> tuple[dict[int, LevelMetrics], dict[int, LevelMetrics]]:
        """Measures of the whole split by level, with region centers and without."""
        evaluation = evaluate_network(self.predictor, self._batches(self.data), self.taxonomy, cluster)
        return evaluation.with_region_centers, evaluation.without_region_centers

    def _batches(self, shapes: PartNetDataset):
        """One shape a batch."""
        return evaluation_dataset(shapes, 1, octree_config(self.config))


def draw_shape(baseline: Run, cross_level: Run, row: int, clusterings: Rows, out: Path) -> None:
    """All panels of one shape, with the PLY files of their columns."""
    first = baseline.segment(row, {BASELINE: clusterings.without_region_centers})
    second = cross_level.segment(row, dict(zip((WITHOUT, WITH), reversed(clusterings))))
    shape = cross_level.data.shapes[row]
    for k in sorted(set(first) & set(second)):
        name = f"shape_{row}_level_{k + 1}"
        write_panel(out / name, shape.points, first[k] + second[k], shape.normals)


def write_panel(base: Path, xyz: np.ndarray, segmentations: list[Segmentation], normals: np.ndarray | None) -> None:
    """BASE.png, and a PLY for every column in the folder BASE; `instance` is numbered after the ground truth."""
    columns = panel_columns(xyz, segmentations, normals)
    write_png(base.with_name(f"{base.name}.png"), render_panel(columns))
    truth = segmentations[0].level
    write_labels(base / f"{_file_name(columns[0])}.ply", xyz, truth.gt_semantic, truth.gt_instance)
    for column, (_, level, shifted) in zip(columns[1:], segmentations):
        labels = match_colors(level.instance, level.gt_instance)
        write_labels(base / f"{_file_name(column)}.ply", xyz, level.semantic, labels)
        if shifted is not None:
            write_labels(base / f"{_file_name(column)}_shifted.ply", shifted, level.semantic, labels)


def draw_curves(baseline: Run, cross_level: Run, clusterings: Rows, threshold: float, out: Path) -> None:
    """Precision over recall of every class, one picture a level."""
    _, first = baseline.measure(clusterings.with_region_centers)
    with_centers, without = cross_level.measure(clusterings.with_region_centers)
    for k in sorted(set(first) & set(without)):
        methods = {BASELINE: first[k], WITHOUT: without[k], WITH: with_centers[k]}
        write_png(out / f"curves_level_{k + 1}.png", render_curves(methods, threshold))


def check_runs(baseline: Run, cross_level: Run, shapes: list[int]) -> None:
    """ValueError unless both runs are of one category, which has the shapes and a common level."""
    names = baseline.taxonomy.category, cross_level.taxonomy.category
    if names[0] != names[1]:
        raise ValueError(f"--baseline is of {names[0]}, --cross_level of {names[1]}; give runs of one category")
    levels = [{run.taxonomy.first + k for k in run.taxonomy.real_levels} for run in (baseline, cross_level)]
    if not levels[0] & levels[1]:
        raise ValueError("--baseline and --cross_level have no level in common")
    for row in shapes:
        if row not in range(len(cross_level.data)):
            raise ValueError(f"--shapes: there is no shape {row}; the split has 0 to {len(cross_level.data) - 1}")


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, help="PartNet's trees, or made ones")
    parser.add_argument("--baseline", required=True, help="run of a baseline")
    parser.add_argument("--cross_level", required=True, help="run of the cross-level network")
    parser.add_argument("--out", required=True, type=Path, help="folder for the pictures")
    parser.add_argument("--shapes", default="0", help="rows of the split, separated by commas")
    parser.add_argument("--split", default="test", choices=("train", "val", "test"), help="split that is shown")
    parser.add_argument("--bandwidth", type=float, default=ClusterConfig.bandwidth, help="of mean-shift")
    parser.add_argument("--push", type=float, default=ClusterConfig.semantic_center_offset, help="lambda of Eq. 7")
    parser.add_argument("--region_push", default="unit", choices=("unit", "soft"), help="unit: Eq. 7; soft: ours")
    parser.add_argument("--curves", action="store_true", help="draw precision over recall too: measures all shapes")
    parser.add_argument("--threshold", type=float, default=0.5, help="IoU of the curves: 0.25, 0.5 or 0.75")
    return parser.parse_args(argv)


@ending_at_signals("stopped; pictures that were finished stay, and the same command starts again")
def main(argv: list[str] | None = None) -> None:
    """Draws what the flags ask for."""
    given = parse_arguments(argv)
    try:
        shapes = [int(row) for row in given.shapes.split(",") if row]
        clusterings = both_rows(ClusterConfig(given.bandwidth, given.push, region_push=given.region_push))
        runs = [Run(checkpoint, given.data_dir, given.split) for checkpoint in (given.baseline, given.cross_level)]
        check_runs(*runs, shapes)
        for row in shapes:
            draw_shape(*runs, row, clusterings, given.out)
        if given.curves:
            draw_curves(*runs, clusterings, given.threshold, given.out)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"{given.out}: {len(shapes)} shapes")


def _file_name(column: Column) -> str:
    return column.title.replace(",", "").replace(" ", "_")


if __name__ == "__main__":
    main()
