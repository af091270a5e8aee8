"""Runs of every kind give the losses and measures that are kept of them: see golden_runs.py for how they were made."""

import functools
import json

import pytest
from training.golden_runs import KEPT, MEASURES, RUNS, TWO, loss_rows, measures, run
from training.small_runs import losses, settings

from instance_seg.experiment import train
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow

ROUNDING = 2e-3  # of a loss term after a dozen steps, between processors with other vector units
NEAR = 1.0  # points of a measure: weights that differ in their last bits segment nearly the same points


@pytest.fixture(scope="module")
def folder_of(small_partnet, tmp_path_factory):
    """The folder of one of the runs, which is made when it is asked for."""

    @functools.cache
    def made(name):
        folder = tmp_path_factory.mktemp(name)
        done = run(name, small_partnet, folder)
        assert done.returncode == 0, done.stderr
        return folder

    return made


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_what_it_was(folder_of, name):
    folder = folder_of(name)
    kept, found = loss_rows(KEPT / f"{name}.csv"), loss_rows(folder / "losses.csv")
    assert len(found) == len(kept) == RUNS[name]["max_iter"]
    for want, got in zip(kept, found, strict=True):
        assert got == pytest.approx(want, rel=ROUNDING, abs=1e-4)
    kept, found = json.loads((KEPT / f"{name}.json").read_text()), measures(folder)
    assert found.keys() == kept.keys()
    for row, levels in kept.items():
        assert found[row].keys() == levels.keys() and levels
        for level, want in levels.items():
            assert found[row][level] == pytest.approx(want, abs=NEAR, nan_ok=True), (row, level)
    assert any(level[name] > 0 for level in kept["with region centers"].values() for name in MEASURES)


def test_two_replicas_have_the_losses_of_one(folder_of, small_partnet, tmp_path):
    alone = {setting: value for setting, value in RUNS["scissors_mirrored"].items() if setting not in TWO}
    assert train(load_config("paper", settings(small_partnet, tmp_path, **alone))) == 0
    one, two = (list(losses(folder).values()) for folder in (tmp_path, folder_of("scissors_mirrored")))
    assert len(one) == len(two) == RUNS["scissors_mirrored"]["max_iter"]
    assert two[:2] == pytest.approx(one[:2], rel=1e-5)  # before and after an update; at so high a rate
    assert two[2] == pytest.approx(one[2], rel=1e-3)  # rounding grows a hundredfold from step to step
