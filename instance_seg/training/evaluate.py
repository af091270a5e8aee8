"""From a network and test shapes to the measures of every level, in both rows: with and without region centers."""

import contextlib
import dataclasses
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.partnet.formats.predictions_h5 import PredictionWriter, instances_to_masks
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.files import replacing_folder
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.metrics.matching import find_instances, instance_confidence
from instance_seg.metrics.partnet import LevelMetrics, measure_shape, summarize_level
from instance_seg.report.figures import Segmentation
from instance_seg.report.table import WITH, WITHOUT
from instance_seg.structures import ShapeLevel
from instance_seg.training.segment import PointPrediction, Predictor, drawable, segment_batch


class Rows(NamedTuple):
    """The clusterings of the two rows of a table."""

    with_region_centers: ClusterConfig
    without_region_centers: ClusterConfig


class Sample(NamedTuple):
    """One test shape with everything there is to draw of it."""

    xyz: np.ndarray  # [N, 3] float32
    normals: np.ndarray  # [N, 3] float32
    levels: dict[int, list[Segmentation]]  # position among the taxonomy's levels -> without and with region centers


class Evaluation(NamedTuple):
    """Measures by row and level, and where the time went."""

    with_region_centers: dict[int, LevelMetrics]  # index among the category's levels -> measures
    without_region_centers: dict[int, LevelMetrics]
    seconds: dict[str, float]  # predict, cluster, metrics
    samples: list[Sample]  # the shapes of the first batches, for pictures


class Stopwatch:
    """Adds up the seconds spent under each name."""

    def __init__(self):
        self.seconds = defaultdict(float)

    @contextlib.contextmanager
    def time(self, name: str):
        """Counts the block towards `name`."""
        begin = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begin


def both_rows(config: ClusterConfig) -> Rows:
    """The given clustering and the one without a push, whatever the kind of the push."""
    none = dataclasses.replace(config, semantic_center_offset=0.0, region_push=ClusterConfig.region_push)
    return Rows(config, none)


def evaluate_network(
    predictor: Predictor,
    batches: tf.data.Dataset,
    taxonomy: Taxonomy,
    config: ClusterConfig,
    predictions: Path | None = None,
    num_samples: int = 0,
    arithmetic: str = PUBLISHED,
) -> Evaluation:
    """Predicts, clusters and measures all test shapes, one batch after the other.

    Args:
        predictor: of the network.
        batches: pipeline batches of the test split, in the order of the split.
        taxonomy: names the levels that exist; others are neither clustered nor measured.
        config: clustering; the second row has semantic_center_offset = 0.
        predictions: folder for PartNet's prediction files (<Category>-<level>/test-NN.h5), of the first row; it comes
            to be, or takes the place of an older one, after the last batch.
        num_samples: how many of the first shapes are kept for pictures.
        arithmetic: of average precision (metrics/average_precision.py).
    """
    watch, rows, samples = Stopwatch(), both_rows(config), []
    measurements = [Measurement(row, taxonomy, arithmetic) for row in rows]
    with contextlib.ExitStack() as stack:
        writers = _prediction_writers(stack, predictions, taxonomy)
        for batch in stack.enter_context(_progress(batches)):
            with watch.time("predict"):
                shapes = predictor(batch)
            segmented = Rows(*(measurement.add(shapes, batch) for measurement in measurements))
            missing = num_samples - len(samples)
            if missing > 0:
                samples += _samples(shapes, batch, segmented, rows)[:missing]
            for shape in segmented.with_region_centers:
                _write_predictions(writers, shape)
    return _evaluation(watch, *measurements, samples)


def evaluate_sweep(
    predictor: Predictor,
    batches: tf.data.Dataset,
    taxonomy: Taxonomy,
    configs: Sequence[ClusterConfig],
    arithmetic: str = PUBLISHED,
) -> list[Evaluation]:
    """Measures several clusterings of the same predictions; what they have in common is clustered once.

    Args: see evaluate_network.

    Returns:
        one Evaluation for each of `configs`; each counts the time of the prediction, and of its own two rows.
    """
    watch = Stopwatch()
    measurements = {row: Measurement(row, taxonomy, arithmetic) for config in configs for row in both_rows(config)}
    with _progress(batches) as progress:
        for batch in progress:
            with watch.time("predict"):
                shapes = predictor(batch)
            for measurement in measurements.values():
                measurement.add(shapes, batch)
    return [_evaluation(watch, *(measurements[row] for row in both_rows(config))) for config in configs]


class Measurement:
    """The measures of one clustering, batch after batch."""

    def __init__(self, config: ClusterConfig, taxonomy: Taxonomy, arithmetic: str):
        self.config, self.taxonomy, self.arithmetic = config, taxonomy, arithmetic
        self.watch, self._measured = Stopwatch(), defaultdict(list)

    def add(self, shapes: list[list[PointPrediction]], batch) -> list[dict[int, ShapeLevel]]:
        """Clusters and measures the shapes of a batch; returns them as segment_batch does."""
        with self.watch.time("cluster"):
            segmented = segment_batch(shapes, batch, self.taxonomy, self.config)
        with self.watch.time("metrics"):
            for levels in segmented:
                for k, level in levels.items():
                    measured = measure_shape(level, self.taxonomy.num_classes[k])
                    if measured is not None:
                        self._measured[k].append(measured)
        return segmented

    def levels(self) -> dict[int, LevelMetrics]:
        """Index among the category's levels -> measures of all shapes so far."""
        with self.watch.time("metrics"):
            levels = self.taxonomy.levels
            measures = {
                k: summarize_level(self._measured[k], levels[k].names, self.arithmetic)
                for k in self.taxonomy.real_levels
            }
        return {self.taxonomy.first + k: found for k, found in measures.items()}


def _evaluation(
    watch: Stopwatch, first: Measurement, second: Measurement, samples: Sequence[Sample] = ()
) -> Evaluation:
    levels = first.levels(), second.levels()
    seconds = {name: first.watch.seconds[name] + second.watch.seconds[name] for name in ("cluster", "metrics")}
    return Evaluation(*levels, {"predict": watch.seconds["predict"], **seconds}, list(samples))


def _progress(batches: tf.data.Dataset) -> tqdm:
    return tqdm(batches, desc="evaluating", unit="batch", leave=False, dynamic_ncols=True)


def _samples(shapes, batch, segmented: Rows, rows: Rows) -> list[Sample]:
    """Every shape of a batch, ready to be drawn."""
    splits, normals = batch.points.row_splits.numpy(), batch.points.normals.numpy()
    columns = (
        (WITHOUT, segmented.without_region_centers, rows.without_region_centers),
        (WITH, segmented.with_region_centers, rows.with_region_centers),
    )
    samples = []
    for b, predicted in enumerate(shapes):
        levels = {
            k: [drawable(title, predicted[k], found[b][k], config) for title, found, config in columns]
            for k in segmented.with_region_centers[b]
        }
        samples.append(Sample(predicted[0].points.xyz, normals[splits[b] : splits[b + 1]], levels))
    return samples


def _prediction_writers(stack, folder, taxonomy) -> dict[int, PredictionWriter]:
    if folder is None:
        return {}
    new = stack.enter_context(replacing_folder(folder))
    names = {k: new / f"{taxonomy.category}-{taxonomy.first + k + 1}" for k in taxonomy.real_levels}
    return {k: stack.enter_context(PredictionWriter(path)) for k, path in names.items()}


def _write_predictions(writers: dict[int, PredictionWriter], levels: dict[int, ShapeLevel]) -> None:
    for k, writer in writers.items():
        level = levels[k]
        instances = find_instances(level.instance, level.semantic, int(level.semantic.max()) + 1)
        confidence = instance_confidence(instances, level.entropy)
        writer.append(instances_to_masks(instances.index, instances.label, confidence))
