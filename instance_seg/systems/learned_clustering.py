"""Bandwidth and lambda of each class learned by gradients, for a network that stays as it is or together with it.

What mean-shift sees of a class in a shape is its predicted region (losses/regions.py). The width s_c of a Gaussian
kernel and lambda_c of Eq. 7 go down the gradient of a loss of losses/modes.py, with Gaussian priors on their logarithms
around the values that they begin at.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from instance_seg.clustering.by_class import ByClass, ClassValues, things_of
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.gaussian_shift import FLAT_PER_SIGMA
from instance_seg.data.spacing import LIMITS
from instance_seg.losses.regions import NUM_INSTANCES, Regions, regions_of
from instance_seg.replicas import share, sum_over_replicas
from instance_seg.structures import Batch, Labels, LevelReadout, Points, Task

PER_CLASS, PER_STEP = 32, 2  # regions of a class that are sampled, and of them in a step
STEPS, RATE = 300, 0.05
PRIOR = 1.0  # standard deviation of the logarithms
BOUNDARY = math.sqrt(2 * math.log(2))  # of a standard deviation: there exp(-r^2 / 2 s^2) is a half
LEARNED = "learned"  # what names of the variables begin with
_SMALLEST_PUSH = 0.005  # where the prior of lambda begins


class LearnedValues:
    """log s, which keeps the bandwidth in LIMITS, and the inverse softplus of lambda, of so many classes.

    Args:
        add_weight: of a Keras layer, which has the variables.
        count: C, of classes.
        given: where the values begin, unless by `begin_at`, and the centers of their priors.
    """

    def __init__(self, add_weight: Callable, count: int, given: ClusterConfig):
        low, high = np.log(np.float32(LIMITS) / FLAT_PER_SIGMA)
        limits = {"log_s": lambda x: tf.clip_by_value(x, low, high), "raw_lambda": None}
        self.variables = [
            add_weight(name=f"{LEARNED}_{name}", shape=(count,), initializer="zeros", constraint=limit)
            for name, limit in limits.items()
        ]
        s, push = (np.full(count, x) for x in (given.bandwidth / FLAT_PER_SIGMA, given.semantic_center_offset))
        self._begin(s, push)

    def begin_at(self, values: Sequence[ClassValues]) -> None:
        """Moves values and priors to those of a reading with the flat kernel, of BOUNDARY standard deviations."""
        self._begin(np.array([v.bandwidth for v in values]) / BOUNDARY, np.array([v.push for v in values]))

    def _begin(self, s: np.ndarray, push: np.ndarray) -> None:
        log_s, raw = self.variables
        self._log_s = np.float32(log_s.constraint(np.log(np.float32(s))))
        self._log_push = np.log(np.maximum(np.float32(push), _SMALLEST_PUSH))
        log_s.assign(self._log_s)
        raw.assign(np.log(np.expm1(np.exp(self._log_push))))

    def current(self) -> tuple[tf.Tensor, tf.Tensor]:
        """s and lambda, [C] each."""
        log_s, raw = (tf.convert_to_tensor(v) for v in self.variables)
        return tf.exp(log_s), tf.nn.softplus(raw)

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Bandwidth (of the flat kernel of the same spread) and lambda, [C] float64 each."""
        s, push = (x.numpy().astype(float) for x in self.current())
        return FLAT_PER_SIGMA * s, push

    def prior(self) -> tf.Tensor:
        """[C], minus the logarithm of their density."""
        s, push = self.current()
        return ((tf.math.log(s) - self._log_s) ** 2 + (tf.math.log(push) - self._log_push) ** 2) / (2 * PRIOR**2)

    def errors(self, regions: Regions, row: tf.Tensor, loss: Callable) -> tf.Tensor:
        """A loss of losses.modes.LOSSES of each region, [R]; `row` [R] int32: of its class among the values."""
        s, push = (tf.gather(x, row) for x in self.current())
        x = regions.center + push[:, None, None] * regions.direction
        return loss(x, regions.instance, regions.valid, s, NUM_INSTANCES)


def joint_losses(
    readout: Sequence[LevelReadout], batch: Batch, task: Task, values: LearnedValues, loss: Callable, weight: float
) -> list[tf.Tensor]:
    """The loss of the clustering at each level that is scored, this replica's share.

    It is the sum over the classes of the mean error of their regions in the batch, and of the prior, as where the
    network rests. So the values of a class move alike however many classes there are. The network gets `weight` times
    the gradient of the mean over the classes.

    Args:
        values: of the classes of `things_of(task)`.
    """
    found, first = [], 0
    for k in task.scored:
        regions = regions_of(readout[k], batch.labels[k], batch.points, task.levels[k])
        last = first + len(task.levels[k].things)
        ones = tf.ones_like(regions.thing, tf.float32)
        counts = sum_over_replicas(tf.math.unsorted_segment_sum(ones, regions.thing, last - first))
        factor = tf.math.divide_no_nan(weight, tf.math.count_nonzero(counts, dtype=tf.float32))
        center, direction = (_with_gradient(x, factor) for x in (regions.center, regions.direction))
        regions = regions._replace(center=center, direction=direction)
        errors = values.errors(regions, first + regions.thing, loss) / tf.gather(counts, regions.thing)
        found.append(tf.reduce_sum(errors) + share(tf.reduce_sum(values.prior()[first:last]) / PER_CLASS))
        first = last
    return found


def _with_gradient(x: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """x, whose gradient is so many times its own."""
    return tf.stop_gradient(x) + factor * (x - tf.stop_gradient(x))


def sample_regions(found: Iterable[tuple[Any, Points, Sequence[Labels]]], task: Task) -> list[list[Regions]]:
    """Single regions of each class of `things_of(task)`, the first PER_CLASS of it.

    Args:
        found: LevelReadouts, points and labels of batches (NumPy).
    """
    sampled: list[list[Regions]] = [[] for _ in things_of(task)]
    for readout, points, labels in found:
        first = 0
        for k in task.scored:
            regions = regions_of(readout[k], labels[k], points, task.levels[k])
            for each in map(Regions._make, zip(*(x.numpy() for x in regions))):
                if len(of_class := sampled[first + each.thing]) < PER_CLASS:
                    of_class.append(each)
            first += len(task.levels[k].things)
    return sampled


def learn_values(
    regions: Sequence[Sequence[Regions]], task: Task, given: ClusterConfig, loss: Callable, steps: int = STEPS
) -> list[ClassValues]:
    """Bandwidth (of the flat kernel) and lambda of each class; those without a region keep the given ones.

    Args:
        regions: of each class of `things_of(task)`.
        given: where the values begin, and the centers of their priors.
        loss: one of losses.modes.LOSSES.
    """
    there = [c for c, each in enumerate(regions) if each]
    bandwidth, push = (np.full(len(regions), x) for x in (given.bandwidth, given.semantic_center_offset))
    if there:
        values = LearnedValues(keras.layers.Layer().add_weight, len(there), given)
        counts = np.array([len(regions[c]) for c in there])
        data = Regions(*(tf.constant(np.stack(a)) for a in zip(*(region for c in there for region in regions[c]))))
        first, rng = np.cumsum(counts) - counts, np.random.default_rng(0)
        row = tf.repeat(tf.range(len(there)), PER_STEP)
        optimizer = keras.optimizers.Adam(RATE)
        optimizer.build(values.variables)

        @tf.function(input_signature=[tf.TensorSpec([len(there), PER_STEP], tf.int32)])
        def step(chosen):
            batch = Regions(*(tf.gather(a, tf.reshape(chosen, [-1])) for a in data))
            with tf.GradientTape() as tape:
                errors = tf.reshape(values.errors(batch, row, loss), [len(there), PER_STEP])
                total = tf.reduce_sum(tf.reduce_mean(errors, axis=1) + values.prior() / tf.constant(counts, tf.float32))
            optimizer.apply(tape.gradient(total, [v.value for v in values.variables]), values.variables)

        for _ in tqdm(range(steps), "learning", unit="step", leave=False):
            step(first[:, None] + rng.integers(0, counts[:, None], (len(there), PER_STEP)))
        bandwidth[there], push[there] = values.numbers()
    return class_values(task, bandwidth, push)


def class_values(task: Task, bandwidth: np.ndarray, push: np.ndarray) -> list[ClassValues]:
    """Of the classes of `things_of(task)`; bandwidth and push [C] float."""
    rows = zip(things_of(task), bandwidth.tolist(), push.tolist(), strict=True)
    return [ClassValues(level.name, level.classes[c], round(h, 6), round(p, 6)) for (level, c), h, p in rows]


def learned_readings(values: Sequence[ClassValues], given: ClusterConfig, name: str = "learned") -> dict[str, ByClass]:
    """What was learned with the kernel that it was learned for, and with flat ones; `name` begins their names.

    The flat kernel of 2.45 s spreads as far as the Gaussian, but sees neighbors at full weight: where the Gaussian
    keeps two instances apart it merges them. That of 1.18 s ends where the loss lets an instance end.
    """
    narrow = [each._replace(bandwidth=round(each.bandwidth * BOUNDARY / FLAT_PER_SIGMA, 6)) for each in values]
    return {
        f"{name} gaussian": ByClass.of(given, values, kernel="gaussian"),
        f"{name} flat 2.45 s": ByClass.of(given, values, kernel="flat"),
        f"{name} flat 1.18 s": ByClass.of(given, narrow, kernel="flat"),
    }
