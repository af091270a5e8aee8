"""Bandwidth and lambda of each class learned by gradients, for a network that stays as it is.

What mean-shift sees of a class in a shape, its predicted region, is sampled once. Then the width s_c of a Gaussian
kernel and lambda_c of Eq. 7 go down the gradient of a loss of losses/modes.py, with Gaussian priors on their logarithms
around the run's own values.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from instance_seg.clustering.by_class import ByClass, ClassValues, things_of
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.gaussian_shift import FLAT_PER_SIGMA
from instance_seg.clustering.shift import shift_points
from instance_seg.data.spacing import LIMITS
from instance_seg.structures import Labels, Points, Task

NUM_POINTS, NUM_INSTANCES = 256, 12  # of a region; the largest instances
PER_CLASS, PER_STEP = 32, 2  # regions of a class that are sampled, and of them in a step
STEPS, RATE = 300, 0.05
PRIOR = 1.0  # standard deviation of the logarithms
BOUNDARY = math.sqrt(2 * math.log(2))  # of a standard deviation: there exp(-r^2 / 2 s^2) is a half
_SMALLEST_PUSH = 0.005  # where the prior of lambda begins


class Region(NamedTuple):
    """The points of one predicted class in one shape, padded, in random order."""

    center: np.ndarray  # [N, 3] float32, p + O_I
    direction: np.ndarray  # [N, 3] float32, of the push: of length 1, or 0
    instance: np.ndarray  # [N] int32, true instance of that class; -1: of none, or of a small one
    valid: np.ndarray  # [N] bool


def sample_regions(
    found: Iterable[tuple[Any, Points, Sequence[Labels]]], task: Task, seed: int = 0
) -> list[list[Region]]:
    """The regions of each class of `things_of(task)`, at most PER_CLASS of it, that hold points of its true instances.

    Args:
        found: LevelReadouts, points and labels of batches (NumPy).
    """
    rng, classes = np.random.default_rng(seed), things_of(task)
    regions: list[list[Region]] = [[] for _ in classes]
    for readout, points, labels in found:
        for begin, end in zip(points.row_splits[:-1], points.row_splits[1:]):
            for each, (level, s) in zip(regions, classes):
                k = task.levels.index(level)
                semantic, *offsets = (x[begin:end] for x in readout[k][:3])
                rows = rng.permutation(np.flatnonzero(semantic == s))[:NUM_POINTS]
                truth = np.where(labels[k].semantic[begin:end] == s, labels[k].instance[begin:end], -1)[rows]
                if len(each) < PER_CLASS and (truth >= 0).any():
                    each.append(_region(points.xyz[begin:end][rows], *(x[rows] for x in offsets), truth))
    return regions


def _region(xyz, instance_offset, region_offset, truth) -> Region:
    center = xyz + instance_offset
    unit = ClusterConfig(semantic_center_offset=1.0)
    direction = shift_points(np.zeros_like(xyz), instance_offset, region_offset, unit) - instance_offset
    ids, counts = np.unique(truth[truth >= 0], return_counts=True)
    largest = ids[np.argsort(-counts, kind="stable")][:NUM_INSTANCES]
    instance = np.select([truth == each for each in largest], range(len(largest)), -1)
    more = NUM_POINTS - len(xyz)
    arrays = (center, direction, np.int32(instance), np.ones(len(xyz), bool))
    return Region(*(np.pad(a, [(0, more)] + [(0, 0)] * (a.ndim - 1)) for a in arrays))


def learn_values(
    regions: Sequence[Sequence[Region]], task: Task, given: ClusterConfig, loss: Callable, steps: int = STEPS
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
        values = _Values(len(there), given)
        counts = np.array([len(regions[c]) for c in there])
        data = Region(*(tf.constant(np.stack(a)) for a in zip(*(region for c in there for region in regions[c]))))
        first, rng = np.cumsum(counts) - counts, np.random.default_rng(0)
        optimizer = keras.optimizers.Adam(RATE)
        optimizer.build(values.variables)

        @tf.function(input_signature=[tf.TensorSpec([len(there), PER_STEP], tf.int32)])
        def step(chosen):
            batch = Region(*(tf.gather(a, tf.reshape(chosen, [-1])) for a in data))
            with tf.GradientTape() as tape:
                s, lam = (tf.repeat(x, PER_STEP) for x in values.current())
                x = batch.center + lam[:, None, None] * batch.direction
                errors = tf.reshape(loss(x, batch.instance, batch.valid, s, NUM_INSTANCES), [len(there), PER_STEP])
                total = tf.reduce_sum(tf.reduce_mean(errors, axis=1) + values.prior() / tf.constant(counts, tf.float32))
            optimizer.apply(tape.gradient(total, [v.value for v in values.variables]), values.variables)
            values.clamp()

        for _ in tqdm(range(steps), "learning", unit="step", leave=False):
            step(first[:, None] + rng.integers(0, counts[:, None], (len(there), PER_STEP)))
        s, lam = (x.numpy().astype(float) for x in values.current())
        bandwidth[there], push[there] = FLAT_PER_SIGMA * s, lam
    rows = zip(things_of(task), bandwidth.tolist(), push.tolist(), strict=True)
    return [ClassValues(level.name, level.classes[c], round(h, 6), round(p, 6)) for (level, c), h, p in rows]


def learned_readings(values: Sequence[ClassValues], given: ClusterConfig) -> dict[str, ByClass]:
    """What was learned with the kernel that it was learned for, and with flat ones.

    The flat kernel of 2.45 s spreads as far as the Gaussian, but sees neighbors at full weight: where the Gaussian
    keeps two instances apart it merges them. That of 1.18 s ends where the loss lets an instance end.
    """
    narrow = [each._replace(bandwidth=round(each.bandwidth * BOUNDARY / FLAT_PER_SIGMA, 6)) for each in values]
    return {
        "learned gaussian": ByClass.of(given, values, kernel="gaussian"),
        "learned flat 2.45 s": ByClass.of(given, values, kernel="flat"),
        "learned flat 1.18 s": ByClass.of(given, narrow, kernel="flat"),
    }


class _Values:
    """log s and the inverse softplus of lambda of so many classes."""

    def __init__(self, count: int, given: ClusterConfig):
        self._log_s = float(np.log(given.bandwidth / FLAT_PER_SIGMA))
        self._log_push = float(np.log(max(given.semantic_center_offset, _SMALLEST_PUSH)))
        begin = self._log_s, float(np.log(np.expm1(np.exp(self._log_push))))
        self.variables = [keras.Variable(np.full(count, x, np.float32)) for x in begin]

    def current(self) -> tuple[tf.Tensor, tf.Tensor]:
        """s and lambda, [C] each."""
        log_s, raw = (v.value for v in self.variables)
        return tf.exp(log_s), tf.nn.softplus(raw)

    def prior(self) -> tf.Tensor:
        """[C], minus the logarithm of their density."""
        s, push = self.current()
        return ((tf.math.log(s) - self._log_s) ** 2 + (tf.math.log(push) - self._log_push) ** 2) / (2 * PRIOR**2)

    def clamp(self) -> None:
        """The bandwidth stays in LIMITS."""
        low, high = (np.float32(np.log(x / FLAT_PER_SIGMA)) for x in LIMITS)
        self.variables[0].assign(tf.clip_by_value(self.variables[0].value, low, high))
