"""The figures that the paper prints, kept in paper_tables.yaml, and ours beside them."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from instance_seg.report.by_number import MEASURES, WITH, WITHOUT, level_name
from instance_seg.report.category_grid import CategoryGrid, Group, make_grid, short_name
from instance_seg.tables import MISSING, markdown, percent

_LEVELS = ("Coarse", "Middle", "Fine")
_CATEGORY_TABLE_VARIANT = "cross_level_fusion"  # "Ours" in Tables 1, 2 and 10


@cache
def paper_tables() -> dict[str, Any]:
    """paper_tables.yaml as it is written."""
    path = Path(__file__).with_name("paper_tables.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def paper_grid(measure: str, method: str = "Ours") -> CategoryGrid:
    """A method's figures in Table 1 (AP50) or Table 10 (AP25, AP75, sAP50), without the printed averages.

    Args:
      measure: "AP25", "AP50", "AP75" or "sAP50".
      method: "SGPN", "PartNet", "PE" or "Ours".

    Raises:
      ValueError: the paper gives no such figures per category.
    """
    tables = paper_tables()
    try:
        rows = tables["category_tables"][measure][method]
    except KeyError as error:
        raise ValueError(f"the paper has no table of {measure} per category for {method!r}") from error
    values = np.array([rows[level][1:] for level in _LEVELS], np.float64)
    return CategoryGrid(tuple(tables["columns"][1:]), values)


def has_paper_figures(group: Group) -> bool:
    """Whether the paper has figures for these runs: a variant of its Table 4, on PartNet's own data."""
    return group.dataset.lower().startswith("partnet") and group.variant in paper_tables()["ablation"]


def comparison(group: Group, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sections that set ours beside the paper: Table 4 for the variant, and Tables 1 and 10 for the default one."""
    sections = ["## Beside the paper's Table 4 (mean of 24 categories)", _ablation_table(group.variant, runs)]
    if group.variant == _CATEGORY_TABLE_VARIANT:
        for measure in ("AP50", "AP25", "AP75", "sAP50"):
            number = 1 if measure == "AP50" else 10
            sections += [f"## {measure} beside the paper's Table {number}", _category_table(measure, runs)]
    return sections


def _ablation_table(variant: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Rows ours, paper and their difference, with and without region centers."""
    rows = []
    for name, key in ((WITH, "with"), (WITHOUT, "without")):
        ours = [make_grid(runs, name, measure).mean for measure in MEASURES]
        rows += _beside(name, np.array(ours), np.array(paper_tables()["ablation"][variant][key]))
    return markdown(["Row", "Whose", *MEASURES], rows, num_names=2)


def _category_table(measure: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Levels x (ours, paper, difference) over our categories; the paper's averages are taken over these alone."""
    ours = make_grid(runs, WITH, measure)
    paper = restrict(paper_grid(measure), ours.categories)
    rows = []
    for index in range(len(_LEVELS)):
        rows += _beside(level_name(index), *(np.append(g.level_means[index], g.values[index]) for g in (ours, paper)))
    rows += _beside("Avg", *(np.append(g.mean, g.category_means) for g in (ours, paper)))
    return markdown(["Level", "Whose", "Avg", *map(short_name, ours.categories)], rows, num_names=2)


def restrict(grid: CategoryGrid, categories: Sequence[str]) -> CategoryGrid:
    """The columns of some categories, in their order; NaN for those that the grid lacks."""
    columns = {name: grid.values[:, column] for column, name in enumerate(grid.categories)}
    nothing = np.full(len(grid.values), np.nan)
    return CategoryGrid(tuple(categories), np.stack([columns.get(name, nothing) for name in categories], axis=1))


def _beside(name: str, ours: np.ndarray, paper: np.ndarray) -> list[list[str]]:
    difference = [MISSING if np.isnan(value) else f"{value:+.1f}" for value in ours - paper]
    return [[name, "ours", *map(percent, ours)], ["", "paper", *map(percent, paper)], ["", "difference", *difference]]
