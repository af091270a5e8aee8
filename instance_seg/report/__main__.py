"""Prints the tables of all runs below a folder, and writes them there.

    python -m instance_seg.report RUNS_DIR

reads every results.json at or below RUNS_DIR and leaves in it table.md and table.csv, with every figure, and report/,
the paper's Tables 1, 2, 4, 5 and 10 with ours in them, as a page, Markdown, CSV and LaTeX. What is printed: the
table of a single run, or AP50 by category and the means of every network; for several networks Tables 4 and 5
and the gains over the baseline as well.
"""

import sys
from pathlib import Path

from absl import app

from instance_seg.evaluation.results import FILE_NAME, find_results, find_sweep
from instance_seg.evaluation.summary import TABLE_NAME, run_table
from instance_seg.report.category_grid import group_runs
from instance_seg.report.formats import to_markdown
from instance_seg.report.merge import merge_levels
from instance_seg.report.report import make_report, write_report
from instance_seg.report.summary import summary, summary_csv
from instance_seg.tables import escape_markdown, write_text

_PRINTED = ("Table 4", "Gains", "Table 5", "Further rows", "Parameters")


def main(argv: list[str]) -> None:
    """Draws the tables of the folder of runs on the command line."""
    if len(argv) != 2:
        sys.exit(f"usage: python -m instance_seg.report RUNS_DIR ({len(argv) - 1} arguments were given)")
    folder = Path(argv[1])
    try:
        found, sweep = find_results(folder), find_sweep(folder)
    except ValueError as error:
        sys.exit(f"error: {error}")
    runs = merge_levels(found)
    is_run = (folder / FILE_NAME).is_file() and len(found) == 1
    text = run_table(found[0]) if is_run else summary(runs)
    sections = make_report(runs, sweep)
    print(text)
    if len(group_runs(runs)) > 1:
        print("\n\n".join(part for section in sections for part in _printed(section)))
    write_text(folder / TABLE_NAME, text)
    write_text(folder / "table.csv", summary_csv(runs))
    page = write_report(folder, sections)
    if not is_run:
        print(f"\n{page}")


def _printed(section) -> list[str]:
    return [
        f"# {escape_markdown(section.title)}",
        *map(escape_markdown, section.remarks),
        *(to_markdown(table) for table in section.tables if table.name in _PRINTED),
    ]


if __name__ == "__main__":
    app.run(main)
