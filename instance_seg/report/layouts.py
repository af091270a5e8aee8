"""The layouts of tables: what a table of a description becomes with the figures that were measured."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from instance_seg.report.averages import average, figure, make_grid, over_seeds, signed, with_averages
from instance_seg.report.class_values import class_values_table
from instance_seg.report.descriptions import PAPERS_OWN, Description, papers_networks, table_of
from instance_seg.report.folds import folds_table, times_table
from instance_seg.report.frame import levels_of, rows_by
from instance_seg.tables import MISSING, Table, capitalized, percent, plural

OURS = "this program"  # the name of our rows among the paper's
PAPERS, DIFFERENCE, NOT_RUN = f"{PAPERS_OWN} (the paper's)", "difference", "not run"


class Measured:
    """The figures of runs that share their tables, by the rows of these tables.

    Args:
        frame: of one kind of data set (report/frame.py).
        description: its tables.
    """

    def __init__(self, frame: pd.DataFrame, description: Description):
        self.description, self.keys = description, description["keys"]
        self.frame = frame.reindex(columns=frame.columns.union(self.keys, sort=False))
        known = self.frame[self.keys].notna().all(axis=1)
        self.rows = rows_by(self.frame[known], self.keys)
        self.others = self.frame[~known]  # of systems whose readings have other settings
        self.levels = description.get("levels") or levels_of(frame)
        self.measures = description.get("measures") or list(frame.loc[frame["class"] == "", "measure"].unique())

    def row(self, of: Mapping[str, Any]) -> pd.DataFrame | None:
        """The figures of the row that has these values of the keys; None if it was not run."""
        return self.rows.get(tuple(of[key] for key in self.keys))

    def classes(self, of: Mapping[str, Any]) -> pd.DataFrame:
        """The figures of the classes in the runs of a row; none if it was not run."""
        rows = self.row(of)
        frame = self.frame[self.frame["class"] != ""]
        of_row = (frame[self.keys] == pd.Series(of)[self.keys]).all(axis=1)
        return frame[of_row & frame["run"].isin([] if rows is None else rows["run"])]

    @cached_property
    def methods(self) -> dict[str, pd.DataFrame]:
        """The figures of the paper's other methods as this program has them, by their names in the paper."""
        found = rows_by(self.others, ["variant"])
        known = self.description.get("methods", {})
        return {name: found[(variant,)] for name, variant in known.items() if (variant,) in found}

    @cached_property
    def own_networks(self) -> dict[str, str]:
        """Variants that are no network of the paper, not even one changed, and the names they have in tables."""
        known = papers_networks(self.description)
        found = dict.fromkeys(key[self.keys.index("variant")] for key in self.rows) if known else ()
        return {variant: f"{variant} (ours)" for variant in found if variant.split()[0] not in known}


Lines = tuple[Sequence[str], list[list[str]]]  # headers behind those of the names, and the rows


def make_table(measured: Measured, table: Mapping[str, Any]) -> Table:
    """A table of the description, without rows where it has nothing to show."""
    headers, lines = LAYOUTS[table["layout"]](measured, table)
    headers, num_names = [*table["headers"], *headers], table.get("num_names", len(table["headers"]))
    return Table(table["name"], table["title"], headers, lines, table.get("notes", ()), num_names)


def papers_grid(measured: Measured, table: Mapping[str, Any]) -> pd.DataFrame:
    """The paper's own figures in a table of the layout `grid`, without the printed averages."""
    printed = {level: table["paper"][PAPERS_OWN][level][1:] for level in measured.levels}
    return pd.DataFrame(printed, index=measured.description["subsets"], dtype=float).T


def _grid(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """Levels x (the paper's methods, ours, difference) x subsets: Tables 1 and 10."""
    subsets, rows, lines = measured.description["subsets"], measured.row(table["of"]), []

    def averaged(grid):
        return with_averages(grid.reindex(columns=subsets))

    if rows is not None:
        ours = over_seeds(rows, table["measure"], measured.levels, averaged)
        theirs = with_averages(papers_grid(measured, table).where(np.isfinite(ours.mean[:-1, 1:])))
    for block, level in enumerate([*measured.levels, "average"]):
        label = "Avg" if level == "average" else capitalized(level)
        for method, printed in table["paper"].items():
            lines.append([label, PAPERS if method == PAPERS_OWN else method, *map(percent, printed[level])])
            if (rows_of := measured.methods.get(method)) is not None:
                found = over_seeds(rows_of, table["measure"], measured.levels, averaged)
                lines.append([label, f"{method}, {OURS}", *map(figure, found.mean[block], found.spread[block])])
        if rows is None:
            lines.append([label, OURS, NOT_RUN, *[MISSING] * len(subsets)])
        else:
            lines.append([label, OURS, *map(figure, ours.mean[block], ours.spread[block])])
            lines.append([label, DIFFERENCE, *map(signed, ours.mean[block] - theirs[block])])
    return ["Avg", *(measured.description.get("short", {}).get(name, name) for name in subsets)], lines


def _methods(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """The paper's methods, ours and the difference x measures: Table 2."""
    rows = measured.row(table["of"])
    lines = []
    for name, printed in table["paper"].items():
        lines.append([PAPERS if name == PAPERS_OWN else name, *map(percent, printed)])
        if (found := measured.methods.get(name)) is not None:
            figures = (over_seeds(found, measure, measured.levels) for measure in measured.measures)
            lines.append([f"{name}, {OURS}", *(figure(*each) for each in figures)])
    if rows is None:
        lines.append([OURS, NOT_RUN, *[MISSING] * (len(measured.measures) - 1)])
    else:
        ours = [over_seeds(rows, measure, measured.levels) for measure in measured.measures]
        theirs = [_papers_average(measured, table, rows, measure) for measure in measured.measures]
        lines.append([f"{PAPERS}, {plural(measured.description['part'])} that were run", *map(percent, theirs)])
        lines.append([OURS, *(figure(*each) for each in ours)])
        lines.append([DIFFERENCE, *(signed(each.mean - paper) for each, paper in zip(ours, theirs))])
    return measured.measures, lines


def _papers_average(measured: Measured, table: Mapping[str, Any], rows: pd.DataFrame, measure: str) -> float:
    """The paper's mean over what the rows have; NaN for a measure that it gives over all subsets alone."""
    description = measured.description
    run = make_grid(rows, measure, measured.levels, description["subsets"]).notna()
    for other in description["tables"]:
        if other["layout"] == "grid" and other["measure"] == measure:
            return average(papers_grid(measured, other).where(run))
    printed = table["paper"][PAPERS_OWN][measured.measures.index(measure)]
    return printed if run.any().all() else np.nan


def _rows(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """The rows that the description lists x (ours, the paper's, difference) of every measure: Tables 4, 5, 6 and 9.

    One that is `optional` has no rows if none of them was run.
    """
    measures, lines = table.get("measures", measured.measures), []
    found = [measured.row(row["of"]) for row in table["rows"]]
    left_out = table.get("optional", False) and all(rows is None for rows in found)
    for row, rows in () if left_out else zip(table["rows"], found):
        cells = []
        for measure, theirs in zip(measures, row["paper"]):
            ours = (np.nan, np.nan) if rows is None else over_seeds(rows, measure, measured.levels)
            cells += [figure(*ours), percent(theirs), signed(ours[0] - theirs)]
        lines.append([*np.atleast_1d(row["name"]), *_about(rows), *cells])
    triples = [header for measure in measures for header in (measure, "paper", "diff")]
    return [*_about_headers(measured), *triples], lines


def _rest(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """The rows that no other table lists x measures; with `keys` those of readings that lack the keys of the others."""
    description, lines = measured.description, []
    listed = {
        tuple(row["of"][key] for key in measured.keys) for t in description["tables"] for row in t.get("rows", ())
    }
    labels = description.get("labels", {}) | measured.own_networks
    found = rows_by(measured.others, table["keys"]) if "keys" in table else measured.rows
    for key, rows in found.items():
        if key not in listed:
            names = [labels.get(value, f"{value:g}" if isinstance(value, float) else str(value)) for value in key]
            figures = (figure(*over_seeds(rows, measure, measured.levels)) for measure in measured.measures)
            lines.append([*names, *_about(rows), *figures])
    return [*_about_headers(measured), *measured.measures], lines


def _gains(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """Points that networks are ahead of a baseline x (ours, the paper's) of every measure; no rows without one.

    Runs are compared in pairs of one subset, seed and set of levels, and averaged as everywhere.
    """
    listed, against = table_of(measured.description, table["rows_of"])["rows"], table["against"]
    bases = [row for row in listed if row["of"]["variant"] == against]
    entries = [row for row in listed if row not in bases] + [
        {"name": name + base["name"].removeprefix(against), "of": {**base["of"], "variant": variant}}
        for variant, name in measured.own_networks.items()
        for base in bases
    ]
    lines = []
    for entry in entries:
        (base,) = [row for row in bases if {**entry["of"], "variant": against} == row["of"]]
        if (there := measured.row(base["of"])) is not None:
            papers = np.subtract(entry.get("paper", np.nan), base["paper"])
            lines.append([entry["name"], *_gain_cells(measured, measured.row(entry["of"]), there, papers)])
    pairs = [header for measure in measured.measures for header in (measure, "paper")]
    return ["Pairs", *pairs], lines


def _gain_cells(measured: Measured, ours: pd.DataFrame | None, base: pd.DataFrame, papers: np.ndarray) -> list[str]:
    pairs = _pairs(ours, base) if ours is not None else ()
    if not len(pairs):
        return [NOT_RUN, *(cell for paper in papers for cell in (MISSING, signed(paper)))]
    paired = [rows[pd.MultiIndex.from_frame(rows[["seed", "subset"]]).isin(pairs)] for rows in (ours, base)]
    cells = [str(len(pairs))]
    for measure, paper in zip(measured.measures, papers):
        of_seeds = [
            {seed: average(make_grid(of_seed, measure, measured.levels)) for seed, of_seed in rows.groupby("seed")}
            for rows in paired
        ]
        gains = np.array([of_seeds[0][seed] - of_seeds[1][seed] for seed in of_seeds[0]])
        cells += [signed(gains.mean(), gains.std(ddof=1) if len(gains) > 1 else np.nan), signed(paper)]
    return cells


def _pairs(ours: pd.DataFrame, base: pd.DataFrame) -> pd.MultiIndex:
    """The seeds and subsets that both have with the same levels."""
    levels, others = (rows.groupby(["seed", "subset"])["level"].agg(frozenset) for rows in (ours, base))
    return levels[levels == others.reindex(levels.index)].index


def _parameters(measured: Measured, table: Mapping[str, Any]) -> Lines:
    """Networks x subsets: trainable parameters, summed over the networks of a run."""
    networks = measured.frame[~measured.frame["swept"]].drop_duplicates(["run", "network"])
    subsets, found = sorted(networks["subset"].unique()), {}
    for _, run in networks.groupby("run"):
        several = f" ({len(run)} networks)" if len(run) > 1 else ""
        text = MISSING if run["parameters"].isna().any() else f"{int(run['parameters'].sum()):,}{several}"
        found.setdefault((run["variant"].iloc[0], run["subset"].iloc[0]), text)
    variants = dict.fromkeys([*papers_networks(measured.description), *(variant for variant, _ in found)])
    lines = [[variant, *(found.get((variant, subset), NOT_RUN) for subset in subsets)] for variant in variants]
    return subsets, lines


def _about_headers(measured: Measured) -> list[str]:
    return [capitalized(plural(measured.description.get("part", "subset"))), "Seeds"]


def _about(rows: pd.DataFrame | None) -> Sequence[str]:
    if rows is None:
        return [NOT_RUN, MISSING]
    return [str(rows["subset"].nunique()), " ".join(map(str, sorted(rows["seed"].unique())))]


LAYOUTS = {
    "grid": _grid,
    "methods": _methods,
    "rows": _rows,
    "rest": _rest,
    "gains": _gains,
    "parameters": _parameters,
    "folds": folds_table,
    "times": times_table,
    "class_values": class_values_table,
}
