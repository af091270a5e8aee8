"""The report over all runs of a folder: the paper's tables from results.json files alone, in four formats.

    RUNS_DIR/report/report.md, report.tex, report.html     all tables
    RUNS_DIR/report/table_4.csv, ...                       one file a table

Runs on different data sets, of different presets or measured in different arithmetic have tables of their own. Where
there are several such sets, the names of their CSV files end in the set's (table_4-procedural-demo.csv).
"""

import html
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from instance_seg.data.partnet.taxonomy import CATEGORIES, load_taxonomy
from instance_seg.evaluation.summary import arithmetic_note
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.report.by_number import arithmetic_of
from instance_seg.report.formats import LATEX_PREAMBLE, html_page, to_csv, to_html, to_latex, to_markdown
from instance_seg.report.gains import gains_table
from instance_seg.report.merge import merge_levels
from instance_seg.report.paper import paper_tables
from instance_seg.report.paper_layout import (
    NOT_RUN,
    ablation_table,
    category_table,
    further_table,
    methods_table,
    sweep_table,
)
from instance_seg.report.rows import collect_rows
from instance_seg.tables import MISSING, Table, escape_markdown, write_text

FOLDER = "report"
_LONGEST_NAME = 100  # characters that the names of data set and preset have in those of files
TITLE = "Results beside the paper's"


class Section(NamedTuple):
    """Runs that share their tables: one data set, one preset, one arithmetic of average precision."""

    dataset: str
    preset: str
    arithmetic: str
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]

    @property
    def title(self) -> str:
        other = "" if self.arithmetic == PUBLISHED else f", {self.arithmetic} arithmetic"
        return f"{self.dataset}, preset {self.preset}{other}"


def make_report(runs: Iterable[Mapping[str, Any]], sweep: Iterable[Mapping[str, Any]] = ()) -> list[Section]:
    """All tables of every data set and preset, and of every arithmetic of average precision.

    Args:
      runs: results of runs (find_results); networks of one level each are merged here.
      sweep: the same checkpoints clustered with other settings (find_sweep).
    """
    runs, sweep = merge_levels(runs), merge_levels(sweep)
    kinds = dict.fromkeys(map(_kind, runs))
    return [_section(*kind, _of(runs, kind), _of(sweep, kind)) for kind in kinds]


def report_markdown(sections: Sequence[Section]) -> str:
    """All sections as Markdown."""
    parts = [f"# {TITLE}"]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}")
        parts += [*map(escape_markdown, section.remarks), *map(to_markdown, section.tables)]
    return "\n\n".join(parts) + "\n"


def report_html(sections: Sequence[Section]) -> str:
    """All sections as one page."""
    parts = []
    for number, section in enumerate(sections):
        anchors = {table.name: f"{_file_name(table)}-{number}" for table in section.tables}
        links = "".join(f'<a href="#{anchor}">{html.escape(name)}</a>' for name, anchor in anchors.items())
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(remark)}</p>" for remark in section.remarks]
        parts.append(f"<nav>{links}</nav>")
        parts += [to_html(table, anchors[table.name]) for table in section.tables]
    return html_page(TITLE, "\n".join(parts))


def write_report(folder: str | os.PathLike, sections: Sequence[Section]) -> Path:
    """Writes all files; returns the path of the page."""
    folder = Path(folder) / FOLDER
    write_text(folder / "report.md", report_markdown(sections))
    write_text(folder / "report.tex", LATEX_PREAMBLE + "\n".join(to_latex(t) for s in sections for t in s.tables))
    for section, suffix in zip(sections, _suffixes(sections)):
        for table in section.tables:
            write_text(folder / f"{_file_name(table)}{suffix}.csv", to_csv(table))
    write_text(folder / "report.html", report_html(sections))
    return folder / "report.html"


def parameters_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """Trainable parameters of every network by category; those of one network per level are summed."""
    categories = sorted({results["run"]["category"] for results in runs})
    found: dict[tuple[str, str], str] = {}
    for results in runs:
        run = results["run"]
        found.setdefault((run["variant"], run["category"]), _parameters(run))
    variants = dict.fromkeys([name for name in paper_tables()["ablation"] if name != "columns"])
    variants |= dict.fromkeys(variant for variant, _ in found)
    lines = [[variant, *(found.get((variant, c), NOT_RUN) for c in categories)] for variant in variants]
    return Table("Parameters", "Trainable parameters", ("Network", *categories), lines)


def _suffixes(sections: Sequence[Section]) -> list[str]:
    """What sets the names of a section's CSV files apart; sections whose names make the same one are numbered."""
    if len(sections) == 1:
        return [""]
    names = [(s.dataset, s.preset) if s.arithmetic == PUBLISHED else s[:3] for s in sections]
    names = [re.sub(r"[^\w.-]", "_", "-".join(name))[:_LONGEST_NAME] for name in names]
    return [f"-{name}" + f"-{i + 1}" * (names.count(name) > 1) for i, name in enumerate(names)]


def _file_name(table: Table) -> str:
    return table.name.lower().replace(" ", "_")


def _section(dataset: str, preset: str, arithmetic: str, runs: Sequence[Any], sweep: Sequence[Any]) -> Section:
    rows = collect_rows([*runs, *sweep])
    tables = [
        category_table("Table 1", "AP50", rows),
        methods_table(rows),
        ablation_table(rows),
        gains_table(rows),
        sweep_table(rows),
        *(category_table(f"Table 10 {measure}", measure, rows) for measure in ("AP25", "AP75", "sAP50")),
        further_table(rows),
        parameters_table(runs),
    ]
    remarks = [f"{_overview(runs)} {arithmetic_note(arithmetic)}", *map(_incomplete, runs)]
    if not dataset.lower().startswith("partnet"):
        remarks.insert(
            1, f"{dataset} is not the paper's data: its figures are of another task, and so the differences."
        )
    return Section(dataset, preset, arithmetic, tuple(t for t in tables if t.rows), tuple(filter(None, remarks)))


def _overview(runs: Sequence[Mapping[str, Any]]) -> str:
    infos = [results["run"] for results in runs]
    categories = sorted({info["category"] for info in infos})
    iterations = sorted({info["iterations"] for info in infos})
    minutes = sum(info["seconds"]["train"] for info in infos) / 60
    time = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
    commits = sorted({commit for info in infos for commit in (info.get("commit") or "unknown").split(", ")})
    return (
        f"{len(runs)} runs of {len({info['variant'] for info in infos})} networks on {', '.join(categories)}; "
        f"{', '.join(map(str, iterations))} iterations; {time} of training in all; "
        f"commit {', '.join(commits)}. All measures in percent."
    )


def _incomplete(results: Mapping[str, Any]) -> str:
    """A remark if a network of one level is still missing."""
    run = results["run"]
    if run["category"] not in CATEGORIES:
        return ""
    missing = {k + 1 for k in load_taxonomy(run["category"]).real_levels} - {int(k) for k in results["levels"]}
    if not missing:
        return ""
    levels = ", ".join(map(str, sorted(missing)))
    return f"Incomplete: {run['variant']}, {run['category']}, seed {run['seed']} lacks level {levels}."


def _parameters(run: Mapping[str, Any]) -> str:
    if run.get("parameters") is None:
        return MISSING
    networks = len(run.get("parameters_per_level", "1"))
    return f"{run['parameters']:,}" + (f" ({networks} networks)" if networks > 1 else "")


def _kind(results: Mapping[str, Any]) -> tuple[str, str, str]:
    return results["run"]["dataset"], results["run"]["preset"], arithmetic_of(results["run"])


def _of(runs: Sequence[Mapping[str, Any]], kind: tuple[str, str, str]) -> list[Mapping[str, Any]]:
    return [results for results in runs if _kind(results) == kind]
