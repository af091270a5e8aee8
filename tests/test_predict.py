"""A cloud of one's own through a checkpoint: files, labels, positions and axes."""

import matplotlib.image
import numpy as np
import pytest
from plyfile import PlyData

from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.drawing.ply import write_labels
from instance_seg.experiment import make_data_set, train
from instance_seg.predict import UPRIGHT, predict
from instance_seg.presets import load_config
from instance_seg.procedural import generate_shape
from instance_seg.training.checkpoint_files import described_config

TINY = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8, "train_batch_size": 2, "max_iter": 1}
UTM = np.array([500_000.0, 5_400_000.0, 241.5])


@pytest.fixture(scope="module")
def run(small_partnet, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    settings = TINY | {"category": "Chair", "level": 2, "data_dir": str(small_partnet), "logdir": str(folder)}
    assert train(load_config("paper", settings)) == 0
    return folder


@pytest.fixture(scope="module")
def chair():
    shape = generate_shape("Chair", 0, 3, num_points=400)
    return np.float64(shape.points), np.float64(shape.normals)


def predicted(run, folder, points, normals=None, up="y"):
    """Runs the program on a cloud; the vertices of the one level."""
    folder.mkdir()
    np.savez(folder / "cloud.npz", points=points, **({} if normals is None else {"normals": normals}))
    predict(str(run), str(folder / "cloud.npz"), folder / "out", 300, {}, up)
    (level,) = (folder / "out").glob("level_*.ply")
    return PlyData.read(str(level))["vertex"]


def xyz(vertex):
    return np.stack([vertex[axis] for axis in "xyz"], axis=1)


def test_the_checkpoint_knows_its_category_network_and_level(run):
    config = described_config(str(run))
    assert (config.source.category, config.source.level) == ("Chair", 2)
    assert config.network.backbone_settings.channels == (8, 8)
    assert make_data_set(config).task().num_classes == (30,)


def test_files_of_a_prediction(run, tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32) * 5 + 7
    vertex = predicted(run, tmp_path / "a", points)
    names = sorted(p.name for p in (tmp_path / "a" / "out").iterdir())
    assert len(names) == 3 and names[1:] == ["parts.md", "picture.png"]
    np.testing.assert_array_equal(xyz(vertex), points)
    assert vertex["x"].dtype == np.float32
    assert 0 <= vertex["semantic"].min() and vertex["semantic"].max() < 30
    assert sorted(set(vertex["instance"])) == list(range(vertex["instance"].max() + 1))


def test_a_chair_in_coordinates_of_a_survey(run, chair, tmp_path):
    """The labels of the chair at the origin, in the coordinates of the file, and the same picture."""
    near = predicted(run, tmp_path / "near", *chair)
    far = predicted(run, tmp_path / "far", chair[0] + UTM, chair[1])
    np.testing.assert_array_equal(xyz(far), chair[0] + UTM)
    assert (near["semantic"] == far["semantic"]).mean() > 0.99
    assert (near["instance"] == far["instance"]).mean() > 0.9
    pictures = [matplotlib.image.imread(tmp_path / name / "out" / "picture.png") for name in ("near", "far")]
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.01 < pictures[0].std()


@pytest.mark.parametrize("axis", ["x", "z"])
def test_another_axis_that_points_up(run, chair, axis, tmp_path):
    """A chair that lies is segmented as the one that stands, and stays where it was."""
    turn = UPRIGHT[axis]  # takes the axis to y; its transpose lays the chair down
    stands = predicted(run, tmp_path / "y", *chair)
    lies = predicted(run, tmp_path / axis, chair[0] @ turn, chair[1] @ turn, up=axis)
    np.testing.assert_array_equal(xyz(lies), chair[0] @ turn)
    for name in ("semantic", "instance"):
        np.testing.assert_array_equal(lies[name], stands[name])
    not_turned = predicted(run, tmp_path / "wrong", chair[0] @ turn, chair[1] @ turn)
    assert (not_turned["semantic"] != stands["semantic"]).any()


@pytest.mark.parametrize("axis", "xyz")
def test_rotations(axis):
    np.testing.assert_array_equal(UPRIGHT[axis] @ np.eye(3)["xyz".index(axis)], [0, 1, 0])
    np.testing.assert_allclose(np.linalg.det(UPRIGHT[axis]), 1)  # right-handed
    np.testing.assert_array_equal(UPRIGHT[axis] @ UPRIGHT[axis].T, np.eye(3))


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e38])
def test_clouds_of_any_size_get_a_box_of_unit_size(chair, scale):
    found = in_unit_box((chair[0] + 3) * scale)
    assert np.isclose(np.ptp(found, axis=0).max(), 1) and np.allclose(found.min(axis=0), -found.max(axis=0))


def test_coordinates_are_floats_where_floats_hold_them(chair, tmp_path):
    labels = np.zeros(len(chair[0]), np.int32)
    for points, dtype in ((np.float32(chair[0]), "f4"), (chair[0] + UTM, "f8"), (chair[0] * 1e300, "f8")):
        write_labels(tmp_path / "a.ply", np.float64(points), labels, labels)
        vertex = PlyData.read(str(tmp_path / "a.ply"))["vertex"]
        assert vertex["x"].dtype == dtype
        np.testing.assert_array_equal(xyz(vertex), points)


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match="neither a checkpoint"):
        described_config(str(tmp_path))
