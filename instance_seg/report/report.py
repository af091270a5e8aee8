"""The report over all runs of a folder: the tables of their data set from results.json files alone, in four formats.

    RUNS_DIR/report/report.md, report.tex, report.html     all tables
    RUNS_DIR/report/table_4.csv, ...                       one file a table

Which tables there are is described in tables/*.yaml; the page also shows RUNS_DIR/figures/*/*.png and links the viewers
of the runs. Runs on different data sets, of different presets or measured in different arithmetic have tables of their
own. Where there are several such sets, the names of their CSV files end in the set's (table_4-procedural-demo.csv).
"""

import html
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd

from instance_seg.evaluation.summary import arithmetic_note
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.report.collect import FIGURES
from instance_seg.report.descriptions import PAPERS_OWN, Description, description_of, papers_networks
from instance_seg.report.formats import LATEX_PREAMBLE, html_page, to_csv, to_html, to_latex, to_markdown
from instance_seg.report.layouts import Measured, make_table
from instance_seg.tables import Table, counted, escape_markdown, one_line, write_text
from instance_seg.viewer.page import VIEWER

FOLDER = "report"
_LONGEST_NAME = 100  # characters that the names of data set and preset have in those of files
TITLE = "Results beside the paper's"
_UNSAID = ("", PUBLISHED)  # arithmetics that no title mentions


class Section(NamedTuple):
    """Runs that share their tables: one data set, one preset, one arithmetic of average precision."""

    dataset: str
    preset: str
    arithmetic: str
    tables: tuple[Table, ...]
    remarks: tuple[str, ...]
    printed: tuple[str, ...]  # names of the tables that are also shown in the terminal

    @property
    def title(self) -> str:
        other = "" if self.arithmetic in _UNSAID else f", {self.arithmetic} arithmetic"
        return f"{self.dataset}, preset {self.preset}{other}"


def make_report(frame: pd.DataFrame) -> list[Section]:
    """All tables of every data set, preset and arithmetic of average precision in a frame (report/frame.py)."""
    kinds = frame.groupby(["task", "dataset", "preset", "arithmetic"], sort=False)
    return [_section(description_of(kind[0]), *kind, of_kind) for kind, of_kind in kinds if not of_kind["swept"].all()]


def report_markdown(sections: Sequence[Section]) -> str:
    """All sections as Markdown."""
    parts = [f"# {TITLE}"]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}")
        parts += [*map(escape_markdown, section.remarks), *map(to_markdown, section.tables)]
    return "\n\n".join(parts) + "\n"


def report_html(sections: Sequence[Section], viewers: Sequence[Path] = (), pictures: Sequence[Path] = ()) -> str:
    """All sections as one page.

    Args:
        sections: in their order.
        viewers: pages to look at shapes in, relative to the folder of runs, which is the parent of this page's.
        pictures: of networks without and with fusion, relative to the same folder.
    """
    parts = []
    for number, section in enumerate(sections):
        anchors = {table.name: f"{_file_name(table)}-{number}" for table in section.tables}
        links = "".join(f'<a href="#{anchor}">{html.escape(name)}</a>' for name, anchor in anchors.items())
        parts.append(f"<h2>{html.escape(section.title)}</h2>")
        parts += [f"<p>{html.escape(remark)}</p>" for remark in section.remarks]
        parts.append(f"<nav>{links}</nav>")
        parts += [to_html(table, anchors[table.name]) for table in section.tables]
    for path in pictures:
        name = html.escape(one_line(path.relative_to(FIGURES).with_suffix("")))
        image = f'<img src="{_link(path)}" alt="{name}" style="max-width: 100%">'
        parts.append(f"<figure>{image}<figcaption>{name}</figcaption></figure>")
    if viewers:
        items = (f'<li><a href="{_link(path)}">{html.escape(one_line(path.parent))}</a></li>' for path in viewers)
        parts += ["<h2>Test shapes to turn and to look into</h2>", f"<ul>{''.join(items)}</ul>"]
    return html_page(TITLE, "\n".join(parts))


def _link(path: Path) -> str:
    return html.escape(f"../{quote(os.fsencode(path))}")


def write_report(folder: str | os.PathLike, sections: Sequence[Section]) -> Path:
    """Writes all files; returns the path of the page."""
    runs, folder = Path(folder), Path(folder) / FOLDER
    write_text(folder / "report.md", report_markdown(sections))
    write_text(folder / "report.tex", LATEX_PREAMBLE + "\n".join(to_latex(t) for s in sections for t in s.tables))
    for section, suffix in zip(sections, _suffixes(sections)):
        for table in section.tables:
            write_text(folder / f"{_file_name(table)}{suffix}.csv", to_csv(table))
    found = runs.rglob(VIEWER), runs.glob(f"{FIGURES}/*/*.png")
    viewers, pictures = (sorted(path.relative_to(runs) for path in paths) for paths in found)
    write_text(folder / "report.html", report_html(sections, viewers, pictures))
    return folder / "report.html"


def _suffixes(sections: Sequence[Section]) -> list[str]:
    """What sets the names of a section's CSV files apart; sections whose names make the same one are numbered."""
    if len(sections) == 1:
        return [""]
    names = [(s.dataset, s.preset) if s.arithmetic in _UNSAID else s[:3] for s in sections]
    names = [re.sub(r"[^\w.-]", "_", "-".join(name))[:_LONGEST_NAME] for name in names]
    return [f"-{name}" + f"-{i + 1}" * (names.count(name) > 1) for i, name in enumerate(names)]


def _file_name(table: Table) -> str:
    return table.name.lower().replace(" ", "_")


def _section(
    description: Description, task: str, dataset: str, preset: str, arithmetic: str, frame: pd.DataFrame
) -> Section:
    measured = Measured(frame, description)
    tables = [make_table(measured, table) for table in description["tables"]]
    runs = frame[~frame["swept"]]
    remarks = [f"{_extent(runs, task)} {arithmetic_note(arithmetic)}".strip()]
    if papers_networks(description) and not dataset.lower().startswith(task):
        remarks.append(f"{dataset} is not the paper's data: its figures are of another task, and so the differences.")
    remarks += _incomplete(runs, description)
    compared = ("grid", "methods") if measured.methods else ()  # tables that other methods have rows in
    printed = tuple(t["name"] for t in description["tables"] if t.get("print") or t["layout"] in compared)
    return Section(dataset, preset, arithmetic, tuple(t for t in tables if t.rows), tuple(remarks), printed)


def _extent(runs: pd.DataFrame, task: str) -> str:
    """How many runs of what they are, and what they cost."""
    networks = runs.drop_duplicates(["run", "network"])
    iterations = sorted(networks.groupby("run")["iterations"].max().unique())
    minutes = networks["seconds"].sum() / 60
    time = counted(round(minutes), "minute") if minutes < 120 else f"{minutes / 60:.1f} hours"
    return (
        f"{counted(networks['run'].nunique(), 'run')} of {counted(networks['variant'].nunique(), 'network')} on "
        f"{', '.join(sorted(filter(None, networks['subset'].unique()))) or task}; "
        f"{', '.join(map(str, iterations))} iterations; {time} of training in all; "
        f"commit {', '.join(sorted(networks['commit'].fillna('unknown').unique()))}. All measures in percent."
    )


def _incomplete(runs: pd.DataFrame, description: Description) -> Iterator[str]:
    """A remark for each run in which a network of one level is missing, while the paper has figures of that level."""
    papers = next((table["paper"][PAPERS_OWN] for table in description["tables"] if table["layout"] == "grid"), None)
    for _, run in runs.groupby("run"):
        about, there = run.iloc[0], set(run["level"])
        if papers is None or about["subset"] not in description["subsets"]:
            continue
        column = 1 + description["subsets"].index(about["subset"])
        printed = [(k, level) for k, level in enumerate(description["levels"], 1) if papers[level][column] is not None]
        missing = ", ".join(str(k) for k, level in printed if level not in there)
        if missing:
            yield f"Incomplete: {about['variant']}, {about['subset']}, seed {about['seed']} lacks level {missing}."
