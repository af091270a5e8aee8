"""An evaluation keeps nothing of a shape but its measures, however many shapes there are."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.partnet.formats.predictions_h5 import read_predictions
from instance_seg.data.partnet.partnet import PartNet, PartNetSettings
from instance_seg.evaluation.evaluate import evaluate
from instance_seg.metrics.config import MetricConfig
from instance_seg.structures import Labels, LevelReadout, Points
from instance_seg.systems.offset_system import OffsetSystem

NUM_POINTS = 10_000
CHAIR = PartNet(PartNetSettings("Chair"))


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
            labels = Labels(tf.constant(1 + part % 3), tf.constant(part))
            points = Points(vectors, vectors, tf.constant([0, NUM_POINTS]))
            yield SimpleNamespace(points=points, labels=(labels,) * 3)


class Predictor:
    """Predicts what is labeled, with offsets of 0, and groups as every system with offsets does."""

    system = SimpleNamespace(task=CHAIR.task(), conclude=lambda levels, reading: levels)

    def __init__(self):
        self.system.segment = lambda *args: OffsetSystem.segment(self.system, *args)

    def prepare(self, batch):
        pass

    def __call__(self, batch):
        nothing = np.zeros((NUM_POINTS, 3), np.float32)
        semantic = batch.labels[0].semantic.numpy().copy()
        return (LevelReadout(semantic, nothing, nothing, np.zeros(NUM_POINTS, np.float32)),) * 3


def peak(number, folder):
    """Bytes that Python and NumPy hold at most in an evaluation of so many shapes."""
    tracemalloc.start()
    try:
        with CHAIR.prediction_writer(folder, ()) as writer:
            reading = {"the only one": ClusterConfig(0.02, 0.0)}
            found = evaluate(Predictor(), Batches(number), reading, ["partnet"], MetricConfig(), writer, num_samples=1)
        highest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(list(read_predictions(folder / "Chair-3"))) == number and len(found.samples) == 1
    levels = found.readings["the only one"]["levels"]
    assert {name: round(level["AP50"]) for name, level in levels.items()} == {"coarse": 100, "middle": 100, "fine": 100}
    return highest


def test_memory_does_not_grow_with_the_number_of_shapes(tmp_path):
    peak(1, tmp_path / "warm")
    few, many = (peak(number, tmp_path / str(number)) for number in (3, 15))
    a_shape = (many - few) / 12
    assert a_shape < 50_000  # two rows of measures at three levels; its masks alone are 150,000 bytes, as bits
