"""Four small shapes, and the training of a comparison method on nothing else."""

import numpy as np
import tensorflow as tf

from instance_seg.data.batches import Split, evaluation_batch
from instance_seg.data.pipeline import build_batch
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import PartNetAP
from instance_seg.nesting import make_settings
from instance_seg.structures import Cloud, Labels, Level, Points, Task
from instance_seg.training.optimizers import Adam
from instance_seg.training.step import Step

TASK = Task("partnet", "made up", (Level(1, "coarse", ("other", "leg", "seat"), 1, (1, 2)),), 3, 1)
TINY = {"pointnet2_points": (32, 8), "pointnet2_samples": 16, "pointnet2_width": 0.25, "branch_width": 0.25}


def shape(seed, points_per_part=60):
    """Two to three legs, a seat, and a ball that is of no part; the legs stand in a row."""
    rng = np.random.default_rng(seed)
    legs = rng.integers(2, 4)
    places = np.linspace(-0.7, 0.7, legs)
    ball = rng.normal(0, 0.05, (points_per_part // 2, 3)) + [0, 0.8, 0]
    parts = [rng.uniform(-1, 1, (points_per_part, 3)) * [0.08, 0.3, 0.08] + [x, -0.4, 0] for x in places]
    parts.append(rng.uniform(-1, 1, (points_per_part, 3)) * [0.7, 0.05, 0.4] + [0, 0.1, 0])
    instance = np.repeat([*range(legs + 1), -1], [points_per_part] * (legs + 1) + [len(ball)])
    semantic = np.where(instance == legs, 2, np.where(instance < 0, 0, 1))
    xyz = np.float32(np.concatenate([*parts, ball]))
    return Cloud(xyz, np.zeros_like(xyz), (Labels(np.int16(semantic), np.int16(instance)),), str(seed))


CLOUDS = tuple(shape(seed) for seed in range(4))


def make(kind, **settings):
    """A small system of a kind, calibrated on the shapes."""
    system = kind(make_settings(kind.Settings, TINY | settings), TASK)
    points = Points(tf.constant(CLOUDS[0].xyz), tf.constant(CLOUDS[0].features), tf.constant([0, len(CLOUDS[0].xyz)]))
    system(points, system.tables(points, points), training=False)
    system.calibrate(CLOUDS)
    return system


def batch_of(system):
    """All four shapes as they are."""
    sample = evaluation_batch(Split(CLOUDS, TASK, system.targets), 0, len(CLOUDS))
    return build_batch(tf.nest.map_structure(tf.constant, sample), system.tables)


def train(system, steps, rate=0.003):
    """Trains on the four shapes; the loss of each step."""
    batch, step = batch_of(system), Step(system, Adam([v.value for v in system.trainable_variables]))
    update = tf.function(lambda rate: step.update(batch, rate)[0]["total"])
    return [float(update(tf.constant(rate))) for _ in range(steps)]


def readout(system):
    """Of the four shapes in inference mode."""
    batch = batch_of(system)
    outputs = tf.function(lambda: system.readout(system(batch.points, batch.tables, training=False)))()
    return tf.nest.map_structure(lambda x: x.numpy(), outputs), tf.nest.map_structure(
        lambda x: x.numpy(), (batch.points, batch.labels)
    )


def average_precision(system):
    """AP50 on the four shapes, in percent."""
    found, (points, (labels,)) = readout(system)
    (reading,) = system.readings(system.settings).values()
    metric = PartNetAP(TASK.levels[0], MetricConfig())
    for (segmented,), begin, end in zip(
        system.segment(found, points, reading), points.row_splits[:-1], points.row_splits[1:], strict=True
    ):
        metric.add(Labels(*(array[begin:end] for array in labels)), segmented)
    return metric.result()["AP50"]
