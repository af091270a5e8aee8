"""What is given away: weights that predict takes, and a SavedModel that a process loads without the package."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tools_in_process import call, loaded
from training.small_runs import tiny_config

from instance_seg import building, segmenter
from instance_seg.data.bounding_sphere import bounding_sphere
from instance_seg.predict import data_set_of
from instance_seg.procedural import generate_shape
from instance_seg.released.weight_files import read_weights
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_system
from instance_seg.training.checkpoint_files import described_config
from instance_seg.training.optimizers import Momentum
from instance_seg.training.weights_folder import NETWORK, WEIGHTS

LOAD = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from load import network
cloud = np.load(sys.argv[2])
found = network(cloud["points"], cloud["normals"])
np.savez(sys.argv[3], **{name: value.numpy() for name, value in found.items()})
assert not any(name.startswith(("instance_seg", "ocnn_tf_ops")) for name in sys.modules)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose network has weights at random, in their statistics too."""
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(0)
    config = tiny_config("", folder, variant="cross_level_fusion")
    task = building.make_data_set(config).task()
    system = building.build_system(config, task)
    for variable in system.variables:
        variable.assign(variable + 0.1 * rng.random(variable.shape))
    description = describe_system(config, task)
    Checkpoints(folder / "checkpoints", system, Momentum([], 0.9), description).save(Progress(2, 1.0))
    return folder


@pytest.fixture(scope="module")
def tool():
    with loaded("export") as module:
        return module  # to be called with the flags of the process: TensorFlow's writer wants its own


@pytest.fixture(scope="module")
def exported(tool, run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    tool.export(str(run), folder, half=False, saved_model=True)
    return folder


@pytest.fixture(scope="module")
def scissors():
    shape = generate_shape("Scissors", 0, 3, num_points=500)
    return np.float64(shape.points) * 30 + 5, np.float32(shape.normals)


def test_a_folder_of_weights_is_the_run(run, exported, scissors):
    assert data_set_of(str(exported), {"bandwidth": 0.2}).__name__ == "PartNet"
    assert described_config(str(exported)) == described_config(str(run))
    ours, theirs = (segmenter.CloudSegmenter(str(folder), {})(*scissors) for folder in (run, exported))
    assert ours
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a.semantic, b.semantic)
        np.testing.assert_array_equal(a.shifted, b.shifted)


def test_half_precision_halves_the_file(exported, tmp_path):
    (tmp_path / "readings.csv").write_text("of weights that were here before")
    call("export", f"--run={exported}", f"--output={tmp_path}", "--half")
    single, half = (read_weights(str(folder / WEIGHTS)) for folder in (exported, tmp_path))
    assert {value.dtype for value in half.values()} == {np.dtype(np.float16)} and half.keys() == single.keys()
    assert all(np.allclose(half[name], single[name], rtol=1e-3, atol=1e-6) for name in single)
    assert "iterations: 2" in (tmp_path / NETWORK).read_text() and not (tmp_path / "readings.csv").exists()


def test_weights_of_another_network_are_refused(exported, tmp_path):
    for name in (WEIGHTS, NETWORK):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    text = (tmp_path / NETWORK).read_text()
    (tmp_path / NETWORK).write_text(text.replace("head_width: 8", "head_width: 16"))
    assert text != (tmp_path / NETWORK).read_text()
    with pytest.raises(ValueError, match=r"do not fit its network.yaml; it holds .* in place of"):
        segmenter.CloudSegmenter(str(tmp_path), {})


def test_the_sphere_in_the_graph_is_the_smallest(tool, scissors):
    inside = tf.function(tool.in_unit_sphere)(np.float32(scissors[0])).numpy()
    center, radius = bounding_sphere(np.float32(scissors[0]))
    np.testing.assert_allclose(inside, (scissors[0] - center) / radius, atol=2e-6)


@pytest.mark.slow
def test_a_process_of_tensorflow_and_the_loader_alone(run, exported, scissors, tmp_path):
    cloud, found = tmp_path / "cloud.npz", tmp_path / "found.npz"
    np.savez(cloud, points=np.float32(scissors[0]), normals=scissors[1])
    command = [sys.executable, "-c", LOAD, str(exported), str(cloud), str(found)]
    done = subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (level, *_) = segmenter.CloudSegmenter(str(run), {"semantic_center_offset": 0.0})(*scissors)
    with np.load(found) as arrays:
        assert set(arrays) == {
            "xyz",
            *(f"level_1/{n}" for n in ("semantic", "instance_offset", "region_offset", "certainty", "probabilities")),
        }
        np.testing.assert_array_equal(arrays["level_1/semantic"], level.semantic)
        np.testing.assert_allclose(arrays["level_1/certainty"], level.certainty, atol=1e-4)
        np.testing.assert_allclose(arrays["xyz"] + arrays["level_1/instance_offset"], level.shifted, atol=1e-4)
    assert pathlib.Path(exported / "load.py").read_text().count("\n") <= 8
