"""A cloud of one's own through a checkpoint: files, labels, errors."""

import numpy as np
import pytest
from plyfile import PlyData

from instance_seg.clustering.config import ClusterConfig
from instance_seg.config import load_config
from instance_seg.predict import described_run, predict
from instance_seg.training.experiment import train

TINY = {"depth": 3, "channels": (8,), "num_blocks": 1, "head_width": 8, "train_batch_size": 2, "max_iter": 1}


@pytest.fixture(scope="module")
def run(small_partnet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = TINY | {"category": "Chair", "level": 2, "data_dir": str(small_partnet), "logdir": str(folder)}
    assert train(load_config("paper", settings)) == 0
    return folder


def test_the_checkpoint_knows_its_category_network_and_level(run):
    config, taxonomy = described_run(str(run))
    assert (taxonomy.category, config.data.level, config.network.channels) == ("Chair", 2, (8,))
    assert taxonomy.num_classes == (30,)


def test_files_of_a_prediction(run, tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32) * 5 + 7
    np.savez(tmp_path / "cloud.npz", points=points)
    predict(str(run), str(tmp_path / "cloud.npz"), tmp_path / "out", 300, ClusterConfig())
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert len(names) == 3 and names[1:] == ["parts.md", "picture.png"]
    vertex = PlyData.read(str(tmp_path / "out" / names[0]))["vertex"]
    np.testing.assert_array_equal(np.stack([vertex[c] for c in "xyz"], 1), points)
    assert 0 <= vertex["semantic"].min() and vertex["semantic"].max() < 30
    assert sorted(set(vertex["instance"])) == list(range(vertex["instance"].max() + 1))


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match="neither a checkpoint"):
        described_run(str(tmp_path))
