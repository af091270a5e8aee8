"""Copies the results of finished runs into a folder that is small enough for the repository.

    python tools/collect_results.py RUNS_DIR RESULTS_DIR [--force]

Every results.json at or below RUNS_DIR, those of sweeps included, is read, checked and written under the same name
below RESULTS_DIR; nothing else of a run goes along. Whoever has RESULTS_DIR draws the tables with
`python -m instance_seg.report RESULTS_DIR`, and the scripts of experiments/ skip what it holds (--results=DIR).
A file that is there already and says something else stays, unless --force is given.
"""

import argparse
import sys
from pathlib import Path

from instance_seg.evaluation.results import SWEEP
from instance_seg.interrupt import ending_at_signals
from instance_seg.report.collect import collect


@ending_at_signals("stopped; results that were copied are whole, and the same command copies the rest")
def main(argv: list[str] | None = None) -> None:
    """Copies what the command line asks for; exit code 1 where other results are in the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder of runs, or of one run")
    parser.add_argument("kept", type=Path, help="folder for the results")
    parser.add_argument("--force", action="store_true", help="replace other results of the same run")
    given = parser.parse_args(argv)
    if not given.runs.is_dir():
        sys.exit(f"error: {given.runs}: no such folder; name the one that holds the runs")
    try:
        written = collect(given.runs, given.kept, given.force)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    sweeps = sum(SWEEP in path.relative_to(given.kept).parts for path in written)
    print(f"{given.kept}: {len(written) - sweeps} runs and {sweeps} sweeps more")


if __name__ == "__main__":
    main()
