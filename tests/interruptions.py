"""A campaign of interruptions: runs are killed or their folders damaged at random; each must resume to the same losses.

    python tests/interruptions.py --data_dir=DIR --category=Scissors --cases=20 --seed=0

DIR is a small data set (tools/make_procedural.py --size=smoke). The exit code is 1 if a case failed.
"""

import argparse
import csv
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = ("--preset=smoke", "--max_iter=12", "--ckpt_every_iter=2", "--test_every_iter=0")
DAMAGES = ("none", "newest checkpoint", "leftovers")
TOLERANCE = 1e-3  # relative; sums over threads have no order


def command(data_dir: Path, category: str, logdir: Path) -> list[str]:
    """The command line of one run."""
    where = (f"--data_dir={data_dir}", f"--category={category}", f"--logdir={logdir}")
    return [sys.executable, "-m", "instance_seg.train", *SMALL, *where]


def losses(logdir: Path) -> dict[int, float]:
    """Step -> total loss; none before the file has rows."""
    path = logdir / "losses.csv"
    if not path.is_file():
        return {}
    with path.open(newline="") as file:
        return {int(row["step"]): float(row["total"]) for row in csv.DictReader(file) if row.get("total")}


def interrupt(arguments: list[str], logdir: Path, chance: random.Random) -> str:
    """Starts the run and sends it a signal, at a random step or during the last evaluation; says what was done."""
    number, step = chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]), chance.randint(0, 12)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(losses(logdir)) < step:
            time.sleep(0.05)
        time.sleep(chance.random())
        process.send_signal(number)
        process.wait()
    return f"{signal.Signals(number).name} at step {step}"


def damage(logdir: Path, kind: str) -> None:
    """Damages what a run left, as a machine that loses power does."""
    folder = logdir / "checkpoints"
    data = sorted(folder.glob("iter-*.data-*"), key=lambda path: path.stat().st_mtime)
    if kind == "newest checkpoint" and len(data) > 1:
        data[-1].write_bytes(data[-1].read_bytes()[: data[-1].stat().st_size // 2])
    elif kind == "leftovers" and logdir.is_dir():
        (folder / "iter-5_temp").mkdir(parents=True, exist_ok=True)
        (logdir / ".losses.csv.1.tmp").touch()


def failure(data_dir: Path, category: str, want: dict[int, float], logdir: Path, chance: random.Random) -> str | None:
    """One case: interrupted, damaged, resumed. Says what differs from the unbroken run; None if nothing does."""
    arguments = command(data_dir, category, logdir)
    what, kind = interrupt(arguments, logdir, chance), chance.choice(DAMAGES)
    damage(logdir, kind)
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    got = losses(logdir)
    left = [path.name for path in logdir.rglob("*") if path.name.endswith((".tmp", "_temp"))]
    close = got.keys() == want.keys() and all(abs(got[s] - want[s]) <= TOLERANCE * abs(want[s]) for s in want)
    if done.returncode == 0 and close and not left and (logdir / "results.json").is_file():
        return None
    return f"{what}, damaged: {kind}: exit code {done.returncode}, same losses: {close}, left: {left}"


def campaign(data_dir: Path, category: str, cases: int, seed: int) -> list[str]:
    """Runs so many cases; returns what failed."""
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        unbroken = Path(folder) / "unbroken"
        subprocess.run(command(data_dir, category, unbroken), check=True, capture_output=True)
        want = losses(unbroken)
        for case in range(cases):
            found = failure(data_dir, category, want, Path(folder) / str(case), random.Random(f"{seed}/{case}"))
            failures += [f"case {case}: {found}"] if found else []
    return failures


def main() -> None:
    """Runs the campaign that the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--category", default="Scissors")
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    failures = campaign(given.data_dir, given.category, given.cases, given.seed)
    print("\n".join([*failures, f"{given.cases} interruptions, {len(failures)} failures"]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
