"""PointGroup and DyCo3D on the three levels of Chair through the real program, as preset smoke has them."""

import csv
import json

import numpy as np
import pytest

from instance_seg.experiment import train
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("system", "term"), [("pointgroup", "score"), ("dyco3d", "mask")])
def test_every_level_of_a_chair_has_proposals_and_is_measured(system, term, small_partnet, tmp_path):
    given = {"system": system, "category": "Chair", "data_dir": str(small_partnet), "logdir": str(tmp_path)}
    given |= {"prepare_iter": 2, "max_iter": 4, "group_radius": 0.2, "voxel_edge": 0.1, "test_every_iter": 0}
    given |= {"sparse_channels": (8, 16)}
    assert train(load_config("smoke", given)) == 0
    with open(tmp_path / "losses.csv", newline="") as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    terms = np.array([[row[f"level_{level}/{term}"] for level in (1, 2, 3)] for row in rows])
    assert not terms[:2].any() and (terms[2:].max(axis=0) > 0).all()
    levels = json.loads((tmp_path / "results.json").read_text())["readings"]["proposals"]["levels"]
    assert len(levels) == 3
