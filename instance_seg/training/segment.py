"""From a network and a batch to segmented shapes: prediction, then clustering."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import PredictedLevel, segment_levels
from instance_seg.clustering.shift import shift_points
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.report.figures import Segmentation
from instance_seg.structures import ShapeLevel
from instance_seg.training.trainer import apply_network


class PointPrediction(NamedTuple):
    """What the network says of the points of one shape at one level (NumPy)."""

    points: PredictedLevel  # what clustering needs
    entropy: np.ndarray  # [N] float32, nats, over all classes


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


def segment_batch(
    shapes: list[list[PointPrediction]], batch, taxonomy: Taxonomy, config: ClusterConfig
) -> list[dict[int, ShapeLevel]]:
    """Segments every (shape, level) of a batch, all their regions side by side.

    Returns:
        for each shape: position among the taxonomy's levels -> its labels; levels that do not exist are left out.
    """
    keys = [(b, k) for b in range(len(shapes)) for k in taxonomy.real_levels]
    ids = dict(zip(keys, segment_levels([shapes[b][k].points for b, k in keys], config)))
    splits = batch.points.row_splits.numpy()
    truth = [(x.semantic.numpy(), x.instance.numpy()) for x in batch.labels]
    segmented = []
    for b, levels in enumerate(shapes):
        rows = slice(splits[b], splits[b + 1])
        segmented.append(
            {
                k: ShapeLevel(*(x[rows] for x in truth[k]), levels[k].points.semantic, ids[b, k], levels[k].entropy)
                for k in taxonomy.real_levels
            }
        )
    return segmented


def drawable(title: str, predicted: PointPrediction, level: ShapeLevel, config: ClusterConfig) -> Segmentation:
    """A column of a panel: one shape and level as `config` segments it, with the points that were clustered."""
    points = predicted.points
    shifted = shift_points(points.xyz, points.instance_offset, points.region_offset, config)
    return Segmentation(title, level, shifted)
