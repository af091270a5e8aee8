"""Tables as text that reads well in a terminal and is Markdown at the same time; and table.md of one run."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from instance_seg.files import replacing
from instance_seg.report.results import MEASURES, STAGES

TABLE_NAME = "table.md"
MISSING = "-"
OURS = "this program"  # the name of our rows among the paper's
WITH, WITHOUT = "with region centers", "without region centers"
_LEVEL_NAMES = ("Coarse", "Middle", "Fine")


class Table(NamedTuple):
    """A table before it is written in any format."""

    name: str  # "Table 4"
    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    num_names: int = 1  # so many columns on the left are names, the rest are figures


def level_name(index: int) -> str:
    """The paper's name of a level, 0 = coarsest."""
    return _LEVEL_NAMES[index] if index < len(_LEVEL_NAMES) else f"Level {index + 1}"


def percent(value: float | None) -> str:
    """One decimal as in the paper; what is undefined is a dash."""
    return MISSING if value is None or value != value else f"{value:.1f}"


def markdown(headers: Sequence[str], rows: Iterable[Sequence[Any]], num_names: int = 1) -> str:
    """A Markdown table; the first `num_names` columns are left-aligned, the rest are figures."""
    rows = [[str(cell) for cell in row] for row in rows]
    align = ["left" if column < num_names else "right" for column in range(len(headers))]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align if rows else None)


def run_table(results: Mapping[str, Any]) -> str:
    """table.md of one run: the five measures per level in both rows, then every part of every level."""
    run = results["run"]
    seconds = ", ".join(f"{stage} {run['seconds'][stage]:.1f} s" for stage in STAGES)
    head = f"{run['category']} - {run['variant']}, preset {run['preset']}, seed {run['seed']}"
    facts = f"Data {run['dataset']}, {run['iterations']} iterations; {seconds}. All measures in percent."
    sections = [f"# {head}", facts, _measures_table(results)]
    for key in sorted(results["levels"], key=int):
        sections += [f"## Parts, {level_name(int(key) - 1)}", _parts_table(results, key)]
    return "\n\n".join(sections) + "\n"


def rows_of(results: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Both rows of a run: {name: {"levels", "mean"}}."""
    return {WITH: results, WITHOUT: results["without_region_centers"]}


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _measures_table(results: Mapping[str, Any]) -> str:
    rows = []
    for name, row in rows_of(results).items():
        for key in sorted(row["levels"], key=int):
            rows.append([name, level_name(int(key) - 1), *_measures(row["levels"][key])])
        rows.append([f"**{name}**", "**Avg**", *(f"**{value}**" for value in _measures(row["mean"]))])
    return markdown(["Row", "Level", *MEASURES], rows, num_names=2)


def _measures(entry: Mapping[str, Any]) -> list[str]:
    return [percent(entry[name]) for name in MEASURES]


def _parts_table(results: Mapping[str, Any], key: str) -> str:
    without = results["without_region_centers"]["levels"][key]["per_part"]
    names = ("AP25", "AP50", "AP75")
    rows = []
    for part, entry in results["levels"][key]["per_part"].items():
        other = without.get(part, {}).get("AP50")
        rows.append([part, entry["instances"], *(percent(entry.get(name)) for name in names), percent(other)])
    return markdown(["Part", "Instances", *names, f"AP50 {WITHOUT}"], rows)
