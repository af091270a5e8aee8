"""The program that measures a data set, on one of a user's own."""

import numpy as np
import pandas as pd
import tools_in_process

from instance_seg.config import make_config

SCENE = {"xyz": np.repeat(np.float32([[0, 0, 0], [0.5, 0, 0], [1, 0, 0]]), 3, axis=0)}
SCENE |= {"blob": np.repeat([0, 1, 2], 3), "color": np.repeat([0, 0, 2], 3)}


def test_a_data_set_of_ones_own_is_measured_at_every_level(tmp_path):
    np.savez(tmp_path / "train-0.npz", **SCENE)
    config = make_config({"data_set": "toy.blobs:Blobs", "data_dir": str(tmp_path)})
    with tools_in_process.loaded("measure_dataset") as tool:
        table = tool.measure(config)
    assert isinstance(table, pd.DataFrame)
    rows = {(level, name): row for level, name, *row in table.values.tolist()}
    assert rows["color", "red"][:2] == [2, 2] and rows["color", "blue"][:2] == [1, 1]
    assert rows["warmth", "cold"][-1] == rows["color", "blue"][-1] == 0
    assert rows["color", "red"][-1] > 0
