"""PartNet as a data set: its task, and its splits in memory or spilled."""

import h5py
import numpy as np
import pytest
from data.partnet.vases import VASE, make_shape

from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.partnet import PartNet
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.data.spilled import SpilledClouds
from instance_seg.structures import Proposals, Segmented

VASES = PartNet(PartNetSettings("Vase"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vases")
    for split in ("train", "test"):
        write_split(folder, "Vase", split, map(make_shape, range(3)), VASE)
    return folder


def test_the_task_has_a_level_for_each_of_the_taxonomy():
    task = VASES.task()
    assert (task.dataset, task.subset, task.num_features, task.directions) == ("partnet", "Vase", 3, 1)
    assert [(level.number, level.name) for level in task.levels] == [(1, "coarse"), (2, "middle"), (3, "fine")]
    assert [level.classes for level in task.levels] == [level.names for level in VASE.levels]
    assert task.num_classes == (4, 4, 6) and task.scored == (0, 2)  # PartNet has no middle level of vases
    assert all(level.first_scored == 1 for level in task.levels)
    assert task.levels[2].things == (1, 2, 3, 4, 5)


def test_one_level_alone(root):
    fine = PartNet(PartNetSettings("Vase", level=3))
    assert fine.task().levels == VASES.task().levels[2:] and fine.task().scored == (0,)
    with pytest.raises(ValueError, match="--level=2: Vase has no such level; choose one of 1, 3"):
        PartNet(PartNetSettings("Vase", level=2))
    for split in ("train", "test"):
        some, whole = fine.split(root, split), VASES.split(root, split)
        assert len(some) == len(whole) == 3
        for a, b in zip(some, whole):
            assert a.name == b.name and len(a.labels) == 1
            np.testing.assert_equal(a.labels[0], b.labels[2])


def test_training_clouds_stay_in_memory_and_others_are_spilled(root):
    train, test = VASES.split(root, "train"), VASES.split(root, "test", limit=2)
    assert isinstance(train, tuple) and train[0] is train[0] and len(train) == 3
    assert isinstance(test, SpilledClouds) and [cloud.name for cloud in test] == ["model0 0", "model1 1"]
    for a, b in zip(train[:2], test, strict=True):
        np.testing.assert_equal(b._replace(labels=()), a._replace(labels=()))
        np.testing.assert_equal(tuple(b.labels), tuple(a.labels))


def test_without_a_folder():
    with pytest.raises(ValueError, match="--data_dir is needed"):
        VASES.split("", "train")


def test_a_foreign_cloud_is_moved_into_the_unit_sphere():
    points = np.float64([[10, 0, 0], [14, 0, 0], [12, 1, 0]])
    cloud = VASES.foreign(points, np.zeros((3, 3)))
    np.testing.assert_allclose(cloud.xyz, [[-1, 0, 0], [1, 0, 0], [0, 0.5, 0]], atol=1e-6)
    assert cloud.labels == () and cloud.features.dtype == cloud.xyz.dtype == np.float32


def test_prediction_files_of_the_levels_that_are_scored(tmp_path):
    """Two overlapping proposals of 12 points each; the later one of higher score comes first."""
    points = np.concatenate([np.arange(12), np.arange(6, 18)])
    proposals = Proposals(points, np.array([0, 12, 24]), np.array([2, 3]), np.float32([0.25, 0.75]))
    segmented = Segmented(np.ones(20, np.int32), proposals)
    with VASES.prediction_writer(tmp_path, ()) as writer:
        for _ in range(2):
            writer.append((segmented,) * 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Vase-1", "Vase-3"]
    for folder in tmp_path.iterdir():
        with h5py.File(folder / "test-00.h5") as file:
            assert file["mask"].shape == (2, 200, 20)
            assert np.flatnonzero(file["mask"][1, 0]).tolist() == list(range(6, 18))
            assert np.flatnonzero(file["mask"][1, 1]).tolist() == list(range(12))
            assert file["label"][0, :2].tolist() == [2, 1] and file["conf"][0, :2].tolist() == [0.75, 0.25]
            assert file["valid"][:].sum() == 4
