"""Tables as text that reads well in a terminal and is Markdown at the same time; and table.md of one run."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from instance_seg.files import replacing
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.report.results import MEASURES, STAGES, arithmetic_of

TABLE_NAME = "table.md"
MISSING = "-"
OURS = "this program"  # the name of our rows among the paper's
WITH, WITHOUT = "with region centers", "without region centers"
_LEVEL_NAMES = ("Coarse", "Middle", "Fine")
_MARKUP = re.compile(
    r"[\\`*\[\]<>|~$&#]|(?<![^\W_])_|_(?![^\W_])"
)  # Markdown takes no underline inside a word for markup


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


def one_line(text: Any) -> str:
    """Text from a file as one line: a space for every control character and line break."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in str(text))


def escape_markdown(text: Any) -> str:
    """Text from a file, so that Markdown shows it as it is."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def arithmetic_note(arithmetic: str) -> str:
    """What a table says of the arithmetic of its average precisions."""
    whose = "that of the published figures" if arithmetic == PUBLISHED else "not that of the published figures"
    return f"Average precision in {arithmetic} arithmetic, {whose}."


def markdown(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], num_names: int = 1, bold: Collection[int] = ()
) -> str:
    """A Markdown table; the first `num_names` columns are left-aligned, the rest are figures.

    Cells show as they are: what Markdown would take for markup is escaped. `bold` numbers rows.
    """
    headers = [escape_markdown(header) for header in headers]
    rows = [[escape_markdown(cell) for cell in row] for row in rows]
    rows = [[f"**{cell}**" for cell in row] if number in bold else row for number, row in enumerate(rows)]
    align = ["left" if column < num_names else "right" for column in range(len(headers))]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align if rows else None)


def run_table(results: Mapping[str, Any]) -> str:
    """table.md of one run: the five measures per level in both rows, then every part of every level."""
    sections = [measures_text(results)]
    for key in sorted(results["levels"], key=int):
        sections += [f"## Parts, {level_name(int(key) - 1)}", _parts_table(results, key)]
    return "\n\n".join(sections) + "\n"


def measures_text(results: Mapping[str, Any]) -> str:
    """The beginning of table.md: what the run was, and the five measures per level in both rows."""
    run = results["run"]
    seconds = ", ".join(f"{stage} {run['seconds'][stage]:.1f} s" for stage in STAGES)
    head = f"{run['category']} - {run['variant']}, preset {run['preset']}, seed {run['seed']}"
    facts = f"Data {run['dataset']}, {run['iterations']} iterations; {seconds}. All measures in percent. "
    facts += arithmetic_note(arithmetic_of(run))
    return "\n\n".join([f"# {escape_markdown(head)}", escape_markdown(facts), _measures_table(results)])


def rows_of(results: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Both rows of a run: {name: {"levels", "mean"}}."""
    return {WITH: results, WITHOUT: results["without_region_centers"]}


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _measures_table(results: Mapping[str, Any]) -> str:
    rows, means = [], []
    for name, row in rows_of(results).items():
        for key in sorted(row["levels"], key=int):
            rows.append([name, level_name(int(key) - 1), *_measures(row["levels"][key])])
        means.append(len(rows))
        rows.append([name, "Avg", *_measures(row["mean"])])
    return markdown(["Row", "Level", *MEASURES], rows, num_names=2, bold=means)


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
