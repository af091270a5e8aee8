"""HAIS with fusion on tiny rooms through the real program: all phases, a run that goes on, a room of one's own."""

import csv
import json
import shutil

import matplotlib.image
import numpy as np
import pytest
from data.scannet.scans import COLORS, make_scan, write_ply, write_scannet
from plyfile import PlyData
from tools_in_process import call

from instance_seg.data.scannet.scannet import ScanNet
from instance_seg.experiment import evaluate, train
from instance_seg.predict import Options, predict
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow
GIVEN = {"system": "hais", "fusion": "own", "data_set": "scannet", "test_split": "val", "train_batch_size": 1}
GIVEN |= {"max_iter": 6, "prepare_iter": 2, "filter_iter": 4, "test_every_iter": 0, "ckpt_every_iter": 3}
GIVEN |= {"class_points": (), "class_radius": (), "group_radius": 0.25, "voxel_edge": 0.2, "grid_scale": 10.0}
GIVEN |= {"proposal_points": 20, "keep_ckpts": 9}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of six iterations with checkpoints after three and six, and its settings."""
    folder = tmp_path_factory.mktemp("hais")
    given = GIVEN | {"data_dir": str(write_scannet(folder)), "logdir": str(folder / "run")}
    assert train(load_config("smoke", given)) == 0
    return folder / "run", given


def rows(folder):
    with open(folder / "losses.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def results(folder):
    return json.loads((folder / "results.json").read_text())


def test_every_phase_is_trained_and_what_is_measured_repeats_itself(run, tmp_path):
    folder, given = run
    scores, masks = ([row[f"level_1/{name}"] for row in rows(folder)] for name in ("score", "mask"))
    assert scores[:2] == masks[:2] == [0, 0] and min(scores[2:]) > 0 and np.isfinite(masks).all()
    first = results(folder)
    assert first["run"]["variant"] == "hais fusion=own" and first["run"]["begun_with"] == ""
    assert len(first["run"]["calibration"]["level_1/class_points"]) == 20
    evaluate(load_config("smoke", given | {"logdir": str(tmp_path), "ckpt": str(folder)}))
    assert results(tmp_path)["readings"] == first["readings"]


def test_a_run_that_goes_on_ends_as_one_that_was_not_interrupted(run, tmp_path):
    """The sizes of classes are in the checkpoint, and the phase is that of the step."""
    folder, given = run
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    for path in (tmp_path / "run" / "checkpoints").glob("iter-6.*"):
        path.unlink()
    assert train(load_config("smoke", given | {"logdir": str(tmp_path / "run")})) == 0
    whole, again = rows(folder), rows(tmp_path / "run")
    assert [row["step"] for row in again] == [row["step"] for row in whole] == [1, 2, 3, 4, 5, 6]
    assert [row["total"] for row in again] == pytest.approx([row["total"] for row in whole], rel=1e-3)


def test_weights_that_a_training_begins_with_are_named_in_its_results(run, tmp_path):
    folder, given = run
    more = {"ckpt": str(folder), "logdir": str(tmp_path), "max_iter": 1, "prepare_iter": 9}
    assert train(load_config("smoke", given | more)) == 0
    assert results(tmp_path)["run"]["begun_with"] == folder.name


def test_rooms_of_ones_own_are_segmented_by_their_vertices_and_colors(run, tmp_path, capsys, monkeypatch):
    xyz, nyu40, *_ = make_scan(9)
    rgb, seen, foreign = np.array([COLORS[each] for each in nyu40]), [], ScanNet.foreign
    write_ply(tmp_path / "room.ply", xyz, rgb, faces=50)
    write_ply(tmp_path / "gray.ply", xyz, faces=50)
    write_ply(tmp_path / "far.ply", 1000 * xyz, faces=50)

    def spy(self, points, normals, colors=None):
        seen.append(colors)
        return foreign(self, points, normals, colors)

    monkeypatch.setattr(ScanNet, "foreign", spy)
    with pytest.raises(ValueError, match="1 of 3 files could not be read"):
        files = [str(tmp_path / f"{name}.ply") for name in ("room", "gray", "far")]
        predict(str(run[0]), files, tmp_path / "out", Options(up="z"))
    assert "far.ply: measures 4e+03 m; is it in millimeters? Scenes are in meters" in capsys.readouterr().err
    np.testing.assert_array_equal(seen[0], rgb)
    assert len(seen) == 3 and seen[1] is None
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gray", "room"]
    found = PlyData.read(str(tmp_path / "out" / "room" / "level_1.ply"))["vertex"]
    np.testing.assert_array_equal(np.stack([found[axis] for axis in "xyz"], axis=1), xyz)
    assert (tmp_path / "out" / "room" / "mesh_level_1.ply").exists()
    assert matplotlib.image.imread(tmp_path / "out" / "room" / "picture.png").std() > 0.05


def test_rooms_are_drawn_without_and_with_fusion(run, tmp_path):
    """Figure 9, here of one network twice."""
    folder, given = run
    flags = [f"--data_dir={given['data_dir']}", f"--baseline={folder}", f"--fusion={folder}", "--split=val"]
    call("draw_figures", *flags, f"--out={tmp_path}", "--shapes=1")
    image = matplotlib.image.imread(tmp_path / "shape_1_level_1.png")
    assert image.shape[:2] == (480 + 26, 3 * 480)
    names = [path.name for path in (tmp_path / "shape_1_level_1").iterdir()]
    columns = [f"{column}{end}.ply" for column in ("with_fusion", "without_fusion") for end in ("", "_shifted")]
    assert sorted(names) == sorted(["ground_truth.ply", *columns])
    with pytest.raises(SystemExit, match="precision over recall is drawn of PartNet alone"):
        call("draw_figures", *flags, f"--out={tmp_path}", "--curves")
