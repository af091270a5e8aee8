"""PointGroup with fusion through the real program: phases, an evaluation that repeats itself, a prediction."""

import csv
import json

import numpy as np
import pytest

from instance_seg.experiment import evaluate, train
from instance_seg.predict import Options, predict
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow


def test_pointgroup_trains_evaluates_and_predicts(small_partnet, tmp_path):
    run = tmp_path / "run"
    given = {"system": "pointgroup", "fusion": "own", "category": "Scissors", "group_radius": 0.2, "prepare_iter": 2}
    given |= {"data_dir": str(small_partnet), "logdir": str(run), "max_iter": 4, "test_every_iter": 0}
    assert train(load_config("smoke", given)) == 0
    with open(run / "losses.csv", newline="") as file:
        scores = [float(row["level_1/score"]) for row in csv.DictReader(file)]
    assert scores[:2] == [0, 0] and min(scores[2:]) > 0
    first = json.loads((run / "results.json").read_text())
    assert first["run"]["variant"] == "pointgroup fusion=own" and list(first["readings"]) == ["proposals"]
    evaluate(load_config("smoke", given | {"logdir": str(tmp_path / "again"), "ckpt": str(run)}))
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert again["readings"] == first["readings"]
    np.savetxt(tmp_path / "cloud.xyz", np.random.default_rng(0).uniform(-0.5, 0.5, (300, 3)))
    predict(str(run), [str(tmp_path / "cloud.xyz")], tmp_path / "found", Options(num_points=1000))
    assert (tmp_path / "found" / "level_1.ply").exists() and (tmp_path / "found" / "picture.png").exists()
