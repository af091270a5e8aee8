"""A system whose updates are of two kinds: each is compiled once, and what a kind does not use rests."""

import signal

import numpy as np
import tensorflow as tf

from instance_seg.config import make_config
from instance_seg.layers import BatchNorm
from instance_seg.options import Settings
from instance_seg.structures import Batch, Level, Points, Task
from instance_seg.systems.system import System
from instance_seg.training.checkpoint import describe_system
from instance_seg.training.step import Step
from instance_seg.training.trainer import Trainer

TASK = Task("made up", "", (Level(1, "whole", ("nothing", "something")),))
PHASES = ("first", "first", "second", "first", "second", "second")  # of the updates


class TwoPhases(System):
    """Two numbers: the first kind of update draws the one to 3, the second kind the other."""

    Settings = Settings

    def __init__(self, settings, task, **kwargs):
        super().__init__(settings, task, **kwargs)
        self.first, self.second = (
            self.add_weight(shape=(), initializer="zeros", name=name) for name in ("first", "second")
        )
        self.traced = []

    def call(self, points, tables, *, phase="", training=False):
        self.traced.append((phase, training))
        return (self.first if phase == "first" else self.second) + 0.0 * tf.reduce_sum(points.xyz)

    def losses(self, outputs, batch):
        return {"distance": (outputs - 3.0) ** 2}

    def phase(self, step):
        return PHASES[step]


def make_batch():
    points = Points(tf.zeros([4, 3]), tf.zeros([4, 0]), tf.constant([0, 4]))
    return Batch(points, (), (), (), tf.constant([0]))


def values(system):
    return float(system.first), float(system.second)


def test_variables_that_a_phase_does_not_use_have_gradients_of_zero():
    system = TwoPhases(Settings(), TASK)
    given = []

    class Kept:
        def apply(self, gradients, variables, rate):
            given.append([float(g) for g in gradients])

    step = Step(system, Kept())
    for phase in ("first", "second"):
        losses, outcome = step.update(make_batch(), tf.constant(0.1), phase)
        assert float(losses["total"]) == float(losses["distance"]) == 9.0 and bool(outcome.applied)
    assert given == [[-6.0, 0.0], [0.0, -6.0]]


def test_a_trainer_compiles_an_update_for_each_phase_and_moves_what_it_uses(tmp_path):
    config = make_config(
        {"max_iter": 6, "logdir": str(tmp_path), "learning_rate": 0.1, "momentum": 0.0, "decay_at": ()}
    )
    system = TwoPhases(Settings(), TASK)

    def batches(first_step, parts, num_parts):
        return tf.data.Dataset.from_tensors(make_batch()).repeat()

    found = []
    trainer = Trainer(
        config,
        system,
        describe_system(config, TASK),
        {},
        batches,
        lambda: found.append("settled"),
        lambda done, final: found.append((done.step, final)),
        tf.distribute.get_strategy(),
    )
    assert trainer.run() == 0 and found == ["settled", (6, True)]
    assert sorted(system.traced) == [("first", True), ("second", True)]  # once each, in six updates
    distance = {phase: 3 * 0.8 ** PHASES.count(phase) for phase in ("first", "second")}
    np.testing.assert_allclose(values(system), [3 - distance["first"], 3 - distance["second"]], rtol=1e-5)


class Settled(TwoPhases):
    """Has a third number, which is measured with the others."""

    settled_on = "val"

    def __init__(self, settings, task, **kwargs):
        super().__init__(settings, task, **kwargs)
        self.measured = self.add_weight(shape=(), initializer="zeros", name="measured", trainable=False)


def test_a_signal_ends_the_settling_and_the_next_start_settles_again(tmp_path):
    config = make_config({"max_iter": 6, "logdir": str(tmp_path), "learning_rate": 0.1})
    found = []

    def run(interrupted):
        system = Settled(Settings(), TASK)

        def settle():
            if interrupted:
                signal.raise_signal(signal.SIGTERM)
            system.measured.assign(values(system)[0])
            found.append("settled")

        trainer = Trainer(
            config,
            system,
            describe_system(config, TASK),
            {},
            lambda *_: tf.data.Dataset.from_tensors(make_batch()).repeat(),
            settle,
            lambda done, final: found.append((done.step, final)),
            tf.distribute.get_strategy(),
        )
        return trainer.run(), system, trainer.checkpoints

    code, system, _ = run(interrupted=True)
    assert code == 128 + signal.SIGTERM and not found
    trained = values(system)
    code, system, checkpoints = run(interrupted=False)
    assert code == 0 and found == ["settled", (6, True)]
    assert values(system) == trained and float(system.measured) == trained[0] != 0
    system.measured.assign(0.0)
    checkpoints.restore_weights(str(tmp_path))
    assert float(system.measured) == trained[0]


class Normalized(System):
    """Batch normalization of the coordinates, whose scale is learned."""

    Settings = Settings

    def __init__(self, settings, task, **kwargs):
        super().__init__(settings, task, **kwargs)
        self.norm = BatchNorm()
        self.norm.build((None, 3))

    def call(self, points, tables, *, phase="", training=False):
        return tf.reduce_sum(self.norm(points.xyz, training=training) ** 2)

    def losses(self, outputs, batch):
        return {"size": outputs}


def test_the_schedule_decides_what_moving_statistics_keep(tmp_path):
    """Means of 4 after the decays 0.5, 0.5 and 0.75."""
    settings = {"statistics_decay": "growing", "decay_every": 2.0, "max_iter": 3, "logdir": str(tmp_path)}
    config, system = make_config(settings), Normalized(Settings(), TASK)
    batch = make_batch()._replace(points=Points(tf.fill([4, 3], 4.0), tf.zeros([4, 0]), tf.constant([0, 4])))
    trainer = Trainer(
        config,
        system,
        describe_system(config, TASK),
        {},
        lambda *_: tf.data.Dataset.from_tensors(batch).repeat(),
        lambda: None,
        lambda done, final: None,
        tf.distribute.get_strategy(),
    )
    assert trainer.run() == 0
    np.testing.assert_allclose(system.norm.moving_mean, [0.75 * 3 + 0.25 * 4] * 3, rtol=1e-6)


def test_statistics_that_rest_are_another_kind_of_update(tmp_path, monkeypatch):
    monkeypatch.setattr("instance_seg.schedule.SETTLED", 0)
    settings = {"max_iter": 6, "logdir": str(tmp_path), "freeze_statistics_at": 0.5, "learning_rate": 0.1}
    config = make_config(settings)
    system = TwoPhases(Settings(), TASK)
    trainer = Trainer(
        config,
        system,
        describe_system(config, TASK),
        {},
        lambda *_: tf.data.Dataset.from_tensors(make_batch()).repeat(),
        lambda: None,
        lambda done, final: None,
        tf.distribute.get_strategy(),
    )
    assert trainer.run() == 0
    assert sorted(system.traced) == [("first", False), ("first", True), ("second", False), ("second", True)]
