"""Networks evaluated without TensorFlow give the labels that TensorFlow gives."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from plyfile import PlyData

from instance_seg import building, predict, segmenter
from instance_seg.layers import common_decay
from instance_seg.portable import PortableSegmenter
from instance_seg.presets import load_config
from instance_seg.procedural import generate_shape
from instance_seg.structures import Points
from instance_seg.training.checkpoint import describe_system
from instance_seg.training.weights_folder import CARRIED, WEIGHTS, write_weights_folder

SMALL = {"depth": 4, "channels": (8, 16, 8), "num_blocks": 1, "head_width": 8, "category": "Chair", "abs_input": False}
NETWORKS = {
    "cross": {},
    "paper": {
        "fuse_from": "feature",
        "concat_order": "paper",
        "transfer": False,
        "head_hidden": 1,
        "edge_mode": "wrap",
    },
    "one_hot": {
        "level": 1,
        "fusion": "own",
        "hard_assign": True,
        "hard_in": "spread",
        "half_edge": 1.5,
        "edge_mode": "wrap",
    },
    "baseline": {"fusion": "none", "baseline_unit": "features_xyz", "level": 2, "semantic_center_offset": 0.0},
}
PREDICT = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from instance_seg.predict import app, main
app.run(main)
"""


def write_network(folder, chair, **settings):
    """A folder of weights at random, whose normalization has the statistics of the chair: so labels differ."""
    config = load_config("paper", SMALL | settings)
    data_set, rng = building.make_data_set(config), np.random.default_rng(0)
    system = building.build_system(config, data_set.task())
    common_decay(system, tf.Variable(0.0))
    cloud = data_set.foreign(*chair)
    points = Points(tf.constant(cloud.xyz), tf.constant(cloud.features), tf.constant([0, len(cloud.xyz)]))
    system(points, system.tables(points, points), training=True)
    weights = {v.path.partition("/")[2]: v.numpy() for v in system.variables}
    near = {name: value * (1 + 0.1 * rng.standard_normal(value.shape)) for name, value in weights.items()}
    weights = {name: np.float32(value / 5 if "/offsets/" in name else value) for name, value in near.items()}
    write_weights_folder(folder, weights, describe_system(config, system.task))
    return str(folder)


@pytest.fixture(scope="module")
def chair():
    shape = generate_shape("Chair", 0, 3, num_points=1000)
    return np.float64(shape.points) * 3 + 1, np.float32(shape.normals)


@pytest.mark.parametrize("network", NETWORKS)
def test_labels_are_those_of_tensorflow(network, chair, tmp_path):
    folder = write_network(tmp_path, chair, **NETWORKS[network])
    theirs = segmenter.CloudSegmenter(folder, {})(*chair)
    ours = PortableSegmenter(folder, {})(*chair)
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs):
        assert len(np.unique(b.semantic)) > 1 and len(b.proposals.label) > 1
        np.testing.assert_allclose(a.certainty, b.certainty, atol=1e-4)
        np.testing.assert_allclose(a.shifted, b.shifted, atol=1e-4)
        assert (a.semantic == b.semantic).mean() > 0.995
        assert (a.proposals.instance(1000) == b.proposals.instance(1000)).mean() > 0.99


def test_the_weights_that_come_along_segment_with_all_that_lies_beside_them(chair):
    folders = {path.parent for path in CARRIED.glob(f"*/{WEIGHTS}")}
    assert len(folders) > 1
    with pytest.raises(ValueError, match="this is pointgroup over sparse_unet on scannet. Install TensorFlow"):
        PortableSegmenter(str(CARRIED / "Rooms"), {})
    for folder in folders - {CARRIED / "Rooms"}:
        levels = PortableSegmenter(str(folder), {})(*chair)
        assert levels and all(len(level.proposals.label) for level in levels)


OTHERS = {"semantic_path": {"semantic_path": "add"}, "feature_exchange": {"variant": "asis_fusion", "level": 1}}


@pytest.mark.parametrize("reason", OTHERS)
def test_other_networks_are_refused(reason, tmp_path):
    config = load_config("paper", SMALL | OTHERS[reason])
    task = building.make_data_set(config).task()
    write_weights_folder(tmp_path, {}, describe_system(config, task))
    with pytest.raises(ValueError, match="Install TensorFlow") as raised:
        PortableSegmenter(str(tmp_path), {})
    assert reason in str(raised.value)


def test_copies_are_refused():
    with pytest.raises(ValueError, match="--test_copies=2: without TensorFlow a network sees a cloud once"):
        PortableSegmenter(str(CARRIED / "Chair"), {"test_copies": 2})


def test_a_run_and_a_file_without_a_weight_are_refused(chair, tmp_path):
    with pytest.raises(ValueError, match="a folder of weights is needed"):
        PortableSegmenter(str(tmp_path), {})
    config = load_config("paper", SMALL)
    write_weights_folder(tmp_path, {}, describe_system(config, building.make_data_set(config).task()))
    with pytest.raises(ValueError, match="weights.safetensors has no 'backbone/encoder_4/entry/kernel'"):
        PortableSegmenter(str(tmp_path), {})(*chair)


@pytest.mark.parametrize(
    ("num_files", "card", "settings", "numpy"),
    [(1, None, {}, True), (predict.FEW, None, {}, True), (predict.FEW + 1, None, {}, False), (1, "/bin/x", {}, False),
     (1, None, {"test_copies": 2}, False)],
)  # fmt: skip
def test_a_few_files_do_not_wait_for_tensorflow_on_a_cpu(monkeypatch, num_files, card, settings, numpy):
    monkeypatch.setattr(predict.shutil, "which", lambda name: card)
    assert predict._takes_numpy(str(CARRIED / "Chair"), settings, num_files) is numpy


def test_a_run_and_rooms_wait_for_tensorflow(monkeypatch, tmp_path):
    monkeypatch.setattr(predict.shutil, "which", lambda name: None)
    assert not predict._takes_numpy(str(tmp_path), {}, 1) and not predict._takes_numpy(str(CARRIED / "Rooms"), {}, 1)
    monkeypatch.setattr(predict.PathFinder, "find_spec", lambda name: None)
    assert predict._takes_numpy(str(tmp_path), {}, 1)  # which then says that it wants a folder of weights


@pytest.mark.slow
def test_predict_where_tensorflow_cannot_be_imported(chair, tmp_path):
    folder = write_network(tmp_path / "network", chair)
    np.savez(tmp_path / "chair.npz", points=chair[0], normals=chair[1])
    flags = [f"--run={folder}", f"--input={tmp_path / 'chair.npz'}", f"--output={tmp_path / 'out'}", "--numpy"]
    done = subprocess.run([sys.executable, "-c", PREDICT, *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    levels = segmenter.CloudSegmenter(folder, {})(*chair)
    assert len(levels) == 3
    for k, level in enumerate(levels):
        vertex = PlyData.read(pathlib.Path(tmp_path) / "out" / f"level_{k + 1}.ply")["vertex"]
        assert (vertex["semantic"] == level.semantic).mean() > 0.995
        assert (vertex["instance"] == level.proposals.instance(1000)).mean() > 0.99
