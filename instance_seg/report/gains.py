"""What each network gains over the baseline: the paper's argument, which holds or fails on any data."""

from collections.abc import Mapping, Sequence

import numpy as np

from instance_seg.report.by_number import MEASURES, WITH
from instance_seg.report.category_grid import make_grid
from instance_seg.report.paper import paper_tables
from instance_seg.report.paper_layout import DAGGER, NOT_RUN, Rows, signed, variants_of_ours
from instance_seg.report.rows import Clustering, Row, View
from instance_seg.tables import MISSING, Table

BASELINE = "multi_level_baseline"


def gains_table(rows: Rows) -> Table:
    """Points that networks are ahead of the baseline, ours beside the paper's; empty if the baseline was not run.

    Networks that the paper does not have follow its own and are named as ours.

    Runs are compared in pairs of one category, seed and set of levels, and averaged as everywhere: levels, then
    categories, then seeds.
    """
    lines = []
    ablation = {name: printed for name, printed in paper_tables()["ablation"].items() if name != "columns"}
    unknown = dict.fromkeys(("with", "without"), np.full(len(MEASURES), np.nan))
    names = {name: name for name in ablation if name != BASELINE} | variants_of_ours(rows)
    for variant, label in names.items():
        for mark, key, push in (("", "with", Clustering().push), (DAGGER, "without", 0.0)):
            ours, base = (rows.get(Row(name, Clustering(push=push)), ()) for name in (variant, BASELINE))
            if base:
                papers = np.subtract(ablation.get(variant, unknown)[key], ablation[BASELINE][key])
                lines.append([label + mark, *_line(pairs_of(ours, base), papers)])
    headers = ("Network", "Pairs", *(header for name in MEASURES for header in (name, "paper")))
    notes = ("Pairs of runs of the same category and seed, with the same levels. ± is over seeds.",)
    return Table("Gains", f"Points ahead of {BASELINE} (of {BASELINE}{DAGGER} for †)", headers, lines, notes)


def pairs_of(ours: Sequence[View], base: Sequence[View]) -> dict[int, list[tuple[View, View]]]:
    """Seed -> pairs of runs of the same category and levels; seeds without one are left out."""
    found: dict[int, list[tuple[View, View]]] = {}
    there = {_key(view): view for view in base}
    for view in ours:
        if _key(view) in there:
            found.setdefault(view["run"]["seed"], []).append((view, there[_key(view)]))
    return found


def _key(view: View) -> tuple:
    return view["run"]["category"], view["run"]["seed"], frozenset(view["levels"])


def _line(pairs: Mapping[int, Sequence[tuple[View, View]]], papers: np.ndarray) -> list[str]:
    if not pairs:
        return [NOT_RUN, *(cell for paper in papers for cell in (MISSING, signed(paper)))]
    cells = [str(sum(map(len, pairs.values())))]
    for name, paper in zip(MEASURES, papers):
        gains = np.array([_gain(of_seed, name) for of_seed in pairs.values()])
        spread = f" ± {gains.std(ddof=1):.1f}" if len(gains) > 1 else ""
        cells += [signed(gains.mean()) + spread, signed(paper)]
    return cells


def _gain(pairs: Sequence[tuple[View, View]], measure: str) -> float:
    ours, base = (make_grid(views, WITH, measure).mean for views in zip(*pairs))
    return ours - base
