"""Tiny runs of the real program whose losses and measures are kept in tests/golden/runs, as a guard of every rebuild.

python tests/training/golden_runs.py       # writes the kept files anew, after a change that is meant to change them
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
KEPT = TESTS / "golden" / "runs"
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from small_data import write_small_partnet  # noqa: E402
from training.small_runs import command, settings  # noqa: E402

OCTREE = {"full_depth": 2, "channels": (8, 8), "test_batch_size": 2}  # a way down and up, and a batch of another size
RUNS = {
    "chair": OCTREE | {"category": "Chair", "max_iter": 16, "test_every_iter": 8},
    "scissors_pointnet2": {
        "variant": "cross_level_pointnet2",
        "test_batch_size": 2,
        "max_iter": 12,
        "pointnet2_points": (32, 16),
        "pointnet2_samples": 8,
        "pointnet2_width": 0.25,
    },
    "chair_asis_level_3": OCTREE | {"category": "Chair", "variant": "asis_fusion", "level": 3, "max_iter": 12},
    "scissors_mirrored": {
        **OCTREE,
        "variant": "cross_level_fusion",
        "strategy": "mirrored",
        "num_replicas": 2,
        "max_iter": 12,
    },
}
MEASURES = ("AP25", "AP50", "AP75", "sAP50", "mIoU")


def run(name: str, data: pathlib.Path, logdir: pathlib.Path) -> subprocess.CompletedProcess:
    """Trains and evaluates one of RUNS in a process of its own."""
    return subprocess.run(command(settings(data, logdir, **RUNS[name])), capture_output=True, text=True)


def loss_rows(path: pathlib.Path) -> list[dict[str, float]]:
    """The rows of a losses.csv."""
    with open(path, newline="") as file:
        return [{term: float(value) for term, value in row.items()} for row in csv.DictReader(file)]


def measures(logdir: pathlib.Path) -> dict[str, dict[str, dict[str, float]]]:
    """Reading -> level -> the measures of a finished run."""
    readings = json.loads((logdir / "results.json").read_text())["readings"]
    return {
        name: {level: {measure: found[measure] for measure in MEASURES} for level, found in reading["levels"].items()}
        for name, reading in readings.items()
    }


def main() -> None:
    """Runs all of them and keeps what they give."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_small_partnet(pathlib.Path(folder) / "data")
        for name in RUNS:
            logdir = pathlib.Path(folder) / name
            done = run(name, data, logdir)
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr}")
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{name}.csv").write_text((logdir / "losses.csv").read_text())
            (KEPT / f"{name}.json").write_text(json.dumps(measures(logdir), indent=1) + "\n")
            print(f"kept {name}")


if __name__ == "__main__":
    main()
