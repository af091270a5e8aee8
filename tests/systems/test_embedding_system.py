"""ASIS and JSNet as systems: losses, instances, sizes. That they learn says test_embedding_overfit.py."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf
from data.s3dis.small_rooms import write_area

from instance_seg.data.batches import Split, evaluation_batch
from instance_seg.data.s3dis.s3dis import S3dis
from instance_seg.data.s3dis.settings import S3disSettings
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.coverage import Coverage
from instance_seg.nesting import make_settings
from instance_seg.structures import Batch, Cloud, Labels, Level, Points, Proposals, Segmented, Task
from instance_seg.systems.embedding.embedding import Embedded, Embedding, EmbeddingReadout

TASK = Task("rooms", "", (Level(1, "classes", ("floor", "chair"), things=(0, 1)),), num_features=3)
SMALL = {"pointnet2_points": (16, 4), "pointnet2_samples": 8, "pointnet2_width": 0.1, "head_width": 16}


def points_of(num, seed=0):
    rng = np.random.default_rng(seed)
    xyz = tf.constant(rng.uniform(-0.5, 0.5, (num, 3)), tf.float32)
    return Points(xyz, tf.abs(xyz), tf.constant([0, num // 2, num]))


def made(**settings):
    system = Embedding(make_settings(Embedding.Settings, SMALL | settings), TASK)
    points = points_of(60)
    system(points, system.tables(points, points), training=False)
    return system, points


def test_losses_by_hand():
    """Two clouds of two points; logits say each class half; the second cloud has no class at its last point."""
    system, _ = made(regularizer_weight=0.5)
    embedding = tf.constant([[0.0], [0.0], [4.0], [9.0]])
    labels = Labels(tf.constant([0, 1, 1, -1]), tf.constant([0, 0, 5, 6]))
    batch = Batch(Points(tf.zeros([4, 3]), None, tf.constant([0, 2, 4])), (), (labels,), (), None)
    terms = system.losses((Embedded(tf.zeros([4, 2]), embedding),), batch)
    expected = {"semantic": np.log(2), "variance": 0, "distance": 0, "regularizer": 0.5 * 2}
    assert {name: float(value) for name, value in terms.items()} == pytest.approx(
        {f"classes/{name}": value for name, value in expected.items()}
    )


def test_instances_are_clusters_of_the_embedding():
    system, points = made()
    embedding = np.zeros((60, 5), np.float32)
    embedding[10:20, 0] = 5
    logits = np.zeros((60, 2), np.float32)
    logits[10:20, 1] = 3
    logits[12, 1] = -3
    readout = system.readout((Embedded(tf.constant(logits), tf.constant(embedding)),))
    (reading,) = system.readings(system.settings).values()
    numpy_points = Points(*(x.numpy() for x in points))
    first, second = system.segment(tf.nest.map_structure(lambda x: x.numpy(), readout), numpy_points, reading)
    assert sorted(first[0].proposals.size) == [10, 20] and second[0].proposals.size.tolist() == [30]
    small = first[0].proposals.size.argmin()
    assert first[0].proposals.label[small] == 1 and first[0].semantic[12] == 0


class Portions(list):
    """Two clouds that make one whole, and a third."""

    wholes = np.array([0, 2, 3])


def labeled(semantic, instance):
    xyz = np.zeros((len(semantic), 3), np.float32)
    return Cloud(xyz, xyz, (Labels(np.int32(semantic), np.int32(instance)),), "")


def test_mean_sizes_count_over_the_portions_of_a_whole():
    """Instance 3 has 2 + 3 points, 4 has 2; in the third cloud 3 is another instance of 4 points: mean 11 / 3."""
    system, _ = made()
    clouds = Portions(
        [labeled([1] * 4, [3, 3, 4, 4]), labeled([1, 1, 1, -1], [3, 3, 3, 3]), labeled([1] * 4 + [0], [3] * 4 + [-1])]
    )
    assert system.calibrate(clouds) == {"classes/mean_size": [0, 3]}
    assert system.calibrate(list(clouds)) == {"classes/mean_size": [0, 2]}  # 2, 2, 3, 4
    assert system.mean_sizes[0].numpy().tolist() == [0, 2]


def test_small_instances_are_dropped():
    system, _ = made()
    system.mean_sizes[0].assign([0.0, 8.0])
    proposals = Proposals(np.arange(6), np.array([0, 1, 3, 6]), np.array([0, 1, 1]), np.float32([0.1, 0.2, 0.3]))
    (reading,) = system.readings(system.settings).values()
    (kept,) = system.conclude((Segmented(np.zeros(6, np.int32), proposals),), reading)
    assert kept.proposals.points.tolist() == [0, 3, 4, 5] and kept.proposals.row_splits.tolist() == [0, 1, 4]
    np.testing.assert_array_equal(kept.proposals.score, np.float32([0.1, 0.3]))


@pytest.mark.parametrize("every_point", [False, True])
def test_an_oracle_finds_all_of_a_room(tmp_path, every_point):
    """True classes, and an embedding that says the instance, through clusters, merging and the filter of small ones."""
    write_area(tmp_path, 5, 1)
    data = S3dis(S3disSettings(allow_partial=True, block_points=2048))
    clouds = data.split(str(tmp_path), "test")
    system = Embedding(make_settings(Embedding.Settings, SMALL), data.task())
    assert system.calibrate(clouds)["classes/mean_size"][8] > 500
    sample = evaluation_batch(Split(clouds, data.task()), 0, len(clouds))
    (labels,) = sample.labels
    bits = labels.instance[:, None] >> np.arange(5) & 1
    readout = (EmbeddingReadout(labels.semantic, np.float32(4 * bits), np.zeros(len(bits), np.float32)),)
    (reading,) = system.readings(system.settings).values()
    reading = dataclasses.replace(reading, every_point=every_point)
    assembler = data.assembler(clouds, reading, functools.partial(system.conclude, reading=reading))
    found = system.segment(readout, sample.points, reading)
    points, (truth,), ((segmented,),) = assembler(sample.points, (labels,), found)
    assert len(points.xyz) == (2500 if every_point else len(clouds) * 2048)
    metric = Coverage(data.task().levels[0], MetricConfig())
    metric.add(truth, segmented)
    assert [metric.result()[f"m{name}"] for name in ("Cov", "WCov", "Prec", "Rec", "IoU")] == [100] * 5
