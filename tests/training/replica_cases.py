"""What the parts of a step give on one device and, run as a program (`python replica_cases.py OUT.npz`), on two.

A process can have one strategy with devices of its own, so the two-device half runs in a process apart.
"""

import functools
import sys

import keras
import numpy as np
import tensorflow as tf

from instance_seg.backbones.pointconv_layers import SharedNorm
from instance_seg.clustering.config import ClusterConfig
from instance_seg.config import EngineConfig
from instance_seg.layers import BatchNorm
from instance_seg.losses.modes import mode_loss
from instance_seg.losses.segmentation import average, weight_decay
from instance_seg.recompute import recomputed
from instance_seg.replicas import average_here, num_replicas, share, sum_over_replicas
from instance_seg.structures import Batch, Labels, Level, LevelReadout, Points, Task
from instance_seg.systems.learned_clustering import LearnedValues, joint_losses
from instance_seg.training.optimizers import Adam
from instance_seg.training.precision import DynamicScale
from instance_seg.training.strategy import make_strategy

SIZES = (5, 3)  # rows in the first and the second replica
ROWS = np.random.default_rng(0).normal([3.0, -1.0], [2.0, 0.5], (8, 2))
FACTORS = np.random.default_rng(1).normal(size=(8, 2))
VALUES = np.arange(8, dtype=np.float32) ** 2
MASK = np.array([1, 1, 0, 1, 1, 0, 0, 1], np.float32)
ADAM_START, ADAM_RATES = (0.5, -2.0), (0.1, 0.1, 0.05, 0.01)
XYZ = np.random.default_rng(2).normal(0, 0.3, (8, 3)).astype(np.float32)
TASK = Task("made up", "", (Level(1, "all", ("other", "leg", "seat"), 1, (1, 2)),))
SPLITS = ([0, 2, 5], [0, 1, 3])  # two shapes each


def new_norm(synchronized: bool = True, kind: type[BatchNorm] = BatchNorm) -> BatchNorm:
    """A built layer in float64, whose numbers can be compared to the last digits."""
    norm = kind("leaky_relu", dtype="float64")
    norm.build((None, 2))
    norm.synchronized = synchronized
    norm.gamma.assign([1.5, -0.5])
    norm.beta.assign([0.1, 0.2])
    norm.moving_mean.assign([2.0, -2.0][: norm.moving_mean.shape[0]])
    return norm


def norm_case(norm: BatchNorm, x: tf.Tensor, factors: tf.Tensor, again: bool = False) -> dict[str, tf.Tensor]:
    """Output, gradients and moving statistics after one batch; `again`: normalized once more for the gradients."""
    weights = [norm.gamma.value, norm.beta.value]
    with tf.GradientTape() as tape:
        tape.watch(x)
        if again:
            normalize = functools.partial(norm.normalize, training=True)
            y = recomputed(normalize, x, *norm.statistics(x, training=True))
        else:
            y = norm(x, training=True)
        loss = tf.reduce_sum(factors * y * y)
    grad_x, *grads = tape.gradient(loss, [x, *weights])
    if not norm.synchronized:
        average_here(norm.non_trainable_variables)
    return {
        "y": y,
        "grad_x": grad_x,
        "grad_weights": sum_over_replicas(tf.stack(grads)),
        "moving": tf.stack([tf.convert_to_tensor(v) for v in (norm.moving_mean, norm.moving_variance)]),
    }


def loss_case(values: tf.Tensor, mask: tf.Tensor, row_splits: tf.Tensor) -> dict[str, tf.Tensor]:
    """Both averages and the weight decay, summed over replicas."""
    shares = {kind: average(values, mask, row_splits, kind) for kind in ("shape", "point")}
    shares["weight_decay"] = weight_decay([tf.constant([1.0, 2.0])], 0.1)
    return {name: sum_over_replicas(x) for name, x in shares.items()}


def new_values() -> LearnedValues:
    """Of the classes of TASK."""
    return LearnedValues(keras.layers.Layer().add_weight, 2, ClusterConfig(bandwidth=0.4))


def clustering_case(values: LearnedValues, xyz: tf.Tensor, mask: tf.Tensor, parity: tf.Tensor, row_splits: tf.Tensor):
    """The loss of a clustering and its gradients, summed over replicas."""
    semantic, instance = 1 + tf.cast(mask, tf.int32), tf.cast(parity, tf.int32) % 2
    batch = Batch(Points(xyz, xyz, row_splits), (), (Labels(semantic, instance),), (), ())
    variables = [v.value for v in values.variables]
    with tf.GradientTape() as tape:
        readout = LevelReadout(semantic, 0.1 * xyz, -0.1 * xyz, mask)
        (loss,) = joint_losses([readout], batch, TASK, values, mode_loss, 0.5)
    return {"loss": sum_over_replicas(loss), "grads": sum_over_replicas(tf.stack(tape.gradient(loss, variables)))}


def scale_case(scale: DynamicScale, weight: tf.Variable, gradient: tf.Tensor) -> dict[str, tf.Tensor]:
    """A replica's part of a step whose gradient overflows in one of the replicas alone."""
    total = sum_over_replicas(gradient)
    outcome = scale.apply(tf.zeros([1]), [total], lambda g: None)
    return {"applied": outcome.applied, "scale": tf.convert_to_tensor(scale.scale), "replicas": share(weight * 1.0)}


def adam_case(optimizer: Adam, weights: list[tf.Variable], values: tf.Tensor) -> dict[str, tf.Tensor]:
    """Weights after updates with the gradient that all replicas have together."""
    gradient = sum_over_replicas(tf.reduce_sum(values))
    for rate in ADAM_RATES:
        optimizer.apply([gradient * w for w in weights], weights, tf.constant(rate))
    return {"weights": tf.stack([tf.convert_to_tensor(w) for w in weights])}


def on_two_devices(strategy) -> dict[str, np.ndarray]:
    """The cases, every result with an axis of replicas in front or its rows joined."""
    with strategy.scope():
        norms = {"sync": new_norm(), "own": new_norm(synchronized=False), "again": new_norm()}
        norms |= {"shared": new_norm(kind=SharedNorm), "own_shared": new_norm(synchronized=False, kind=SharedNorm)}
        scale, weight = DynamicScale(), tf.Variable(8.0)
        weights = [tf.Variable(start) for start in ADAM_START]
        adam, learned = Adam(weights), new_values()

    def run(function, *arguments):
        values = [_distribute(strategy, parts) for parts in arguments]
        results = tf.function(lambda *args: strategy.run(function, args))(*values)
        return {name: strategy.experimental_local_results(x) for name, x in results.items()}

    rows, factors, values, mask = (np.split(x, [SIZES[0]]) for x in (ROWS, FACTORS, VALUES, MASK))
    found = {}
    for name, norm in norms.items():
        case = run(lambda x, f, norm=norm, again=name == "again": norm_case(norm, x, f, again), rows, factors)
        found |= {f"{name}/{k}": np.concatenate(v) if k in ("y", "grad_x") else np.stack(v) for k, v in case.items()}
    found |= {f"loss/{k}": np.stack(v) for k, v in run(loss_case, values, mask, SPLITS).items()}
    case = run(
        lambda *given: clustering_case(learned, *given), np.split(XYZ, [SIZES[0]]), mask, values, ([0, 5], [0, 3])
    )
    found |= {f"clustering/{k}": np.stack(v) for k, v in case.items()}
    case = run(lambda g: scale_case(scale, weight, g), [np.float32(1.0), np.float32(np.inf)])
    found |= {f"scale/{k}": np.stack(v) for k, v in case.items()}
    case = run(lambda x: adam_case(adam, weights, x), values)
    found |= {f"adam/{k}": np.stack(v) for k, v in case.items()}
    return found | {"num_replicas": np.stack(run(lambda x: {"n": x * 0 + num_replicas()}, VALUES[:2])["n"])}


def _distribute(strategy, parts):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )


if __name__ == "__main__":
    np.savez(sys.argv[1], **on_two_devices(make_strategy(EngineConfig("mirrored", num_replicas=2))))
