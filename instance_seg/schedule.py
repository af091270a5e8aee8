"""How a network is trained: initial weights, learning rate, and the paper's SGD (Section 4.1.1) as TF1 computed it."""

import math
from dataclasses import dataclass

import tensorflow as tf

from instance_seg.initializers import INITIALIZERS
from instance_seg.layers import DECAY
from instance_seg.options import LARGEST_COUNT, Settings, option

SETTLED = round(5 / (1 - DECAY))  # updates after which moving statistics keep less than 1 % of their initial values


@dataclass(frozen=True)
class ScheduleConfig(Settings):
    """The paper: 100,000 iterations, 0.1, divided by 10 after 50 % and 75 %."""

    initializer: str = option(
        "released",
        "initial weights: those of the released program, or smaller ones, which learn faster",
        tuple(INITIALIZERS),
    )
    max_iter: int = option(100_000, "training iterations (updates)", low=1, high=LARGEST_COUNT)
    learning_rate: float = option(0.1, "initial learning rate", above=0, high=1e30)
    rate_shape: str = option(
        "steps",
        "how the rate falls: steps: by decay_factor at each of decay_at (the paper); cosine: along half a cosine, to 0",
        ("steps", "cosine"),
    )
    decay_at: tuple[float, ...] = option(
        (0.5, 0.75), "fractions of max_iter after which the learning rate drops", low=0, high=1
    )
    decay_factor: float = option(0.1, "what the learning rate is multiplied by at each drop", low=0, high=1)
    warmup_iter: int = option(0, "iterations of linear warm-up (the paper has none)", low=0, high=LARGEST_COUNT)
    momentum: float = option(0.9, "momentum of SGD", low=0, below=1)
    freeze_statistics_at: float = option(
        1.0,
        "fraction of max_iter after which batch normalization trains with its moving statistics, which then rest, but "
        f"not before iteration {SETTLED}, since they start at 0 and 1; 1: never (the paper)",
        above=0,
        high=1,
    )


def learning_rate(step: int, config: ScheduleConfig) -> float:
    """The rate of the update with 0-based index `step`. Boundaries are inclusive: step 50,000 still uses 0.1."""
    warmup = min(1.0, (step + 1) / (config.warmup_iter + 1))
    if config.rate_shape == "cosine":
        return config.learning_rate * warmup * 0.5 * (1.0 + math.cos(math.pi * step / config.max_iter))
    drops = sum(step > round(fraction * config.max_iter) for fraction in config.decay_at)
    return config.learning_rate * config.decay_factor**drops * warmup


def uses_batch_statistics(step: int, config: ScheduleConfig) -> bool:
    """Whether the update with 0-based index `step` normalizes with the statistics of its batch.

    A network that is always normalized by the few shapes of its batch may come to need them: normalized by moving
    statistics, the features of some shapes then grow from layer to layer and their offsets are of no use. Some last
    updates in inference mode cure it (experiments/README.md, "Moving statistics").
    """
    return step < max(round(config.freeze_statistics_at * config.max_iter), SETTLED)


class Momentum(tf.Module):
    """TF1's momentum: a <- momentum a + g; w <- w - rate a.

    Keras' SGD keeps the learning rate inside the accumulator, so after a drop of the rate the two differ for as long
    as the momentum remembers.
    """

    def __init__(self, variables, momentum: float):
        super().__init__(name="momentum")
        self.momentum = momentum
        self.accumulators = [tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables]

    def apply(self, gradients, variables, rate: tf.Tensor) -> None:
        """One update of `variables` (tf.Variable, in the order of the constructor) in place."""
        for g, v, a in zip(gradients, variables, self.accumulators):
            tf.raw_ops.ResourceApplyMomentum(
                var=v.handle, accum=a.handle, lr=rate, grad=g, momentum=self.momentum, use_nesterov=False
            )
