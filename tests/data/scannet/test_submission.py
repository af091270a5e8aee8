"""The benchmark's files: what is written is read again; what is wrong with them is named."""

import numpy as np
import pytest
from data.scannet.scans import write_scannet

from instance_seg.clustering.partition import as_proposals
from instance_seg.data.scannet.classes import IDS
from instance_seg.data.scannet.prepared import open_split
from instance_seg.data.scannet.submission import MASKS, SubmissionWriter, read_ground_truth, read_proposals
from instance_seg.score_scannet import is_submission, score_submission, submission_table
from instance_seg.structures import Proposals, Segmented

NAME = "scene0000_00"


def write(folder, proposals, num_points=40):
    with SubmissionWriter(folder, [NAME]) as writer:
        writer.append((Segmented(np.zeros(num_points, np.int32), proposals),))
    return folder


@pytest.fixture
def folder(tmp_path):
    """A chair on the vertices 0 to 11 and a sofa on 20 to 29; a wall, which is no instance."""
    points = np.concatenate([np.arange(12), np.arange(20, 30), np.arange(30, 40)])
    return write(
        tmp_path, Proposals(points, np.array([0, 12, 22, 32]), np.array([4, 5, 0]), np.float32([0.25, 0.5, 1]))
    )


def test_what_is_written_is_read(folder):
    lines = (folder / f"{NAME}.txt").read_text().splitlines()
    assert lines == [f"{MASKS}/{NAME}_000.txt 5 0.25", f"{MASKS}/{NAME}_001.txt 6 0.5"]
    assert (folder / MASKS / f"{NAME}_000.txt").read_text().split() == ["1"] * 12 + ["0"] * 28
    found = read_proposals(folder, NAME, 40)
    assert found.points.tolist() == [*range(12), *range(20, 30)] and found.row_splits.tolist() == [0, 12, 22]
    assert found.label.tolist() == [4, 5] and found.score.tolist() == [0.25, 0.5]
    assert sorted(path.name for path in folder.iterdir()) == [MASKS, f"{NAME}.txt"]


def change(folder, line=None, mask=None, number=1):
    if line is not None:
        path = folder / f"{NAME}.txt"
        path.write_text(path.read_text() + line + "\n")
    if mask is not None:
        (folder / MASKS / f"{NAME}_{number:03d}.txt").write_text(mask)


MASK = f"{MASKS}/{NAME}"
WRONG = {
    "empty mask": ({"mask": "0\n" * 40}, rf"{MASK}_001.txt: the mask is empty; remove it and line 2 of .*{NAME}.txt"),
    "overlap": (
        {"mask": "1\n" * 40},
        rf"{MASK}_001.txt: shares 12 vertices with {MASK}_000.txt, the first of them 0; give .*--overlapping_masks",
    ),
    "other length": ({"mask": "1\n" * 39}, rf"{MASK}_001.txt: has 39 lines of 1 values, the scene 40 vertices"),
    "no numbers": ({"mask": "yes\n" * 40}, rf"{MASK}_001.txt: not readable as a line for each vertex"),
    "nothing in it": ({"mask": ""}, rf"{MASK}_001.txt: not readable"),
    "no mask": ({"line": f"{MASK}_009.txt 5 0.5"}, rf"{MASK}_009.txt: not readable"),
    "twice": ({"line": f"{MASK}_000.txt 5 0.5"}, r"line 3: lists .* a second time; remove one"),
    "outside": ({"line": "../x.txt 5 0.5"}, r"line 3: '../x.txt' lies outside of"),
    "two fields": ({"line": f"{MASK}_000.txt 5"}, r"line 3: .*want MASK ID CONFIDENCE"),
    "a class by name": ({"line": f"{MASK}_009.txt chair 0.5"}, r"line 3: .*want MASK ID CONFIDENCE"),
    "no such class": ({"line": f"{MASK}_009.txt 41 0.5"}, r"line 3: want an id of NYU40"),
    "NaN": ({"line": f"{MASK}_009.txt 5 nan"}, r"line 3: want .* a finite confidence"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(folder, case):
    changed, message = WRONG[case]
    change(folder, **changed)
    with pytest.raises(ValueError, match=message):
        read_proposals(folder, NAME, 40)


def test_masks_may_overlap_where_that_is_allowed(folder):
    change(folder, mask="1\n" * 40)
    assert read_proposals(folder, NAME, 40, overlapping=True).size.tolist() == [12, 40]


def test_ground_truth_files(tmp_path):
    path = tmp_path / f"{NAME}.txt"
    path.write_text("0\n5001\n5002\n13003\n")
    labels = read_ground_truth(path)
    assert labels.semantic.tolist() == [-1, 4, 4, -1] and labels.instance.tolist() == [-1, 5001, 5002, 13003]
    path.write_text("0\n41001\n")
    with pytest.raises(ValueError, match="vertex 1 is 41001; want 1000 x an id of NYU40"):
        read_ground_truth(path)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """A data set, its truth as predictions, and as ground-truth files."""
    data, predictions, truth = (tmp_path_factory.mktemp(name) for name in ("data", "predictions", "truth"))
    clouds = open_split(write_scannet(data), "val")
    with SubmissionWriter(predictions, clouds.names) as writer:
        for cloud in clouds:
            (labels,) = cloud.labels
            semantic = np.maximum(labels.semantic, 0)
            found = as_proposals(labels.instance, semantic, np.zeros(len(semantic), np.float32), 20)
            writer.append((Segmented(semantic, found),))
            codes = np.where(
                (labels.instance >= 0) & (labels.semantic >= 0), IDS[semantic] * 1000 + labels.instance + 1, 0
            )
            np.savetxt(truth / f"{cloud.name}.txt", codes, "%d")
    return data, predictions, truth


def test_the_truth_scores_one_hundred_against_data_set_and_files(oracle):
    data, predictions, truth = oracle
    for ground_truth in (data, truth):
        result = score_submission(predictions, ground_truth)
        assert [result[name] for name in ("AP", "AP50", "AP25")] == pytest.approx([100] * 3)
        assert set(result["per_class"]) == {"chair", "table"}
    assert submission_table(result).count("100.0") == 9
    assert is_submission(predictions) and not is_submission(data / "scans")


def test_other_scenes_than_those_of_the_ground_truth(oracle, tmp_path):
    data, predictions, truth = oracle
    (tmp_path / "scene0003_00.txt").write_text("")
    with pytest.raises(ValueError, match="has no scene0004_00.txt, unlike the ground truth"):
        score_submission(tmp_path, data)
    for name in ("scene0004_00", "scene0009_00"):
        (tmp_path / f"{name}.txt").write_text("")
    with pytest.raises(ValueError, match="has a scene0009_00.txt, unlike the ground truth"):
        score_submission(tmp_path, truth)
    with pytest.raises(ValueError, match="has no <scene>.txt, nor is it ScanNet's folder"):
        score_submission(predictions, data / "scans")
    (tmp_path / "scene0005_00.txt").write_text("")
    for name in ("scene0003_00", "scene0004_00", "scene0009_00"):
        (tmp_path / f"{name}.txt").unlink()
    with pytest.raises(ValueError, match="scene0005_00 of test has no labels to be scored against"):
        score_submission(tmp_path, data, "test")
