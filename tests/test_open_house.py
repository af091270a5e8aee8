"""A data set and a system from outside of the package go through everything that ours go through."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from toy.blobs import Blobs, BlobSettings
from toy.scenes import write_scenes
from training.small_runs import losses, wait_for

from instance_seg.experiment import evaluate, sweep
from instance_seg.predict import Options, predict
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow
TESTS = pathlib.Path(__file__).resolve().parent
PRESET = str(TESTS / "toy" / "toy.yaml")


def start(data, run):
    where = [f"--preset={PRESET}", f"--data_dir={data}", f"--logdir={run}", "--max_iter=200"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "instance_seg.train", *where], env=environment, **pipes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training that was interrupted and resumed."""
    data, run = tmp_path_factory.mktemp("blobs"), tmp_path_factory.mktemp("run")
    write_scenes(data)
    first = start(data, run)
    wait_for(lambda: (run / "checkpoints" / "iter-15.index").exists(), first)
    first.send_signal(signal.SIGINT)
    assert first.wait(120) == 128 + signal.SIGINT, first.stderr.read()
    done = losses(run)
    assert 15 <= len(done) < 200
    second = start(data, run)
    out, err = second.communicate(timeout=300)
    assert second.returncode == 0, err
    assert "resuming after" in out
    assert losses(run).items() >= done.items() and len(losses(run)) == 200
    return data, run


def config_of(run, **more):
    data, logdir = run
    return load_config(PRESET, {"data_dir": str(data), "logdir": str(logdir), "max_iter": 200} | more)


def levels_of(path):
    (reading,) = json.loads(path.read_text())["readings"].values()
    return reading["levels"]


def test_scenes_are_read_when_they_are_asked_for(run):
    scenes = Blobs(BlobSettings()).split(str(run[0]), "train")
    assert len(scenes) == 4 and scenes.num_read == 0
    assert len(scenes[1].xyz) % 40 == 0 and scenes.num_read == 1


def test_what_was_trained_finds_the_blobs(run):
    levels = levels_of(run[1] / "results.json")
    assert list(levels) == ["warmth", "color"]
    assert levels["warmth"]["mIoU"] == pytest.approx(100, abs=1e-3)
    # narrow components are the blobs, and come before the wide ones, which hold the same points once more
    assert levels["color"]["AP50"] == pytest.approx(100, abs=1.0)
    assert json.loads((run[1] / "results.json").read_text())["run"]["variant"] == "Pointwise"


def test_two_metrics(run):
    evaluate(config_of(run, metrics="partnet,class_agnostic"))
    levels = levels_of(run[1] / "results.json")
    assert levels["color"]["AP50_any"] >= levels["color"]["AP50"] > 0
    assert set(levels["color"]["per_class"]) <= {"red", "green", "blue"}


def test_a_sweep_is_more_readings(run):
    sweep(config_of(run), ["radius=9", "radius=0.5"])
    wide, narrow = (levels_of(run[1] / "sweep" / f"radius_{r}" / "results.json") for r in ("9", "0.5"))
    assert wide["color"]["AP50"] < narrow["color"]["AP50"]  # all blobs are one


def test_predict(run, tmp_path):
    with np.load(next(run[0].glob("test-*.npz"))) as scene:
        np.savetxt(tmp_path / "scene.xyz", scene["xyz"])
        count = scene["blob"].max() + 1
    predict(str(run[1]), [str(tmp_path / "scene.xyz")], tmp_path / "out", Options(num_points=1000))
    written = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {"parts.md", "parts.csv", "parts.json"}
    assert written == {"level_1.ply", "level_2.ply", "picture.png", "viewer.html"} | tables
    assert (tmp_path / "out" / "parts.md").read_text().count("Warmth") >= count


def test_report(run):
    done = subprocess.run([sys.executable, "-m", "instance_seg.report", str(run[1])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (run[1] / "report" / "report.md").read_text()
    assert "Pointwise" in page and "AP50" in page
