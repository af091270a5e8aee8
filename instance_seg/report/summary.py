"""The summary over many runs: the paper's Tables 1 and 2 from results.json files alone, as text and as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from instance_seg.evaluation.summary import arithmetic_note
from instance_seg.report.by_number import MEASURES, WITH, WITHOUT, arithmetic_of, by_number, rows_of
from instance_seg.report.category_grid import Group, grid_table, group_runs, make_grid, means_table
from instance_seg.report.paper import comparison, has_paper_figures
from instance_seg.tables import escape_markdown

CSV_HEADER = ("dataset", "variant", "preset", "seed", "category", "arithmetic", "row", "level", "measure", "percent")


def summary(runs: Iterable[Mapping[str, Any]]) -> str:
    """All tables of all groups of runs, as Markdown."""
    sections = [section for group, members in group_runs(runs).items() for section in _group_sections(group, members)]
    return "\n\n".join(sections) + "\n"


def summary_csv(runs: Iterable[Mapping[str, Any]]) -> str:
    """One line a figure, nothing averaged but the mean over the levels ("mean") of each run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    for results in map(by_number, runs):
        run = results["run"]
        about = [*(run[name] for name in CSV_HEADER[:5]), arithmetic_of(run)]
        for row, measured in rows_of(results).items():
            for level, entry in [*measured["levels"].items(), ("mean", measured["mean"])]:
                writer.writerows([*about, row, level, name, entry[name]] for name in MEASURES)
    return stream.getvalue()


def _group_sections(group: Group, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Heading, AP50 with and without region centers, the five means, and the paper beside it where it has figures."""
    heading = escape_markdown(f"{group.variant} on {group.dataset}, preset {group.preset}")
    sections = [f"# {heading}", f"{_seeds(runs)} {arithmetic_note(group.arithmetic)}"]
    for row in (WITH, WITHOUT):
        sections += [f"## AP50, {row}", grid_table(make_grid(runs, row, "AP50"))]
    sections += ["## Means over levels, then categories", means_table(runs)]
    if has_paper_figures(group):
        sections += comparison(group, runs)
    return sections


def _seeds(runs: Sequence[Mapping[str, Any]]) -> str:
    seeds = sorted({results["run"]["seed"] for results in runs})
    categories = {results["run"]["category"] for results in runs}
    return f"{len(categories)} categories, {len(runs)} runs, seeds {', '.join(map(str, seeds))}."
