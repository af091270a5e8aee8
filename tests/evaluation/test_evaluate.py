"""Evaluation of a made-up system: how often it is read, and what several metrics make of it together."""

from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.partition import as_proposals
from instance_seg.evaluation.evaluate import Measured, evaluate, make_metrics
from instance_seg.experiment import train
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import AP_NAMES
from instance_seg.options import Settings, option
from instance_seg.presets import load_config
from instance_seg.structures import Batch, Labels, Level, Points, Segmented, Task

LEVELS = (
    Level(1, "coarse", ("other", "a", "b"), 1, (1, 2)),
    Level(2, "middle", ("other", "a", "b"), 1, (1, 2), scored=False),
    Level(3, "fine", ("other", "a"), 1, (1,)),
)
TASK = Task("made up", "", LEVELS, num_features=3, directions=1)


@dataclass(frozen=True)
class Reading(Settings):
    """How many of the points of every instance are found."""

    share: float = option(1.0, "of the points")
    machine: str = option("this", "where", free=True)


class TruthTeller:
    """Finds the true instances in part, and calls all of them class 1."""

    task = TASK

    def __init__(self):
        self.system, self.predicted, self.read = self, 0, []

    def prepare(self, batch):
        """There is no graph to build."""

    def __call__(self, batch):
        self.predicted += 1
        return [level.instance.numpy() for level in batch.labels]

    def segment(self, readout, points, reading):
        self.read.append(reading)
        clouds = [slice(*ends) for ends in zip(points.row_splits[:-1], points.row_splits[1:])]
        return [tuple(self._level(instance[rows], reading) for instance in readout) for rows in clouds]

    def conclude(self, levels, reading):
        return levels

    @staticmethod
    def _level(instance, reading):
        ids, ones = instance.copy(), np.ones(len(instance), np.int32)
        for each in np.unique(ids[ids >= 0]):
            rows = np.flatnonzero(ids == each)
            ids[rows[round(reading.share * len(rows)) :]] = -1
        return Segmented(ones, as_proposals(ids, ones, np.zeros(len(ids), np.float32), 2))


def batches():
    """Three clouds of 40 points in two batches: parts of 20 points, of class 1 and 2 (at the fine level 1 and 1)."""
    semantic, instance = np.repeat(np.int32([1, 2]), 20), np.repeat(np.int32([0, 1]), 20)
    levels = Labels(semantic, instance), Labels(semantic, instance), Labels(np.ones(40, np.int32), instance)
    for first, size in ((0, 2), (2, 1)):
        xyz = tf.zeros([40 * size, 3]) + tf.cast(first, tf.float32)
        labels = tuple(Labels(*(tf.constant(np.tile(array, size)) for array in level)) for level in levels)
        points = Points(xyz, xyz + 1, tf.range(size + 1) * 40)
        yield Batch(points, (), labels, (), tf.range(first, first + size))


def run(readings, metrics=("partnet",), **options):
    system = TruthTeller()
    return system, evaluate(system, list(batches()), readings, metrics, MetricConfig(), **options)


def test_equal_readings_are_read_once():
    readings = {"one": Reading(), "half": Reading(0.5), "the same": Reading(1.0)}
    system, found = run(readings)
    assert system.predicted == 2 and system.read == [Reading(), Reading(0.5)] * 2
    assert list(found.readings) == ["one", "half", "the same"]
    assert found.readings["one"] == found.readings["the same"] != found.readings["half"]
    assert found.metrics["one"] is found.metrics["the same"]
    assert found.readings["half"]["settings"] == {"share": 0.5}  # what changes no result is left out
    assert set(found.seconds) == {"predict", "cluster", "metrics"}


def test_levels_that_are_scored_are_measured():
    _, found = run({"all": Reading(), "some": Reading(0.6)})
    for name, measured in (("all", [100, 100, 100]), ("some", [100, 100, 100 / 101])):
        levels = found.readings[name]["levels"]
        assert list(levels) == ["coarse", "fine"] and list(levels["fine"])[-1] == "per_class"
        assert [levels["fine"][ap] for ap in AP_NAMES] == pytest.approx(measured)
        assert levels["fine"]["per_class"]["a"]["instances"] == 6
        assert levels["coarse"]["per_class"]["b"]["AP50"] == 0  # class 2 is never told
        assert levels["coarse"]["AP50"] == pytest.approx(levels["coarse"]["per_class"]["a"]["AP50"] / 2)


def test_why_instances_are_missed():
    """Class 2 is never told; of 20 points 60 % are enough for an instance, 40 % are not: they count, but split it."""
    _, found = run({"some": Reading(0.6), "few": Reading(0.4)})
    coarse, fine = found.readings["some"]["misses"].values()
    assert coarse["a"]["found"] == 3 and coarse["b"]["wrong class"] == 3 and fine["a"]["found"] == 6
    assert coarse["b"]["lost: wrong class"] == 100 and fine["a"]["lost: no proposal"] == pytest.approx(40)
    few = found.readings["few"]["misses"]["fine"]["a"]
    assert few["split"] == 6 and few["lost: small proposal"] == pytest.approx(40)


def test_two_metrics_are_merged():
    """Whatever their class, all parts are found; by class, half of them."""
    _, found = run({"all": Reading()}, ("partnet", "class_agnostic"), num_samples=1)
    _, alone = run({"all": Reading()})
    coarse, plain = (each.readings["all"]["levels"]["coarse"] for each in (found, alone))
    assert {name: coarse[name] for name in plain} == plain
    assert set(coarse) - set(plain) == {"AP25_any", "AP50_any", "AP75_any", "mIoU_any"} and coarse["AP75_any"] == 100
    (_, (column,)) = found.samples[0].levels["coarse"]
    assert column.hits.hit[1].sum() == 1  # the first metric says what is drawn as wrong
    _, other = run({"all": Reading()}, ("class_agnostic", "partnet"), num_samples=1)
    assert other.samples[0].levels["coarse"][1][0].hits.hit[1].sum() == 2


def test_a_metric_of_another_module_or_of_none():
    _, found = run({"all": Reading()}, ("instance_seg.metrics.class_agnostic:ClassAgnosticAP",))
    measures = {"AP25_any": 100, "AP50_any": 100, "AP75_any": 100, "mIoU_any": 100, "per_class": {}}
    assert found.readings["all"]["levels"]["fine"] == measures
    with pytest.raises(ValueError, match="metrics.*panoptic.*class_agnostic"):
        make_metrics(["panoptic"], LEVELS[0], MetricConfig())


def test_a_measure_twice_is_refused(small_partnet, tmp_path):
    """Before the first cloud; and before a training, which makes the metrics in order to have them refused."""
    with pytest.raises(ValueError, match="--metrics: two of them have a measure AP25"):
        Measured(TASK, ("partnet", "partnet"), MetricConfig())
    settings = {"metrics": ("partnet", "partnet"), "depth": 3, "channels": (8, 8), "head_width": 8}
    config = load_config("paper", settings | {"data_dir": str(small_partnet), "logdir": str(tmp_path)})
    with pytest.raises(ValueError, match="--metrics: two of them have a measure AP25"):
        train(config)
    assert not (tmp_path / "losses.csv").exists()


def test_the_writer_gets_every_cloud_by_the_first_reading():
    kept = []
    run({"half": Reading(0.5), "all": Reading()}, writer=kept)
    assert [len(levels) for levels in kept] == [3, 3, 3]
    assert all(segmented.proposals.size.tolist() == [10, 10] for levels in kept for segmented in levels)


@pytest.mark.parametrize("num_samples", [0, 1, 3, 5])
def test_samples_are_the_first_clouds(num_samples):
    _, found = run({"half": Reading(0.5), "all": Reading()}, num_samples=num_samples)
    assert [sample.xyz[0, 0] for sample in found.samples] == [0, 0, 2][:num_samples]
    for sample in found.samples:
        assert sample.xyz.shape == (40, 3) and (sample.normals == sample.xyz + 1).all()
        assert list(sample.levels) == ["coarse", "fine"]
        truth, columns = sample.levels["fine"]
        assert truth.instance.tolist() == [0] * 20 + [1] * 20
        assert [column.title for column in columns] == ["half", "all"]
        assert [column.segmented.proposals.size.tolist() for column in columns] == [[10, 10], [20, 20]]
