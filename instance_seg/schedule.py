"""How a network is trained: initial weights, optimizer, and the learning rate of every step (paper, Section 4.1.1)."""

import math
from dataclasses import dataclass

from instance_seg.initializers import INITIALIZERS
from instance_seg.options import LARGEST_COUNT, Settings, option

SETTLED = 500  # updates after which moving statistics (layers.DECAY) keep less than 1 % of their initial values
OPTIMIZERS = ("momentum", "adam")


@dataclass(frozen=True)
class ScheduleConfig(Settings):
    """The paper: 100,000 iterations, 0.1, divided by 10 after 50 % and 75 %."""

    initializer: str = option(
        "released",
        "initial weights: released: those of the paper's program; fan_in: smaller ones, which learn faster; spconv: "
        "those of PointGroup, DyCo3D and HAIS; xavier: those of PartNet's, ASIS' and JSNet's programs",
        tuple(INITIALIZERS),
    )
    max_iter: int = option(100_000, "training iterations (updates)", low=1, high=LARGEST_COUNT)
    learning_rate: float = option(0.1, "initial learning rate", above=0, high=1e30)
    rate_shape: str = option(
        "steps",
        "how the rate falls: steps: by decay_factor at each of decay_at (the paper); cosine: half a cosine, to 0; "
        "periodic: by decay_factor every decay_every iterations, down to rate_floor; polynomial: as the part of the "
        "training that is left, to the power of 0.9",
        ("steps", "cosine", "periodic", "polynomial"),
    )
    rate_hold: float = option(0.0, "cosine: fraction of max_iter at the full rate before it falls", low=0, below=1)
    decay_every: float = option(
        5000.0,
        "iterations between drops of a periodic rate; samples between them over the batch size",
        above=0,
        high=1e9,
    )
    rate_floor: float = option(0.0, "smallest learning rate of a periodic rate", low=0, high=1e30)
    decay_at: tuple[float, ...] = option(
        (0.5, 0.75), "fractions of max_iter after which the learning rate drops", low=0, high=1
    )
    decay_factor: float = option(0.1, "what the learning rate is multiplied by at each drop", low=0, high=1)
    warmup_iter: int = option(0, "iterations of linear warm-up (the paper has none)", low=0, high=LARGEST_COUNT)
    statistics_decay: str = option(
        "constant",
        "what the moving statistics of batch normalization keep of themselves in a step: constant: what their layers "
        "say, mostly 0.99; growing: 0.5, whose distance from 1 halves every decay_every iterations, up to 0.99 "
        "(PointNet++)",
        ("constant", "growing"),
    )
    optimizer: str = option("momentum", "momentum: SGD as TF1 computes it (the paper); adam: as Keras'", OPTIMIZERS)
    momentum: float = option(0.9, "momentum of SGD", low=0, below=1)
    freeze_statistics_at: float = option(
        1.0,
        "fraction of max_iter after which batch normalization trains with its moving statistics, which then rest, but "
        f"not before iteration {SETTLED}, since they start at 0 and 1; 1: never (the paper)",
        above=0,
        high=1,
    )
    last_phase_at: float = option(
        0.8,
        "fraction of max_iter after which a last phase begins, where there is one (learn_clustering)",
        low=0,
        high=1,
    )


def learning_rate(step: int, config: ScheduleConfig) -> float:
    """The rate of the update with 0-based index `step`."""
    warmup = min(1.0, (step + 1) / (config.warmup_iter + 1))
    return config.learning_rate * SHAPES[config.rate_shape](step, config) * warmup


def steps(step: int, config: ScheduleConfig) -> float:
    """A factor at each boundary. Boundaries are inclusive: step 50,000 of the paper's still has the full rate."""
    return config.decay_factor ** sum(step > round(fraction * config.max_iter) for fraction in config.decay_at)


def cosine(step: int, config: ScheduleConfig) -> float:
    """Half a cosine, from 1 to 0, after the part of the training that is at the full rate."""
    held = config.rate_hold * config.max_iter
    return 0.5 * (1.0 + math.cos(math.pi * max(step - held, 0) / (config.max_iter - held)))


def periodic(step: int, config: ScheduleConfig) -> float:
    """A factor after each period, down to the floor."""
    factor = config.decay_factor ** math.floor(step / config.decay_every)
    return max(factor, config.rate_floor / config.learning_rate)


def polynomial(step: int, config: ScheduleConfig) -> float:
    """A power of what is left, from 1 to nearly 0 (DyCo3D)."""
    return (1.0 - step / (config.max_iter + 1)) ** 0.9


SHAPES = {"steps": steps, "cosine": cosine, "periodic": periodic, "polynomial": polynomial}


def statistics_decay(step: int, config: ScheduleConfig) -> float | None:
    """What moving statistics keep of themselves in the update with 0-based index `step`; None: as their layers say."""
    if config.statistics_decay == "constant":
        return None
    return min(0.99, 1 - 0.5 * 0.5 ** math.floor(step / config.decay_every))


def last_phase_begins(config: ScheduleConfig) -> int:
    """The 0-based index of the first update of the last phase of a system that has one."""
    return round(config.last_phase_at * config.max_iter)


def uses_batch_statistics(step: int, config: ScheduleConfig) -> bool:
    """Whether the update with 0-based index `step` normalizes with the statistics of its batch.

    A network that is always normalized by the few shapes of its batch may come to need them: normalized by moving
    statistics, the features of some shapes then grow from layer to layer and their offsets are of no use. Some last
    updates in inference mode cure it (docs/studies/short_training.md, "Moving statistics").
    """
    return step < max(round(config.freeze_statistics_at * config.max_iter), SETTLED)
