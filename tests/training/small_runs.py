"""Small runs of the real program, in this process or in one of their own."""

import csv
import sys
import time
import types

import pytest

from instance_seg.presets import load_config
from instance_seg.train import main

OCTREE = {
    "depth": 3,
    "full_depth": 3,
    "channels": (8,),
    "num_blocks": 1,
}  # no way down or up, which takes time to trace
SMALLEST = {"variant": "single_level_baseline", "level": 1}
TINY = {
    "head_width": 8,
    "points_per_shape": 100,
    "train_batch_size": 2,
    "test_batch_size": 1,
    "max_iter": 8,
    "test_every_iter": 0,
    "ckpt_every_iter": 3,
    "log_every_iter": 2,
    "learning_rate": 0.05,
}


def settings(small_partnet, folder, **more):
    """Flat settings of a run of a few seconds: of the smallest network, unless variant or category are given."""
    network = {} if {"variant", "category"} & more.keys() else SMALLEST
    backbone = {} if more.get("variant") == "cross_level_pointnet2" else OCTREE
    return (
        TINY
        | network
        | backbone
        | {"data_dir": str(small_partnet), "logdir": str(folder), "category": "Scissors"}
        | more
    )


def tiny_config(small_partnet, folder, **more):
    return load_config("paper", settings(small_partnet, folder, **more))


def command(flags):
    """The command line of a training with these settings."""
    as_text = {k: ",".join(map(str, v)) if isinstance(v, tuple) else v for k, v in flags.items()}
    return [sys.executable, "-m", "instance_seg.train", *(f"--{k}={v}" for k, v in as_text.items())]


def with_flags(config, monkeypatch, describe=False):
    """From here on the program of a training takes these settings from its command line."""
    monkeypatch.setattr("instance_seg.train.config_from_flags", lambda: config)
    monkeypatch.setattr("instance_seg.train._DESCRIBE", types.SimpleNamespace(value=describe))


def code_of_program(config, monkeypatch):
    """What the program of a training leaves with, called in this process with these settings."""
    with_flags(config, monkeypatch)
    with pytest.raises(SystemExit) as left:
        main([])
    return left.value.code


def losses(logdir):
    """Step -> total loss."""
    with open(logdir / "losses.csv", newline="") as file:
        return {int(row["step"]): float(row["total"]) for row in csv.DictReader(file)}


def wait_for(condition, process, seconds=120):
    """Polls until the condition holds; the run it waits for may be slow, never absent."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)
