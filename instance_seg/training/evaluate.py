"""From a network and test shapes to the measures of every level, in both rows: with and without region centers."""

import contextlib
import dataclasses
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import PredictedLevel, segment_levels
from instance_seg.data.predictions_h5 import PredictionWriter, instances_to_masks
from instance_seg.data.taxonomy import Taxonomy
from instance_seg.metrics.matching import find_instances, instance_confidence
from instance_seg.metrics.partnet import LevelMetrics, measure_shape, summarize_level
from instance_seg.structures import ShapeLevel
from instance_seg.training.trainer import apply_network


class PointPrediction(NamedTuple):
    """What the network says of the points of one shape at one level (NumPy)."""

    points: PredictedLevel  # what clustering needs
    entropy: np.ndarray  # [N] float32, nats, over all classes


class Segmented(NamedTuple):
    """One test shape with everything there is to draw of it."""

    xyz: np.ndarray  # [N, 3] float32
    levels: dict[int, ShapeLevel]  # level index -> labels, with region centers


class Evaluation(NamedTuple):
    """Measures by row and level, and where the time went."""

    with_region_centers: dict[int, LevelMetrics]  # index among the category's levels -> measures
    without_region_centers: dict[int, LevelMetrics]
    seconds: dict[str, float]  # predict, cluster, metrics
    samples: list[Segmented]  # the shapes of the first batches, for pictures


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


class Predictor:
    """Runs a network over batches, in inference mode."""

    def __init__(self, model, element_spec):
        self._model, self._spec = model, element_spec
        self._by_batch_size = {}  # one graph each: the fusion wants to know the number of shapes

    def __call__(self, batch) -> list[list[PointPrediction]]:
        """One list of levels per shape of the batch."""
        splits = batch.points.row_splits.numpy()
        xyz = batch.points.xyz.numpy()
        levels = [[x.numpy() for x in level] for level in self._graph(len(splits))(batch)]
        return [
            [
                PointPrediction(PredictedLevel(xyz[a:b], *(x[a:b] for x in points)), entropy[a:b])
                for *points, entropy in levels
            ]
            for a, b in zip(splits[:-1], splits[1:])
        ]

    def _graph(self, num_splits):
        if num_splits not in self._by_batch_size:
            points = self._spec.points._replace(row_splits=tf.TensorSpec([num_splits], tf.int32))
            signature = [self._spec._replace(points=points)]
            self._by_batch_size[num_splits] = tf.function(self._predict_batch, input_signature=signature)
        return self._by_batch_size[num_splits]

    def _predict_batch(self, batch):
        outputs = []
        for prediction in apply_network(self._model, batch, training=False):
            log_p = tf.nn.log_softmax(prediction.logits)
            entropy = -tf.reduce_sum(tf.exp(log_p) * log_p, axis=1)
            semantic = tf.argmax(prediction.logits, axis=1, output_type=tf.int32)
            outputs.append((semantic, prediction.instance_offset, prediction.region_offset, entropy))
        return outputs


def evaluate_network(
    model,
    batches: tf.data.Dataset,
    taxonomy: Taxonomy,
    config: ClusterConfig,
    predictions: Path | None = None,
    num_samples: int = 0,
) -> Evaluation:
    """Predicts, clusters and measures all test shapes, one batch after the other.

    Args:
        model: the network.
        batches: pipeline batches of the test split, in the order of the split.
        taxonomy: names the levels that exist; others are neither clustered nor measured.
        config: clustering; the second row has semantic_center_offset = 0.
        predictions: folder for PartNet's prediction files (<Category>-<level>/test-NN.h5), of the first row.
        num_samples: how many of the first shapes are kept for pictures.
    """
    watch = Stopwatch()
    predictor = Predictor(model, batches.element_spec)
    rows = (config, dataclasses.replace(config, semantic_center_offset=0.0))
    results = [defaultdict(list) for _ in rows]
    samples: list[Segmented] = []
    with contextlib.ExitStack() as stack:
        writers = _prediction_writers(stack, predictions, taxonomy)
        for batch in tqdm(batches, desc="evaluating", unit="batch", leave=False, dynamic_ncols=True):
            with watch.time("predict"):
                shapes = predictor(batch)
            with watch.time("cluster"):
                segmented = [_cluster(shapes, batch, taxonomy, row) for row in rows]
            with watch.time("metrics"):
                for found, result in zip(segmented, results):
                    _measure(found, taxonomy, result)
            samples += segmented[0][: max(0, num_samples - len(samples))]
            for shape in segmented[0]:
                _write_predictions(writers, shape)
    with watch.time("metrics"):
        levels = [_summarize(result, taxonomy) for result in results]
    return Evaluation(*levels, dict(watch.seconds), samples)


def _cluster(shapes, batch, taxonomy, config) -> list[Segmented]:
    """Segments every (shape, level) of a batch, all their regions side by side."""
    keys = [(b, k) for b in range(len(shapes)) for k in taxonomy.real_levels]
    ids = dict(zip(keys, segment_levels([shapes[b][k].points for b, k in keys], config)))
    splits = batch.points.row_splits.numpy()
    labels = [(x.semantic.numpy(), x.instance.numpy()) for x in batch.labels]
    segmented = []
    for b, levels in enumerate(shapes):
        truth = [
            (semantic[splits[b] : splits[b + 1]], instance[splits[b] : splits[b + 1]]) for semantic, instance in labels
        ]
        found = {
            k: ShapeLevel(*truth[k], levels[k].points.semantic, ids[b, k], levels[k].entropy)
            for k in taxonomy.real_levels
        }
        segmented.append(Segmented(levels[0].points.xyz, found))
    return segmented


def _measure(segmented: list[Segmented], taxonomy, result):
    for shape in segmented:
        for k, level in shape.levels.items():
            measured = measure_shape(level, taxonomy.num_classes[k])
            if measured is not None:
                result[k].append(measured)


def _summarize(result, taxonomy) -> dict[int, LevelMetrics]:
    levels = {k: summarize_level(result[k], taxonomy.levels[k].names) for k in taxonomy.real_levels}
    return {taxonomy.first + k: measures for k, measures in levels.items()}


def _prediction_writers(stack, folder, taxonomy) -> dict[int, PredictionWriter]:
    if folder is None:
        return {}
    names = {k: folder / f"{taxonomy.category}-{taxonomy.first + k + 1}" for k in taxonomy.real_levels}
    return {k: stack.enter_context(PredictionWriter(path)) for k, path in names.items()}


def _write_predictions(writers: dict[int, PredictionWriter], shape: Segmented) -> None:
    for k, writer in writers.items():
        level = shape.levels[k]
        instances = find_instances(level.instance, level.semantic, int(level.semantic.max()) + 1)
        confidence = instance_confidence(instances, level.entropy)
        writer.append(instances_to_masks(instances.index, instances.label, confidence))
