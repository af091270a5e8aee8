"""Runs of every kind give the losses and measures that are kept of them: see golden_runs.py for how they were made."""

import json

import pytest
from training.golden_runs import KEPT, MEASURES, RUNS, loss_rows, measures, run

pytestmark = pytest.mark.slow

ROUNDING = 2e-3  # of a loss term after a dozen steps, between processors with other vector units
NEAR = 1.0  # points of a measure: weights that differ in their last bits segment nearly the same points


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_what_it_was(small_partnet, tmp_path, name):
    done = run(name, small_partnet, tmp_path)
    assert done.returncode == 0, done.stderr
    kept, found = loss_rows(KEPT / f"{name}.csv"), loss_rows(tmp_path / "losses.csv")
    assert len(found) == len(kept) == RUNS[name]["max_iter"]
    for want, got in zip(kept, found, strict=True):
        assert got == pytest.approx(want, rel=ROUNDING, abs=1e-4)
    kept, found = json.loads((KEPT / f"{name}.json").read_text()), measures(tmp_path)
    assert found.keys() == kept.keys()
    for row, levels in kept.items():
        assert found[row].keys() == levels.keys() and levels
        for level, want in levels.items():
            assert found[row][level] == pytest.approx(want, abs=NEAR, nan_ok=True), (row, level)
    assert any(level[name] > 0 for level in kept["with region centers"].values() for name in MEASURES)
