"""The comparison methods through the real program: training, evaluation and what starts from a checkpoint."""

import json

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.experiment import evaluate, train
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow
TINY = {
    "pointnet2_points": (32, 8),
    "pointnet2_samples": 8,
    "pointnet2_width": 0.1,
    "branch_width": 0.1,
    "train_batch_size": 2,
    "max_iter": 3,
    "test_every_iter": 0,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "category": "Scissors",
    "level": 1,
    "metrics": "partnet_official",
    "picture_shapes": 1,
}


def config_of(data, run, system, **more):
    return load_config("paper", TINY | {"data_dir": str(data), "logdir": str(run), "system": system} | more)


def measures(run):
    (reading,) = json.loads((run / "results.json").read_text())["readings"].values()
    return reading["levels"]["coarse"]


@pytest.mark.parametrize("system", ("part_masks", "probabilistic"))
def test_train_and_evaluate(small_partnet, tmp_path, system):
    config = config_of(small_partnet, tmp_path, system)
    assert train(config) == 0
    trained = measures(tmp_path)
    assert {"AP25", "AP50", "AP75", "sAP50", "mIoU"} <= set(trained)
    assert (tmp_path / "predictions" / "Scissors-1" / "test-00.h5").exists()
    evaluate(config)
    assert measures(tmp_path) == trained


def test_sgpn_keeps_what_it_measured_in_its_checkpoint(small_partnet, tmp_path):
    first, second = tmp_path / "semantics", tmp_path / "instances"
    assert train(config_of(small_partnet, first, "sgpn", stage="semantics")) == 0
    config = config_of(small_partnet, second, "sgpn", train_batch_size=1, ckpt=str(first))
    assert train(config) == 0
    stored = second / "checkpoints" / "iter-3"
    size = tf.train.load_variable(str(stored), "model/average_size/.ATTRIBUTES/VARIABLE_VALUE")
    assert np.all(size >= 0) and size.max() > 1  # points of an instance, of two validation shapes
    trained = measures(second)
    evaluate(config_of(small_partnet, second, "sgpn", train_batch_size=1))
    assert measures(second) == trained
