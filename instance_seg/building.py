"""What the settings of a run name: its data set, and its system with initial weights or those of a checkpoint."""

import contextlib
import pathlib

import keras
import numpy as np
import tensorflow as tf

from instance_seg.config import Config
from instance_seg.data import DATA_SETS
from instance_seg.data.data_set import DataSet
from instance_seg.initializers import INITIALIZERS
from instance_seg.layers import separate_statistics
from instance_seg.registry import load
from instance_seg.structures import Points, Task
from instance_seg.systems import SYSTEMS
from instance_seg.systems.system import System
from instance_seg.training.checkpoint import Checkpoints, describe_system
from instance_seg.training.checkpoint_files import CHECKPOINTS
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.precision import computing_in


def make_data_set(config: Config) -> DataSet:
    """The data set of the settings."""
    return load(DATA_SETS, "data_set", config.data_set)(config.source)


def build_system(config: Config, task: Task, strategy: tf.distribute.Strategy | None = None) -> System:
    """The system with its variables created, without any data: run once on a few points.

    Its initial weights depend on initializer and seed alone. The variables are those of `strategy`; to be called
    outside of its scope.
    """
    # Names of layers count from the beginning, as those in a checkpoint do. It would end a scope.
    keras.utils.clear_session()
    scope = strategy.scope() if strategy else contextlib.nullcontext()
    with scope, computing_in(config.engine.mixed_precision):
        keras.utils.set_random_seed(config.run.seed)
        kind = load(SYSTEMS, "system", config.system)
        system = kind(config.network, task, initializer=INITIALIZERS[config.schedule.initializer])
        xyz = tf.constant(np.random.default_rng(0).uniform(-0.5, 0.5, (8, 3)), tf.float32)
        features = tf.tile(tf.math.l2_normalize(xyz, axis=1), [1, 1 + task.num_features // 3])[:, : task.num_features]
        points = Points(xyz, features, tf.constant([0, 8]))
        system(points, system.tables(points, points), training=False)
    if not config.engine.sync_batch_norm:
        separate_statistics(system)
    return system


def restore_system(config: Config, task: Task, checkpoint: str) -> System:
    """The system with the weights of a run's folder or of a checkpoint prefix."""
    system = build_system(config, task)
    weights_of(config, system, pathlib.Path(checkpoint)).restore_weights(checkpoint)
    return system


def weights_of(config: Config, system: System, logdir: pathlib.Path) -> Checkpoints:
    """For reading weights only: without an optimizer."""
    optimizer = make_optimizer(config.schedule, [])
    return Checkpoints(logdir / CHECKPOINTS, system, optimizer, describe_system(config, system.task))
