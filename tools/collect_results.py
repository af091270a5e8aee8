"""Copies the results of finished runs into a folder that is small enough for the repository.

    python tools/collect_results.py RUNS_DIR RESULTS_DIR [--force]

Every results.json at or below RUNS_DIR, those of sweeps included, is read, checked and written under the same name
below RESULTS_DIR; nothing else of a run goes along. Whoever has RESULTS_DIR draws the tables with
`python -m instance_seg.report RESULTS_DIR`, and the scripts of experiments/ skip what it holds (--results=DIR).
A file that is there already and says something else stays, unless --force is given.
"""

import sys
from pathlib import Path

from absl import app, flags

from instance_seg.evaluation.results import SWEEP
from instance_seg.interrupt import ending_at_signals
from instance_seg.report.collect import collect

FLAGS = flags.FLAGS
flags.DEFINE_bool("force", False, "replace other results of the same run")


@ending_at_signals("stopped; results that were copied are whole, and the same command copies the rest")
def main(argv: list[str]) -> None:
    """Copies what the command line asks for; exit code 1 where other results are in the way."""
    if len(argv) != 3:
        raise app.UsageError("expected two arguments, the folder of the runs and the one for their results")
    runs, kept = map(Path, argv[1:])
    if not runs.is_dir():
        sys.exit(f"error: {runs}: no such folder; name the one that holds the runs")
    try:
        written = collect(runs, kept, FLAGS.force)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    sweeps = sum(SWEEP in path.relative_to(kept).parts for path in written)
    print(f"{kept}: {len(written) - sweeps} runs and {sweeps} sweeps more")


if __name__ == "__main__":
    app.run(main)
