"""The paper's network on tiny scans in ScanNet's layout, through the real program: training, evaluation, its files."""

import json
import os
import subprocess
import sys

import pytest
from data.scannet.scans import write_scannet

from instance_seg.score_scannet import score_submission

pytestmark = pytest.mark.slow
FLAGS = ["--preset=smoke", "--data_set=scannet", "--half_edge=4", "--bandwidth=0.5", "--points_per_shape=0"]
FLAGS += ["--train_batch_size=2", "--max_iter=20", "--test_every_iter=0"]


def program(module, *flags):
    done = subprocess.run(
        [sys.executable, "-m", f"instance_seg.{module}", *flags], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    data, run = write_scannet(tmp_path_factory.mktemp("scannet")), tmp_path_factory.mktemp("run")
    program("train", *FLAGS, "--metrics=scannet", f"--data_dir={data}", f"--logdir={run}", "--test_split=val")
    return data, run


def levels_of(run):
    readings = json.loads((run / "results.json").read_text())["readings"]
    return [reading["levels"]["object"] for reading in readings.values()]


def test_it_learns_something(run):
    first = levels_of(run[1])[0]
    assert {"AP", "AP50", "AP25", "mIoU", "mIoU_hais"} < set(first)
    assert first["mIoU"] > 10 and first["per_class"]["chair"]["instances"] == 4


def test_its_files_score_what_it_scored(run):
    data, run = run
    first = levels_of(run)[0]
    scored = score_submission(run / "predictions", data, "val")
    assert [scored[name] for name in ("AP", "AP50", "AP25")] == pytest.approx(
        [first[n] for n in ("AP", "AP50", "AP25")]
    )
    out = program("evaluate", f"--predictions={run / 'predictions'}", f"--ground_truth={data}", "--test_split=val")
    assert f"{first['AP50']:.1f}" in out and "chair" in out


def test_scenes_without_labels_are_segmented_but_not_measured(run, tmp_path):
    data, run = run
    program("evaluate", *FLAGS, f"--data_dir={data}", f"--logdir={tmp_path}", f"--ckpt={run}", "--test_split=test")
    assert all(level["AP"] is None and level["mIoU"] is None for level in levels_of(tmp_path))
    assert (tmp_path / "predictions" / "scene0005_00.txt").is_file()
