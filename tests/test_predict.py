"""A cloud of one's own through a checkpoint: files, labels, positions and axes."""

import json

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
import trimesh
from absl import flags
from absl.testing import flagsaver
from plyfile import PlyData

from instance_seg import predict as program
from instance_seg import segmenter
from instance_seg.building import make_data_set, restore_system
from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.drawing.ply import write_labels, write_mesh_ply
from instance_seg.experiment import train
from instance_seg.predict import Options, find_sources, predict
from instance_seg.presets import load_config
from instance_seg.procedural import generate_shape
from instance_seg.structures import UPRIGHT
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
    predict(str(run), [str(folder / "cloud.npz")], folder / "out", Options(up=up))
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
    assert names == ["level_2.ply", "parts.csv", "parts.json", "parts.md", "picture.png", "viewer.html"]
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


def test_another_axis_that_points_up(run, chair, tmp_path):
    """A chair that lies is segmented as the one that stands, and stays where it was."""
    turn = UPRIGHT["z"]  # takes the axis to y; its transpose lays the chair down
    stands = predicted(run, tmp_path / "y", *chair)
    lies = predicted(run, tmp_path / "z", chair[0] @ turn, chair[1] @ turn, up="z")
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


def test_parts_are_the_instances_of_the_points(run, chair, tmp_path):
    vertex = predicted(run, tmp_path / "a", *chair)
    records = json.loads((tmp_path / "a" / "out" / "parts.json").read_text())
    table = pd.read_csv(tmp_path / "a" / "out" / "parts.csv")
    assert len(records) == len(table) == vertex["instance"].max() + 1
    for record, (_, row) in zip(records, table.iterrows()):
        members = xyz(vertex)[vertex["instance"] == record["instance"]]
        assert record["points"] == row["points"] == len(members)
        assert record["part"] == row["part"] and record["level"] == "middle"
        for i, axis in enumerate("xyz"):
            assert record[f"{axis}_min"] == pytest.approx(members[:, i].min()) == row[f"{axis}_min"]
            assert record[f"{axis}_max"] == pytest.approx(members[:, i].max()) == row[f"{axis}_max"]


def test_small_instances_are_dropped(run, chair, tmp_path, capsys):
    np.savez(tmp_path / "cloud.npz", points=chair[0], normals=chair[1])

    def sizes(name, **options):
        predict(str(run), [str(tmp_path / "cloud.npz")], tmp_path / name, Options(**options))
        instance = PlyData.read(str(tmp_path / name / "level_2.ply"))["vertex"]["instance"]
        return np.bincount(instance[instance >= 0])

    every = sizes("every")
    assert every.sum() == len(chair[0]) and every.min() < every.max()
    np.testing.assert_array_equal(sizes("large", min_points=int(every.max())), every[every == every.max()])
    assert "no parts" not in capsys.readouterr().out
    assert not len(sizes("none", min_points=1000)) and "cloud.npz: no parts were found" in capsys.readouterr().out


def test_faces_of_a_mesh(run, tmp_path):
    """Two boxes far from 0, z up: their own vertices and faces, the labels of the points on them."""
    box = trimesh.creation.box((1, 1, 0.2))
    box = trimesh.util.concatenate([box, box.copy().apply_translation((0, 0, 2))]).apply_translation(UTM)
    write_mesh_ply(tmp_path / "boxes.ply", box.vertices, box.faces, *np.zeros((2, 24), int))
    predict(str(run), [str(tmp_path / "boxes.ply")], tmp_path / "out", Options(num_points=500, up="z"))
    found = PlyData.read(str(tmp_path / "out" / "mesh_level_2.ply"))
    np.testing.assert_array_equal(xyz(found["vertex"]), box.vertices)
    np.testing.assert_array_equal(np.stack(found["face"]["vertex_indices"]), box.faces)
    of_points = PlyData.read(str(tmp_path / "out" / "level_2.ply"))["vertex"]
    assert set(found["face"]["instance"]) <= set(of_points["instance"])
    glb = trimesh.load(tmp_path / "out" / "mesh_level_2.glb", force="mesh", process=False)
    upright = box.vertices @ UPRIGHT["z"].T  # float32 has steps of half a meter there
    np.testing.assert_allclose(glb.vertices[glb.faces], upright[box.faces], rtol=0, atol=1e-4)
    colors = np.stack([found["face"][name] for name in ("red", "green", "blue")], axis=1)
    np.testing.assert_array_equal(glb.visual.vertex_colors[glb.faces[:, 0], :3], colors)


def test_files_of_an_earlier_prediction_do_not_stay(run, chair, tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("mesh_level_2.glb", "level_3.ply", "level_of_the_sea.ply"):
        (tmp_path / "out" / name).touch()
    np.savez(tmp_path / "chair.npz", points=chair[0])
    predict(str(run), [str(tmp_path / "chair.npz")], tmp_path / "out", Options())
    assert sorted(p.name for p in (tmp_path / "out").glob("*.[pg]l*")) == ["level_2.ply", "level_of_the_sea.ply"]


@pytest.mark.parametrize(
    ("sizes", "category", "said"),
    [((1, 1, 1), None, "Chair;"), ((4, 2.5, 4), None, "Rooms, as a.npz"), ((4, 2.5, 4), "Chair", "Chair;")],
)
def test_the_screen_says_whose_weights_are_taken_and_why(sizes, category, said, chair, tmp_path, capsys, monkeypatch):
    np.savez(tmp_path / "a.npz", points=chair[0] / np.ptp(chair[0], axis=0) * sizes)
    monkeypatch.setattr(program, "predict", lambda *_: None)
    flags.FLAGS.mark_as_parsed()
    with flagsaver.flagsaver(input=[str(tmp_path / "a.npz")], output=str(tmp_path / "out"), category=category):
        program.main([])
    assert said in capsys.readouterr().out.splitlines()[0]


def test_files_behind_no_flag_are_refused():
    with pytest.raises(SystemExit, match="'b.ply' is behind no flag; give a folder, or --input= for each file"):
        program.main(["predict", "b.ply"])


def test_a_folder_and_a_file_with_one_network(run, chair, tmp_path, capsys, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in ("in/a.npz", "in/b.npz", "in/b.xyz", "c.npz"):
        np.savez(tmp_path / name, points=chair[0]) if name.endswith("npz") else np.savetxt(tmp_path / name, chair[0])
    (tmp_path / "in" / "broken.ply").write_text("ply")
    (tmp_path / "in" / "notes.md").write_text("no cloud")
    (tmp_path / "in" / "._a.npz").write_text("of the file system of another computer")
    loaded = []
    monkeypatch.setattr(segmenter, "restore_system", lambda *args: loaded.append(1) or restore_system(*args))
    with pytest.raises(ValueError, match="^1 of 5 files could not be read; the others are segmented$"):
        predict(str(run), [str(tmp_path / "in"), str(tmp_path / "c.npz")], tmp_path / "out", Options())
    assert "error: " in (said := capsys.readouterr().err) and "broken.ply: is no PLY file" in said
    assert loaded == [1]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a", "b.npz", "b.xyz", "c"]
    ids = [PlyData.read(str(p))["vertex"]["instance"] for p in (tmp_path / "out").glob("*/level_2.ply")]
    assert len(ids) == 4 and all(np.array_equal(each, ids[0]) for each in ids)


def test_a_reading_that_is_not_there_is_said_once_for_all_files(run, chair, tmp_path, capsys):
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", points=chair[0])
    inputs = [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]
    with pytest.raises(ValueError, match="--reading=best: there are with region centers"):
        predict(str(run), inputs, tmp_path / "out", Options(), reading="best")
    assert "error" not in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_files_of_one_name_have_no_folders_of_their_own(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.ply").touch()
    with pytest.raises(ValueError, match="a.ply is the name of several files"):
        find_sources([str(tmp_path / "1"), str(tmp_path / "2")], tmp_path / "out")


@pytest.mark.parametrize(("names", "where"), [(("a",), "out"), (("a", "b"), "out/<name>")])
def test_the_last_line_says_where_the_files_are(tmp_path, capsys, monkeypatch, names, where):
    for name in names:
        (tmp_path / f"{name}.ply").touch()
    monkeypatch.setattr(program, "predict", lambda *_: None)
    flags.FLAGS.mark_as_parsed()
    inputs = [str(tmp_path / f"{name}.ply") for name in names]
    with flagsaver.flagsaver(input=inputs, output=str(tmp_path / "out"), run=str(tmp_path)):
        program.main([])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"{tmp_path / where}: level_<k>.ply, of a mesh mesh_level_<k>.ply and .glb, parts.md")
