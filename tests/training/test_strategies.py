"""Whole runs on two logical CPU devices against the same run on one, and what impossible settings get."""

import json
import subprocess

import numpy as np
import pytest
from training.small_runs import command, losses, settings

from instance_seg.config import EngineConfig
from instance_seg.evaluation.results import read_results
from instance_seg.experiment import train
from instance_seg.presets import load_config
from instance_seg.training.strategy import make_strategy

pytestmark = pytest.mark.slow

RUN = {"full_depth": 2, "channels": (8, 8), "head_hidden": 1}
RUN |= {"train_batch_size": 4, "max_iter": 12, "learning_rate": 0.001}
TWO = {"strategy": "mirrored", "num_replicas": 2}


def run_alone(flags):
    """A process has one strategy with devices of its own."""
    return subprocess.run(command(flags), capture_output=True, text=True)


@pytest.fixture(scope="module")
def one(small_partnet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    assert train(load_config("paper", settings(small_partnet, folder, **RUN))) == 0
    return np.array(list(losses(folder).values()))


def test_two_replicas_have_the_losses_of_one(one, small_partnet, tmp_path):
    done = run_alone(settings(small_partnet, tmp_path, **RUN, **TWO))
    assert done.returncode == 0, done.stderr
    two = np.array(list(losses(tmp_path).values()))
    assert len(one) == len(two) == 12
    np.testing.assert_allclose(two, one, rtol=1e-4)  # rounding grows from step to step
    np.testing.assert_allclose(two[:3], one[:3], rtol=1e-6)
    assert read_results(tmp_path / "results.json")["run"]["iterations"] == 12


def test_two_replicas_with_statistics_of_their_own_have_others(one, small_partnet, tmp_path):
    more = {"sync_batch_norm": False, "max_iter": 2, "mixed_precision": "float16"}
    done = run_alone(settings(small_partnet, tmp_path, **RUN | TWO | more))
    assert done.returncode == 0, done.stderr
    first = losses(tmp_path)[1]
    assert 1e-3 < abs(first - one[0]) / one[0] < 0.2


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ({"strategy": "mirrored"}, "--strategy=mirrored: TensorFlow sees no GPU; --num_replicas=2"),
        ({"strategy": "multi_worker", "num_replicas": 2}, "--num_replicas=2: without a GPU a worker has one replica"),
    ],
)
def test_devices_that_are_not_there(engine, message, monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    monkeypatch.setenv("TF_CONFIG", json.dumps(TF_CONFIG))
    with pytest.raises(ValueError, match=message):
        make_strategy(EngineConfig(**engine))


def test_more_gpus_than_there_are(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: ["one", "two"])
    with pytest.raises(ValueError, match="--num_replicas=3: TensorFlow sees 2 GPUs"):
        make_strategy(EngineConfig("mirrored", num_replicas=3))


TF_CONFIG = {"cluster": {"worker": ["localhost:1"]}, "task": {"type": "worker", "index": 0}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "TF_CONFIG is not set; want .*12345"),
        ("{", "JSONDecodeError"),
        ('{"cluster": {}}', "KeyError: 'task'"),
        (json.dumps(TF_CONFIG | {"task": {"type": "worker", "index": 1}}), "IndexError"),
        (json.dumps(TF_CONFIG | {"cluster": {"ps": []}}), r"jobs are \['ps'\]; only chief and worker"),
    ],
)
def test_a_bad_tf_config_says_what_is_wanted(text, message, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=f"--strategy=multi_worker: .*{message}"):
        make_strategy(EngineConfig("multi_worker"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"strategy": "tpu"}, "strategy='tpu' is unknown; choose one of one_device, mirrored, multi_worker"),
        ({"mixed_precision": "float8"}, "choose one of none, float16, bfloat16"),
        ({"num_replicas": 2}, "num_replicas=2 needs --strategy"),
        ({"num_replicas": -1}, "num_replicas=-1: want a number from 0 to 1024"),
    ],
)
def test_bad_settings(more, message):
    with pytest.raises(ValueError, match=message):
        load_config("paper", more)
