"""DyCo3D with fusion on a tiny room, through the real program: it learns the room, evaluations repeat themselves."""

import csv
import json

import pytest
from data.scannet.scans import write_scan, write_table
from released.test_spconv_import import random_weights, write_safetensors

from instance_seg.building import build_system, make_data_set
from instance_seg.experiment import evaluate, train
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow
GIVEN = {
    "system": "dyco3d",
    "ckpt_every_iter": 1000,
    "fusion": "own",
    "data_set": "scannet",
    "test_split": "val",
    "augment": False,
}
GIVEN |= {"train_batch_size": 1, "max_iter": 130, "prepare_iter": 50, "test_every_iter": 0, "initializer": "fan_in"}
GIVEN |= {"group_radius": 0.25, "group_min_points": 20, "proposal_points": 20, "voxel_edge": 0.1, "grid_scale": 10.0}


@pytest.fixture
def room(tmp_path):
    write_scan(tmp_path, "scene0000_00")
    write_table(tmp_path)
    for split in ("train", "val"):
        (tmp_path / f"scannetv2_{split}.txt").write_text("scene0000_00\n")
    return {"data_dir": str(tmp_path)}


def test_a_room_is_learned_by_heart(room, tmp_path):
    run, again = tmp_path / "run", tmp_path / "again"
    given = GIVEN | room | {"test_augment": False}
    assert train(load_config("smoke", given | {"logdir": str(run)})) == 0
    with open(run / "losses.csv", newline="") as file:
        masks = [float(row["level_1/mask"]) for row in csv.DictReader(file)]
    assert set(masks[:50]) == {0.0} and masks[50] > 0.5 > 0.1 > masks[-1] > 0
    first = json.loads((run / "results.json").read_text())
    assert first["run"]["variant"] == "dyco3d fusion=own"
    assert first["readings"]["proposals"]["levels"]["object"]["AP50"] > 90
    evaluate(load_config("smoke", given | {"logdir": str(again), "ckpt": str(run)}))
    assert json.loads((again / "results.json").read_text())["readings"] == first["readings"]


def test_training_and_evaluation_begin_with_weights_of_the_published_program(room, tmp_path, capsys):
    plain = load_config("smoke", GIVEN | room | {"fusion": "none"})
    weights = random_weights(build_system(plain, make_data_set(plain).task()))
    path = write_safetensors(tmp_path / "weights.safetensors", weights)
    given = room | {"ckpt": path, "max_iter": 1, "logdir": str(tmp_path / "run")}
    assert train(load_config("smoke", GIVEN | given)) == 0
    printed = capsys.readouterr().out
    assert f"taken from {path}; left as they begin: offset_0/fusion_unit/linear/kernel" in printed
    assert f"starting from the weights of {path}" in printed
    evaluate(load_config("smoke", GIVEN | given | {"fusion": "none", "logdir": str(tmp_path / "other")}))
    assert json.loads((tmp_path / "other" / "results.json").read_text())["run"]["iterations"] == 0
