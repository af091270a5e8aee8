"""One measure over levels and subsets, and its averages in the paper's order: levels, then subsets, then seeds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from instance_seg.tables import MISSING, percent


class OverSeeds(NamedTuple):
    """Figures, NaN where there is none."""

    mean: np.ndarray
    spread: np.ndarray  # sample standard deviation over the seeds; NaN for a single seed


def make_grid(
    rows: pd.DataFrame, measure: str, levels: Sequence[str], subsets: Sequence[str] | None = None
) -> pd.DataFrame:
    """[levels, subsets] a measure, averaged over the runs (seeds) of a subset; NaN where it was not measured."""
    subsets = sorted(rows["subset"].unique()) if subsets is None else subsets
    cells = rows[rows["measure"] == measure].groupby(["level", "subset"])["value"].mean()
    return cells.unstack("subset").reindex(index=levels, columns=subsets).astype(float)


def average(grid: pd.DataFrame) -> float:
    """The mean over subsets of their means over levels: the figure that the paper's Table 2 gives for a method."""
    return grid.mean().mean()


def with_averages(grid: pd.DataFrame) -> np.ndarray:
    """[levels + 1, 1 + subsets]: the grid below its averages by subset, and behind those by level."""
    below = np.vstack([grid.to_numpy(), grid.mean()])
    return np.column_stack([[*grid.mean(axis=1), average(grid)], below])


def over_seeds(
    rows: pd.DataFrame,
    measure: str,
    levels: Sequence[str],
    choose: Callable[[pd.DataFrame], np.ndarray] = average,
) -> OverSeeds:
    """Mean and spread of what `choose` takes from the grid of a measure, by default its average.

    The spread is over those seeds that have every cell of the grid.
    """
    grid = make_grid(rows, measure, levels)
    seeds = [make_grid(of_seed, measure, levels, grid.columns) for _, of_seed in rows.groupby("seed")]
    whole = [choose(each) for each in seeds if each.notna().equals(grid.notna())]
    mean = np.asarray(choose(grid))
    return OverSeeds(mean, np.std(whole, axis=0, ddof=1) if len(whole) > 1 else np.full(mean.shape, np.nan))


def figure(mean: float, spread: float = np.nan) -> str:
    """ "64.1 ± 0.8", "64.1" without a spread, a dash without a mean."""
    text = percent(float(mean))
    return text if text == MISSING or np.isnan(spread) else f"{text} ± {spread:.1f}"


def signed(value: float, spread: float = np.nan) -> str:
    """A difference, "+4.0 ± 0.8", or a dash."""
    text = MISSING if np.isnan(value) else f"{value:+.1f}"
    return text if text == MISSING or np.isnan(spread) else f"{text} ± {spread:.1f}"
