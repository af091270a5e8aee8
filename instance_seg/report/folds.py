"""Several folds of a data set as one evaluation (Table 7), and the time that fusion takes (Table 8)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from instance_seg.report.averages import figure, over_seeds
from instance_seg.tables import MISSING


def folds_table(measured: Any, table: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Networks x (ours, the paper's) of every measure, "ONE(ALL)": of one fold, and of all of them pooled.

    Args:
        measured: layouts.Measured.
        table: with `alone`, the subset that stands alone; `folds`, all subsets; `pooled`, for each measure the one of
            the classes it is the mean of, and what that one is a mean over.
    """
    lines, measures = [], list(table["pooled"])
    for row in table["rows"]:
        rows, cells = measured.row(row["of"]), []
        for measure, theirs in zip(measures, row["paper"], strict=True):
            cells += [MISSING if rows is None else _ours(measured, row["of"], rows, measure, table), theirs]
        seeds = MISSING if rows is None else " ".join(map(str, sorted(rows["seed"].unique())))
        lines.append([row["name"], seeds, *cells])
    return ["Seeds", *(header for measure in measures for header in (measure, "paper"))], lines


def _ours(measured, of, rows, measure, table) -> str:
    alone = rows[rows["subset"] == table["alone"]]
    one = figure(*over_seeds(alone, measure, measured.levels)) if len(alone) else MISSING
    everything = measured.classes(of)
    if set(everything["subset"]) != set(table["folds"]):
        return one
    of_seeds = [pooled(of_seed, *table["pooled"][measure]) for _, of_seed in everything.groupby("seed")]
    spread = np.std(of_seeds, ddof=1) if len(of_seeds) > 1 else np.nan
    return f"{one}({figure(np.mean(of_seeds), spread)})"


def pooled(rows: pd.DataFrame, measure: str, over: str) -> float:
    """The mean over the classes of a measure of the clouds of all folds together.

    Args:
        rows: the figures of classes of one network, of every fold (report/frame.py).
        measure: of a class, as "Cov".
        over: the count that it is a mean over, as "rooms".
    """
    by_class = rows.set_index(["class", "subset", "measure"])["value"].unstack("measure")
    weight = by_class[over].fillna(0)
    total = (by_class[measure].fillna(0) * weight).groupby("class").sum()
    return float((total / weight.groupby("class").sum()).mean())  # 0 / 0: a class that cannot be measured


def times_table(measured: Any, table: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Networks x (ours, the paper's) milliseconds from a cloud to its instances, and how much of it is the fusion's.

    Args:
        measured: layouts.Measured.
        table: its rows may have `base`, the name of the row without fusion.
    """
    ours = {row["name"]: _milliseconds(measured.row(row["of"])) for row in table["rows"]}
    papers = {row["name"]: row["paper"][0] for row in table["rows"]}
    lines = []
    for row in table["rows"]:
        cells = [_with_share(times[row["name"]], times.get(row.get("base"), np.nan)) for times in (ours, papers)]
        lines.append([row["name"], *cells])
    return ["ms", "paper"], lines


def _milliseconds(rows: pd.DataFrame | None) -> float:
    return np.nan if rows is None else float(rows.drop_duplicates("run")["milliseconds"].mean())


def _with_share(time: float, base: float) -> str:
    """ "5058 (+1653, 33 %)"."""
    if np.isnan(time):
        return MISSING
    return f"{time:.0f}" if np.isnan(base) else f"{time:.0f} ({time - base:+.0f}, {100 * (time - base) / time:.0f} %)"
