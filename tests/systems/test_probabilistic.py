"""Probabilistic embeddings as a system."""

import numpy as np
import pytest
import tensorflow as tf
from systems import overfit

from instance_seg.systems.comparison.probabilistic import Probabilistic


def test_points_without_a_part_take_no_part_in_pairs():
    system = overfit.make(Probabilistic)
    batch = overfit.batch_of(system)
    outputs = system(batch.points, batch.tables)
    other = tf.cast(batch.targets[0] < 0, tf.float32)[:, None]
    assert float(tf.reduce_sum(other)) > 0
    moved = outputs._replace(mean=outputs.mean + 100.0 * other)
    losses = []
    for each in (outputs, moved):
        tf.random.set_seed(0)
        losses.append(float(system.losses(each, batch)["embedding"]))
    assert losses[0] == losses[1] > 0


def test_classes_of_points_that_stand_for_nothing_should_be_0():
    system = overfit.make(Probabilistic)
    batch = overfit.batch_of(system)
    outputs = system(batch.points, batch.tables)
    semantic = batch.labels[0].semantic.numpy()
    right = np.where(np.arange(2) == semantic[:, None] - 1, 20.0, -20.0).astype(np.float32)
    apart = outputs._replace(mean=batch.points.xyz, variance=tf.fill([len(semantic), 3], 4e-5))
    same = outputs._replace(mean=tf.zeros_like(outputs.mean), variance=tf.ones_like(outputs.variance))
    loss = [float(system.losses(each._replace(logits=right), batch)["classes"]) for each in (same, apart)]
    assert loss[0] == pytest.approx(0, abs=1e-4) and loss[1] > 10


@pytest.mark.slow
def test_four_shapes_are_learned():
    system = overfit.make(Probabilistic)
    losses = overfit.train(system, 800)
    assert losses[-1] < losses[0] / 2
    assert overfit.average_precision(system) > 90
