"""The paper's Tables 1, 2, 4, 5 and 10 in its layout, ours beside its figures; rows that were not run say so."""

from collections.abc import Mapping, Sequence

import numpy as np

from instance_seg.report.by_number import MEASURES, OURS, WITH, level_name
from instance_seg.report.category_grid import CategoryGrid, make_grid, short_name
from instance_seg.report.paper import paper_grid, paper_tables, restrict
from instance_seg.report.rows import Clustering, OverSeeds, Row, View, figure, over_seeds, seeds_of
from instance_seg.tables import MISSING, Table, percent

PAPERS, DIFFERENCE = "Ours (the paper's)", "difference"
NOT_RUN = "not run"
DAGGER = " †"
DEFAULT = Row("cross_level_fusion")  # "Ours" in Tables 1, 2, 5 and 10
_BLOCKS = 3  # levels; a fourth block holds their average

Rows = Mapping[Row, Sequence[View]]


def category_table(name: str, measure: str, rows: Rows) -> Table:
    """Table 1 (AP50) or a block of Table 10: levels x methods x categories."""
    views = rows.get(DEFAULT, ())
    categories = tuple(paper_tables()["columns"][1:])
    ours = over_seeds(views, measure, lambda grid: _with_averages(restrict(grid, categories))) if views else None
    lines = []
    for block in range(_BLOCKS + 1):
        label = level_name(block) if block < _BLOCKS else "Avg"
        for method in paper_tables()["category_tables"][measure]:
            printed = [np.nan if x is None else x for x in paper_tables()["category_tables"][measure][method][label]]
            lines.append([label, PAPERS if method == "Ours" else method, *map(percent, printed)])
        lines += [[label, *line] for line in _ours_below(ours, measure, block, len(categories))]
    headers = ("Level", "Method", "Avg", *map(short_name, categories))
    notes = ("Differences of averages are taken over the categories and levels that were run.",)
    title = "by category" if measure in name else f"{measure} by category"
    return Table(name, title, headers, lines, notes, num_names=2)


def methods_table(rows: Rows) -> Table:
    """Table 2: the five measures of every method, means over levels, then categories."""
    figures = paper_tables()["method_means"]
    lines = [
        [PAPERS if name == "Ours" else name, *(percent(value) for value in values)]
        for name, values in figures.items()
        if name != "columns"
    ]
    views = rows.get(DEFAULT, ())
    if not views:
        lines.append([OURS, NOT_RUN, *[MISSING] * (len(MEASURES) - 1)])
    else:
        ours = [over_seeds(views, measure) for measure in MEASURES]
        paper = [_paper_mean(views, measure) for measure in MEASURES]
        lines.append([f"{PAPERS}, categories that were run", *map(percent, paper)])
        lines.append([OURS, *(figure(*each) for each in ours)])
        lines.append([DIFFERENCE, *(signed(each.mean - theirs) for each, theirs in zip(ours, paper))])
    return Table("Table 2", "Methods, means over levels, then categories", ("Method", *MEASURES), lines)


def ablation_table(rows: Rows) -> Table:
    """Table 4: every network with and without (the dagger) semantic region centers."""
    lines = []
    for variant, printed in paper_tables()["ablation"].items():
        if variant != "columns":
            for mark, key, push in (("", "with", Clustering().push), (DAGGER, "without", 0.0)):
                views = rows.get(Row(variant, Clustering(push=push)), ())
                lines.append([variant + mark, *_about(views), *_triples(views, MEASURES, printed[key])])
    notes = (
        "† without semantic region centers (lambda 0). The paper's figures are means over its 24 categories.",
        "± is the sample standard deviation over the seeds.",
    )
    headers = ("Network", "Categories", "Seeds", *_triple_headers(MEASURES))
    return Table("Table 4", "Networks, with and without semantic region centers", headers, lines, notes)


def sweep_table(rows: Rows) -> Table:
    """Table 5: bandwidth and lambda of the clustering, the default network's weights."""
    sweep = paper_tables()["sweep"]
    measures = tuple(sweep["columns"])
    lines = []
    for entry in sweep["rows"]:
        views = rows.get(Row(DEFAULT.variant, Clustering(entry["bandwidth"], entry["lambda"])), ())
        names = [f"{entry['bandwidth']:.2f}", f"{entry['lambda']:.3f}"]
        lines.append([*names, *_about(views), *_triples(views, measures, entry["values"])])
    headers = ("Bandwidth", "Lambda", "Categories", "Seeds", *_triple_headers(measures))
    notes = ("One checkpoint a run, clustered again; nothing is trained.",)
    return Table("Table 5", f"Clustering of {DEFAULT.variant}", headers, lines, notes, num_names=2)


def further_table(rows: Rows) -> Table:
    """Rows that the paper's Tables 4 and 5 do not have: our switches, other settings of network or clustering."""
    known = {Row(DEFAULT.variant, Clustering(e["bandwidth"], e["lambda"])) for e in paper_tables()["sweep"]["rows"]}
    known |= {Row(name, Clustering(push=p)) for name in paper_tables()["ablation"] for p in (Clustering().push, 0.0)}
    lines, ours = [], variants_of_ours(rows)
    for row, views in rows.items():
        if row not in known:
            name = ours.get(row.variant, row.variant)
            kind = "soft (ours)" if row.clustering.kind == "soft" else row.clustering.kind
            how = [f"{row.clustering.bandwidth:g}", f"{row.clustering.push:g}", kind]
            lines.append([name, *how, *_about(views), *(figure(*over_seeds(views, each)) for each in MEASURES)])
    headers = ("Network", "Bandwidth", "Lambda", "Push", "Categories", "Seeds", *MEASURES)
    return Table("Further rows", "What the paper does not have", headers, lines)


def variants_of_ours(rows: Rows) -> dict[str, str]:
    """Variants among the rows that are no network of the paper's Table 4, not even one changed, and their names."""
    variants = [row.variant for row in rows if row.variant.split()[0] not in paper_tables()["ablation"]]
    return {variant: f"{variant} (ours)" for variant in variants}


def signed(value: float) -> str:
    """A difference, or a dash."""
    return MISSING if np.isnan(value) else f"{value:+.1f}"


def _with_averages(grid: CategoryGrid) -> np.ndarray:
    """[levels + 1, 1 + C]: the grid below its averages per level, above those per category."""
    averages = np.append(grid.mean, grid.category_means)
    return np.vstack([np.column_stack([grid.level_means, grid.values])[:_BLOCKS], averages])


def _ours_below(ours: OverSeeds | None, measure: str, block: int, num_categories: int) -> list[list[str]]:
    if ours is None:
        return [[OURS, NOT_RUN, *[MISSING] * num_categories]]
    theirs = _with_averages(_where_run(paper_grid(measure), ours.mean[:_BLOCKS, 1:]))
    return [
        [OURS, *(figure(*each) for each in zip(ours.mean[block], ours.spread[block]))],
        [DIFFERENCE, *map(signed, ours.mean[block] - theirs[block])],
    ]


def _paper_mean(views: Sequence[View], measure: str) -> float:
    """The paper's mean over what the views have; NaN for a measure that it gives over all categories alone."""
    categories = tuple(paper_tables()["columns"][1:])
    run = restrict(make_grid(views, WITH, measure), categories).values[:_BLOCKS]
    if measure in paper_tables()["category_tables"]:
        return _where_run(paper_grid(measure), run).mean
    printed = paper_tables()["method_means"]["Ours"][MEASURES.index(measure)]
    return printed if np.isfinite(run).any(axis=0).all() else np.nan


def _where_run(paper: CategoryGrid, ours: np.ndarray) -> CategoryGrid:
    """The paper's figures where ours [levels, C] exist, so that averages are over the same."""
    return paper._replace(values=np.where(np.isfinite(ours), paper.values, np.nan))


def _about(views: Sequence[View]) -> list[str]:
    if not views:
        return [NOT_RUN, MISSING]
    return [str(len({view["run"]["category"] for view in views})), " ".join(map(str, seeds_of(views)))]


def _triple_headers(measures: Sequence[str]) -> list[str]:
    return [header for name in measures for header in (name, "paper", "diff")]


def _triples(views: Sequence[View], measures: Sequence[str], printed: Sequence[float]) -> list[str]:
    cells = []
    for name, theirs in zip(measures, printed):
        ours = over_seeds(views, name) if views else OverSeeds(np.array(np.nan), np.array(np.nan))
        cells += [figure(*ours), percent(theirs), signed(float(ours.mean) - theirs)]
    return cells
