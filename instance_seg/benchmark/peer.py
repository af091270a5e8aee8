"""Another program on the same work, run in turn with ours: ours, peer, ours, peer."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from instance_seg.benchmark.timing import Row

SUITES = ("octree", "step")  # of ours, that the peer's figures stand beside
COMPARED = ("octree_ms_per_shape", "forward_ms_per_shape", "step_ms_per_shape", "peak_rss_mb")


class Side(NamedTuple):
    """A program that prints one line of JSON with the figures of COMPARED (the memory is measured from outside)."""

    name: str
    command: list[str]

    def run(self) -> dict[str, float]:
        """Runs it to the end. RuntimeError with the end of its output if it fails."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(self.command, stdout=output, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            errors.seek(0)
            if process.returncode:
                raise RuntimeError(f"{' '.join(self.command)} failed:\n{errors.read().decode()[-2000:]}")
            figures = json.loads(output.read().decode().strip().splitlines()[-1])
        return {**figures, "peak_rss_mb": usage.ru_maxrss / 1024}


def compare(ours: Side, peer: Side, turns: int) -> list[Row]:
    """Rows of both sides, the least and the median over the turns, and the ratios of these."""
    found = {side.name: [] for side in (ours, peer)}
    for _ in range(turns):
        for side in (ours, peer):
            found[side.name].append(side.run())
            print(side.name, {k: found[side.name][-1].get(k) for k in COMPARED}, file=sys.stderr, flush=True)
    rows = []
    for figure in COMPARED:
        values = {name: [run[figure] for run in runs] for name, runs in found.items()}
        least, median = ({name: of(runs) for name, runs in values.items()} for of in (min, statistics.median))
        rows += [Row("peer", f"{name} {figure}", least[name], median[name], figure.split("_")[1]) for name in values]
        ratios = [each[ours.name] / each[peer.name] for each in (least, median)]
        rows.append(Row("peer", f"ratio {figure}", *ratios, "ours/peer"))
    return rows


def our_side(shapes: str, batch: int, depth: int, runs: int, preset: str) -> Side:
    """This benchmark in a process of its own."""
    tool = Path(__file__).resolve().parents[2] / "tools" / "benchmark.py"
    options = [f"--shapes={shapes}", f"--batch={batch}", f"--depth={depth}", f"--runs={runs}", f"--preset={preset}"]
    return Side("ours", [sys.executable, str(tool), f"--suite={','.join(SUITES)}", *options, "--line"])


def peer_side(python: str, script: str, shapes: str, batch: int, depth: int, runs: int) -> Side:
    """The peer's script, in its own Python."""
    options = ["--shapes", shapes, "--batch", str(batch), "--depth", str(depth), "--runs", str(runs)]
    return Side("peer", [python, script, *options])
