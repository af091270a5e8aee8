"""The rows of the paper's tables: which runs belong to one, and its figures over seeds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from instance_seg.clustering.config import ClusterConfig
from instance_seg.report.by_number import WITH, WITHOUT, by_number, rows_of
from instance_seg.report.category_grid import CategoryGrid, make_grid
from instance_seg.tables import MISSING, percent

View = Mapping[str, Any]  # results of which only the first row, "levels" and "mean", is meant


class Clustering(NamedTuple):
    """What Table 5 varies, and the kind of the push of Eq. 7 ("soft" is ours); lambda 0 is the row with the dagger."""

    bandwidth: float = ClusterConfig.bandwidth
    push: float = ClusterConfig.semantic_center_offset  # lambda
    kind: str = ClusterConfig.region_push


class Row(NamedTuple):
    """One row of Table 4 or 5: a network, named as in run.variant, and how its offsets become instances."""

    variant: str
    clustering: Clustering = Clustering()


class OverSeeds(NamedTuple):
    """Figures in percent, NaN where there is none."""

    mean: np.ndarray
    spread: np.ndarray  # sample standard deviation over the seeds; NaN for a single seed


def collect_rows(runs: Iterable[View]) -> dict[Row, list[View]]:
    """Sorts both rows of every run, and of every sweep of a checkpoint, into the rows of tables.

    A category and seed count once in a row, the first time they come: give runs before sweeps.
    """
    rows: dict[Row, dict[Any, View]] = {}
    for results in map(by_number, runs):
        run = results["run"]
        for name, clustering in _clusterings(run).items():
            view = {**results, "levels": rows_of(results)[name]["levels"]}
            rows.setdefault(Row(run["variant"], clustering), {}).setdefault((run["category"], run["seed"]), view)
    return {row: list(views.values()) for row, views in rows.items()}


def over_seeds(
    views: Sequence[View], measure: str, choose: Callable[[CategoryGrid], np.ndarray] = lambda grid: np.array(grid.mean)
) -> OverSeeds:
    """Mean and spread of what `choose` takes from the grid of a measure; a scalar, the paper's average, by default.

    The spread is over those seeds that have every category and level of the row.
    """
    grid = make_grid(views, WITH, measure)
    seeds = [make_grid(of_seed(views, seed), WITH, measure) for seed in seeds_of(views)]
    whole = [choose(g) for g in seeds if g.categories == grid.categories and _same_cells(g, grid)]
    mean = choose(grid)
    return OverSeeds(mean, np.std(whole, axis=0, ddof=1) if len(whole) > 1 else np.full(np.shape(mean), np.nan))


def seeds_of(views: Sequence[View]) -> list[int]:
    """The seeds that occur, ascending."""
    return sorted({view["run"]["seed"] for view in views})


def of_seed(views: Sequence[View], seed: int) -> list[View]:
    """The views of one seed."""
    return [view for view in views if view["run"]["seed"] == seed]


def figure(mean: float, spread: float = np.nan) -> str:
    """ "64.1 ± 0.8", "64.1" without a spread, a dash without a mean."""
    text = percent(float(mean))
    return text if text == MISSING or np.isnan(spread) else f"{text} ± {spread:.1f}"


def _clusterings(run: Mapping[str, Any]) -> dict[str, Clustering]:
    bandwidth = round(float(run.get("bandwidth", ClusterConfig.bandwidth)), 6)
    push = round(float(run["semantic_center_offset"]), 6)
    kind = run.get("region_push", ClusterConfig.region_push) if push else ClusterConfig.region_push
    return {WITH: Clustering(bandwidth, push, kind), WITHOUT: Clustering(bandwidth, 0.0)}


def _same_cells(a: CategoryGrid, b: CategoryGrid) -> bool:
    return a.values.shape == b.values.shape and bool((np.isfinite(a.values) == np.isfinite(b.values)).all())
