"""Prints the tables of all runs below a folder, and writes them there.

    python -m instance_seg.report RUNS_DIR

reads every results.json at or below RUNS_DIR and leaves in it table.md, table.csv with every figure, and report/, the
tables of the paper with ours in them, as a page, Markdown, CSV and LaTeX. What is printed: the table of a single run,
or one measure by part of the data set and the means of every network; for several networks some of the tables as well.
"""

import sys
from pathlib import Path

from absl import app

from instance_seg.evaluation.results import FILE_NAME, find_results, find_sweep
from instance_seg.evaluation.summary import TABLE_NAME, run_table
from instance_seg.report.formats import to_markdown
from instance_seg.report.frame import make_frame
from instance_seg.report.overview import GROUP, overview
from instance_seg.report.report import Section, make_report, write_report
from instance_seg.tables import escape_markdown, write_text


def main(argv: list[str]) -> None:
    """Draws the tables of the folder of runs on the command line."""
    if len(argv) != 2:
        sys.exit(f"usage: python -m instance_seg.report RUNS_DIR ({len(argv) - 1} arguments were given)")
    folder = Path(argv[1])
    try:
        runs = find_results(folder)
        frame = make_frame(runs, find_sweep(folder))
    except ValueError as error:
        sys.exit(f"error: {error}")
    is_run = (folder / FILE_NAME).is_file() and len(runs) == 1
    text = run_table(runs[0]) if is_run else overview(frame)
    sections = make_report(frame)
    print(text)
    if len(frame[~frame["swept"]][GROUP].drop_duplicates()) > 1:
        print("\n\n".join(part for section in sections for part in _printed(section)))
    write_text(folder / TABLE_NAME, text)
    write_text(folder / "table.csv", frame.to_csv(index=False, lineterminator="\n"))
    page = write_report(folder, sections)
    if not is_run:
        print(f"\n{page}")


def _printed(section: Section) -> list[str]:
    return [
        f"# {escape_markdown(section.title)}",
        *map(escape_markdown, section.remarks),
        *(to_markdown(table) for table in section.tables if table.name in section.printed),
    ]


if __name__ == "__main__":
    app.run(main)
