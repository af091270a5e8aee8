"""Random decisions about structure and size, in the words of the category files."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


class Draw:
    """A thin wrapper of a NumPy generator."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def between(self, low: float, high: float) -> float:
        """A number, uniform in [low, high)."""
        return float(self.rng.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def maybe(self, probability: float, option: Option) -> Option | None:
        """The option with this probability, else None."""
        return option if self.chance(probability) else None

    def pick(self, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """One of the options, evenly or by weights that need not sum to 1."""
        share = None if weights is None else np.asarray(weights, float) / np.sum(weights)
        return options[int(self.rng.choice(len(options), p=share))]
