"""The one reader of PartNet's HDF5 files: rows, and what is wrong with those that cannot be read."""

import h5py
import numpy as np
import pytest

from instance_seg.data.files.checked_h5 import Field
from instance_seg.data.partnet import rows as module
from instance_seg.data.partnet.rows import Problem, count_rows, read_rows, strict

FIELDS = {"pts": Field((None, None, 3), np.floating, written="rows"), "label": Field((None, None), np.integer)}
NUM_ROWS, BAD = 7, 4


@pytest.fixture
def path(tmp_path):
    """A file of seven rows of two points, of which one has never been written."""
    path = tmp_path / "tree" / "Chair" / "train-00.h5"
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        points = file.create_dataset("pts", (NUM_ROWS, 2, 3), "f4", chunks=(1, 2, 3))
        for row in range(NUM_ROWS):
            if row != BAD:
                points[row] = row
        file["label"] = np.arange(2 * NUM_ROWS).reshape(NUM_ROWS, 2)
    return path


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_a_bad_row_is_told_and_the_others_are_read(path, monkeypatch, at_once):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    found = list(read_rows(path, FIELDS, range(1, NUM_ROWS)))
    (problem,) = [one for one in found if isinstance(one, Problem)]
    assert problem.file == str(path) and problem.row == BAD and "'pts': row 4 was never written" in problem.text
    read = {one.first + i: pair for one in found if one is not problem for i, pair in enumerate(zip(*one.arrays))}
    assert list(read) == [row for row in range(1, NUM_ROWS) if row != BAD]
    for row, (points, label) in read.items():
        assert (points == row).all() and label.tolist() == [2 * row, 2 * row + 1]


def test_the_strict_reader_raises_the_first_problem(path):
    found = strict(read_rows(path, FIELDS, range(BAD - 1, NUM_ROWS)))
    assert next(found).first == BAD - 1
    with pytest.raises(ValueError, match="train-00.h5: dataset 'pts': row 4 was never written"):
        next(found)


def test_datasets_have_the_rows_and_points_of_pts(path):
    assert count_rows(path, FIELDS) == NUM_ROWS
    with h5py.File(path, "r+") as file:
        del file["label"]
        file["label"] = np.zeros((NUM_ROWS, 3), int)
    with pytest.raises(ValueError, match=r"'label' has shape \[7, 3\], expected \[7, 2\]"):
        count_rows(path, FIELDS)
    (problem,) = read_rows(path, FIELDS, range(2, NUM_ROWS))
    assert problem.row == 2 and "'label' has shape" in problem.text
