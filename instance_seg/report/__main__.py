"""Prints the tables of all runs below a folder, and writes them there.

    python -m instance_seg.report RUNS_DIR

reads every results.json at or below RUNS_DIR and leaves table.md and table.csv in it.
"""

import sys
from pathlib import Path

from absl import app

from instance_seg.report.results import FILE_NAME, find_results
from instance_seg.report.summary import summary, summary_csv
from instance_seg.report.table import TABLE_NAME, run_table, write_text


def main(argv: list[str]) -> None:
    if len(argv) != 2:
        sys.exit(f"usage: python -m instance_seg.report RUNS_DIR ({len(argv) - 1} arguments were given)")
    folder = Path(argv[1])
    try:
        runs = find_results(folder)
    except ValueError as error:
        sys.exit(f"error: {error}")
    is_run = (folder / FILE_NAME).is_file() and len(runs) == 1
    text = run_table(runs[0]) if is_run else summary(runs)
    print(text)
    write_text(folder / TABLE_NAME, text)
    write_text(folder / "table.csv", summary_csv(runs))


if __name__ == "__main__":
    app.run(main)
