"""Optimizers: Adam is Keras' Adam."""

import keras
import numpy as np
import tensorflow as tf

from instance_seg.schedule import ScheduleConfig
from instance_seg.training.optimizers import Adam, Momentum, make_optimizer


def test_adam_is_that_of_keras_over_several_steps_with_a_rate_that_changes():
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (5,))]
    ours, theirs = ([tf.Variable(value) for value in start] for _ in range(2))
    adam, keras_adam = Adam(ours), keras.optimizers.Adam(0.1)
    step = tf.function(adam.apply)
    for rate in (0.1, 0.1, 0.05, 0.05, 0.01, 0.2):
        gradients = [tf.constant(rng.normal(size=value.shape) * [10.0], tf.float32) for value in start]
        step(gradients, ours, tf.constant(rate))
        keras_adam.learning_rate.assign(rate)
        keras_adam.apply_gradients(zip(gradients, theirs))
        for a, b, first in zip(ours, theirs, start):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
            assert np.all(a != first)


def test_the_settings_choose_the_optimizer():
    weights = [tf.Variable([1.0, 2.0])]
    momentum = make_optimizer(ScheduleConfig(momentum=0.5), weights)
    assert isinstance(momentum, Momentum) and momentum.momentum == 0.5
    adam = make_optimizer(ScheduleConfig(optimizer="adam"), weights)
    assert isinstance(adam, Adam)
    assert [v.shape for v in adam.means + adam.squares] == [(2,), (2,)]
    assert len(tf.train.Checkpoint(optimizer=adam).optimizer.variables) == 4  # all that a checkpoint has to keep
