"""One measure over categories and levels, and its averages in the paper's order: levels first, then categories."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.report.by_number import MEASURES, WITH, WITHOUT, arithmetic_of, by_number, level_name, rows_of
from instance_seg.tables import markdown, percent

NUM_LEVELS = 3
_SHORT = {
    "Dishwasher": "Dish",
    "Display": "Disp",
    "Earphone": "Ear",
    "Keyboard": "Key",
    "Microwave": "Micro",
    "Refrigerator": "Fridge",
    "Scissors": "Scis",
    "StorageFurniture": "Stora",
    "TrashCan": "Trash",
}


class Group(NamedTuple):
    """Runs that belong into one table: they differ in category and seed only."""

    dataset: str
    variant: str
    preset: str
    arithmetic: str = PUBLISHED  # of average precision


class CategoryGrid(NamedTuple):
    """A measure in percent, NaN where a category has no such level or was not run."""

    categories: tuple[str, ...]  # C names, in alphabetical order
    values: np.ndarray  # [levels, C] float64

    @property
    def category_means(self) -> np.ndarray:
        """[C] mean over the levels that a category has."""
        return _nanmean(self.values, axis=0)

    @property
    def level_means(self) -> np.ndarray:
        """[levels] mean over the categories that have the level."""
        return _nanmean(self.values, axis=1)

    @property
    def mean(self) -> float:
        """Mean over categories of their means: the figure that the paper's Table 2 gives for a method."""
        return float(_nanmean(self.category_means, axis=0))


def short_name(category: str) -> str:
    """A column heading for a category, of at most six letters where the full name is long."""
    return _SHORT.get(category, category)


def group_runs(runs: Iterable[Mapping[str, Any]]) -> dict[Group, list[Mapping[str, Any]]]:
    """Sorts results by what may share a table, in the order of first appearance."""
    groups: dict[Group, list[Mapping[str, Any]]] = {}
    for results in map(by_number, runs):
        run = results["run"]
        group = Group(run["dataset"], run["variant"], run["preset"], arithmetic_of(run))
        groups.setdefault(group, []).append(results)
    return groups


def make_grid(runs: Sequence[Mapping[str, Any]], row: str, measure: str) -> CategoryGrid:
    """The grid of one measure, averaged over the runs (seeds) of a category.

    Args:
      runs: results of one group.
      row: table.WITH or table.WITHOUT.
      measure: one of results.MEASURES.
    """
    cells: dict[tuple[int, str], list[float]] = {}
    runs = [by_number(results) for results in runs]
    for results in runs:
        for key, level in rows_of(results)[row]["levels"].items():
            if level[measure] is not None:
                cells.setdefault((int(key) - 1, results["run"]["category"]), []).append(level[measure])
    categories = tuple(sorted({results["run"]["category"] for results in runs}))
    num_levels = max([NUM_LEVELS, *(index + 1 for index, _ in cells)])
    values = [[np.mean(cells.get((index, name), [np.nan])) for name in categories] for index in range(num_levels)]
    return CategoryGrid(categories, np.array(values))


def grid_table(grid: CategoryGrid) -> str:
    """The paper's Table 1: a column for each category after their average, a row for each level and their average."""
    headers = ["Level", "Avg", *map(short_name, grid.categories)]
    rows = [
        [level_name(index), percent(mean), *map(percent, values)]
        for index, (mean, values) in enumerate(zip(grid.level_means, grid.values))
    ]
    rows.append(["Avg", percent(grid.mean), *map(percent, grid.category_means)])
    return markdown(headers, rows)


def means_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The paper's Table 2: five measures, averaged over levels and categories, one line for each row."""
    rows = [[row, *(percent(make_grid(runs, row, name).mean) for name in MEASURES)] for row in (WITH, WITHOUT)]
    return markdown(["Row", *MEASURES], rows)


def _nanmean(values: np.ndarray, axis: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a level that no category has is NaN, not a problem
        return np.nanmean(values, axis=axis)
