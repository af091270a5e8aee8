"""Runs of every kind give the losses and measures that are kept of them: see golden_runs.py for how they were made."""

import json
import pathlib

import pytest
from training.golden_runs import KEPT, MEASURES, RUNS, loss_rows, measures, run

pytestmark = pytest.mark.slow

# Of a loss term; and points of a measure, for weights that differ in their last bits segment nearly the same points.
ROUNDING, NEAR = 2e-3, 1.0
# The kept files were made with AVX-512. Sums of other vectors end in other bits: the third step of PointNet++ may then
# find other neighbors, and what an octree's losses differ by doubles from step to step, to 6 or 40 % in the ninth.
LIKE_KEPT = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
ALIKE = 16 if LIKE_KEPT else 2  # steps whose loss terms differ by ROUNDING at most
LATER, APART = 0.5, NEAR if LIKE_KEPT else 20.0  # of a loss term in later steps; points of a measure


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_what_it_was(small_partnet, tmp_path, name):
    done = run(name, small_partnet, tmp_path)
    assert done.returncode == 0, done.stderr
    kept, found = loss_rows(KEPT / f"{name}.csv"), loss_rows(tmp_path / "losses.csv")
    assert len(found) == len(kept) == RUNS[name]["max_iter"]
    for want, got in zip(kept, found, strict=True):
        assert got == pytest.approx(want, rel=ROUNDING if want["step"] <= ALIKE else LATER, abs=1e-4)
    kept, found = json.loads((KEPT / f"{name}.json").read_text()), measures(tmp_path)
    assert found.keys() == kept.keys()
    for row, levels in kept.items():
        assert found[row].keys() == levels.keys() and levels
        for level, want in levels.items():
            assert found[row][level] == pytest.approx(want, abs=APART, nan_ok=True), (row, level)
    assert any(level[name] > 0 for level in kept["with region centers"].values() for name in MEASURES)
