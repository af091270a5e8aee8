"""The class-agnostic protocol on files: PartNet's, labels of points, labels of faces."""

import subprocess
import sys

import numpy as np
import pytest
from test_score_files import write_truth_as_predictions

from instance_seg.score_parts import parts_table, score_parts


def folders(tmp_path, truth, predictions):
    """Two folders with a .npy, or with a .txt for a list, for each shape."""
    for name, shapes in (("truth", truth), ("found", predictions)):
        (tmp_path / name).mkdir()
        for shape, labels in shapes.items():
            if isinstance(labels, list):
                (tmp_path / name / f"{shape}.txt").write_text("".join(f"{x}\n" for x in labels))
            else:
                np.save(tmp_path / name / f"{shape}.npy", labels)
    return tmp_path / "found", tmp_path / "truth"


def square(corner_z=0.0):
    """Triangles of area 0.5 and 2 in an OBJ file."""
    return f"v 0 0 0\nv 1 0 0\nv 0 1 {corner_z}\nv 2 0 0\nv 0 2 0\nf 1 2 3\nf 1 4 5\n"


def test_partnets_files(small_partnet, tmp_path):
    write_truth_as_predictions(small_partnet, tmp_path, "Chair")
    scores = score_parts(tmp_path, small_partnet)
    assert [s[:3] for s in scores] == [(f"Chair-{k}", "points", 3) for k in (1, 2, 3)]
    assert all(s.mean_iou == pytest.approx(100) and s.parts > 3 for s in scores)


def test_labels_of_points(tmp_path):
    """Of shape a parts 4 and 7 are found by 2/3 and 1/2; of shape b nothing is; c has no part and does not count."""
    truth = {"a": [4, 4, 4, 7, -1], "b": np.array([0, 0]), "c": [-1, -1]}
    found = {"a": np.array([1, 1, 0, 0, 1]), "b": [-1, -1], "c": [3, 3]}
    (score,) = score_parts(*folders(tmp_path, truth, found))
    assert score[:4] == ("all", "points", 2, 3)
    assert score.mean_iou == pytest.approx(100 * ((2 / 3 + 1 / 2) / 2 + 0) / 2)
    assert " 29.2 |" in parts_table([score])


def test_masks_may_overlap(tmp_path):
    masks = np.array([[True, True, False], [False, True, True]])
    (score,) = score_parts(*folders(tmp_path, {"a": masks}, {"a": masks[::-1]}))
    assert (score.parts, score.mean_iou) == (2, 100)


def test_labels_of_faces_count_by_area(tmp_path):
    found, truth = folders(tmp_path, {"a": [0, 1], "b": [0, 1]}, {"a": [0, 0], "b": [0, 0]})
    (truth / "a.obj").write_text(square())
    points, faces = score_parts(found, truth)
    assert points.mean_iou == pytest.approx(50) and points.elements == "points"
    assert faces.mean_iou == pytest.approx(100 * (0.5 / 2.5 + 2 / 2.5) / 2) and faces.elements == "faces by area"
    np.save(found / "a.npy", np.array([[True, False], [True, True]]))
    (found / "a.txt").unlink()
    assert score_parts(found, truth)[1].mean_iou == pytest.approx(100 * (1 + 2 / 2.5) / 2)


@pytest.mark.parametrize(
    ("truth", "found", "message"),
    [
        ({"a": [0]}, {"a": [0], "b": [0]}, r"truth: has no b.npy or .txt, unlike the other folder \(1 such\)"),
        ({"a": [0], "b": [0]}, {"a": [0]}, "found: has no b.npy"),
        ({}, {"a": [0]}, "truth: has no <shape>.npy or <shape>.txt"),
        ({"a": [0]}, {}, "found: no folder <Category>-<level>"),
        ({"a": [0, 1]}, {"a": [0, 1, 1]}, "found/a.txt: has 3 points or faces, the ground truth 2"),
        ({"a": [0]}, {"a": [0.5]}, r"found/a.txt: want whole numbers \[N\].*found float64 \[1\]"),
        ({"a": [0]}, {"a": ["chair"]}, "found/a.txt: cannot be read"),
        ({"a": np.zeros((2, 3), int)}, {"a": [0]}, r"truth/a.npy: want whole numbers.*found int64 \[2, 3\]"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, truth, found, message):
    with pytest.raises(ValueError, match=message):
        score_parts(*folders(tmp_path, truth, found))


@pytest.mark.parametrize(
    ("mesh", "message"),
    [
        (square() + "f 1 2 4\n", "truth/a.txt: has 2 labels, a.obj has 3 triangles; want one for each"),
        (square("nan"), "a.obj: the areas of its faces are 0, or not finite"),
        ("v 0 0 0\nl 1 1\n", "a.obj: cannot be read .*only lines"),
    ],
)
def test_meshes_that_do_not_fit(tmp_path, mesh, message):
    found, truth = folders(tmp_path, {"a": [0, 1]}, {"a": [0, 1]})
    (truth / "a.obj").write_text(mesh)
    with pytest.raises(ValueError, match=message):
        score_parts(found, truth)


def test_two_files_of_a_shape(tmp_path):
    found, truth = folders(tmp_path, {"a": [0]}, {"a": [0]})
    np.save(found / "a.npy", np.array([0]))
    with pytest.raises(ValueError, match="a.txt: there is a.npy, too; want one file for each shape"):
        score_parts(found, truth)


@pytest.mark.slow
def test_the_program(tmp_path):
    found, truth = folders(tmp_path, {"a": [1, 2]}, {"a": [0, 0]})
    flags = ("--protocol=class_agnostic", f"--predictions={found}", f"--ground_truth={truth}")
    command = (sys.executable, "-m", "instance_seg.evaluate", *flags)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "50.0" in done.stdout, done.stderr
