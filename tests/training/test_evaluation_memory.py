"""An evaluation keeps nothing of a shape but its measures, however many shapes there are."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import PredictedLevel
from instance_seg.data.partnet.formats.predictions_h5 import read_predictions
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.evaluation.evaluate import evaluate_network
from instance_seg.evaluation.predictor import PointPrediction
from instance_seg.structures import LevelLabels, Points

NUM_POINTS = 10_000
CHAIR = load_taxonomy("Chair")


class Batches:
    """Any number of batches of one shape: a row of 40 parts, predicted as it is labeled."""

    def __init__(self, number):
        self.number = number

    def __len__(self):
        return self.number

    def __iter__(self):
        for _ in range(self.number):
            part = np.arange(NUM_POINTS, dtype=np.int32) % 40
            xyz = np.zeros((NUM_POINTS, 3), np.float32)
            xyz[:, 0] = part / 20 - 1
            vectors = tf.constant(xyz)
            labels = LevelLabels(tf.constant(1 + part % 3), tf.constant(part), vectors, vectors)
            points = Points(vectors, vectors, tf.constant([0, NUM_POINTS]))
            yield SimpleNamespace(points=points, labels=(labels,) * 3)


def predict(batch):
    nothing = np.zeros((NUM_POINTS, 3), np.float32)
    level = PredictedLevel(batch.points.xyz.numpy(), batch.labels[0].semantic.numpy().copy(), nothing, nothing)
    return [[PointPrediction(level, np.zeros(NUM_POINTS, np.float32))] * 3]


def peak(number, folder):
    """Bytes that Python and NumPy hold at most in an evaluation of so many shapes."""
    tracemalloc.start()
    try:
        found = evaluate_network(predict, Batches(number), CHAIR, ClusterConfig(0.02, 0.0), folder, num_samples=1)
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(list(read_predictions(folder / "Chair-3"))) == number and len(found.samples) == 1
    assert [round(level.AP50) for level in found.with_region_centers.values()] == [100, 100, 100]
    return highest


def test_memory_does_not_grow_with_the_number_of_shapes(tmp_path):
    peak(1, tmp_path / "warm")
    few, many = (peak(number, tmp_path / str(number)) for number in (3, 15))
    a_shape = (many - few) / 12
    assert a_shape < 50_000  # two rows of measures at three levels; its masks alone are 150,000 bytes, as bits
