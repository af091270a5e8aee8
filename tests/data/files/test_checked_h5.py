"""HDF5 row by row, and zeros left to the fill value."""

import h5py
import numpy as np
import pytest

from instance_seg.data.files.checked_h5 import (
    CHUNK_BYTES,
    Field,
    open_dataset,
    open_h5,
    read_dataset,
    reject_rows,
    write_h5,
)

MASKS = Field((None, None, None), np.bool_)
VECTORS = Field((None, None, 3), np.floating)


def test_rows_come_back_whatever_zeros_they_end_in(tmp_path):
    rng = np.random.default_rng(0)
    masks = rng.random((4, 50, CHUNK_BYTES // 16)) < 0.5  # several chunks a row
    masks[1, 20:] = masks[2] = False
    masks[3, :49] = False
    vectors = rng.normal(size=(4, 7, 3)) * (np.arange(7) < 5)[:, None]
    write_h5(tmp_path / "x.h5", 4, ({"masks": m, "vectors": v} for m, v in zip(masks, vectors)))
    with open_h5(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(read_dataset(file, "masks", Field((4, 50, None), np.bool_)), masks)
        np.testing.assert_array_equal(read_dataset(file, "vectors", Field((4, 7, 3), np.floating)), vectors)
        np.testing.assert_array_equal(
            vectors[2:], read_dataset(file, "vectors", Field((4, 7, 3), np.floating), slice(2, 4))
        )
        chunks = [open_dataset(file, *each).chunks for each in (("masks", MASKS), ("vectors", VECTORS))]
        assert chunks == [(1, 16, CHUNK_BYTES // 16), (1, 7, 3)]


def test_a_group_is_no_dataset(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_group("pts")
        file["number"] = 3
    with open_h5(tmp_path / "x.h5") as file:
        with pytest.raises(ValueError, match="x.h5: dataset 'pts' is missing"):
            read_dataset(file, "pts", Field((None,), np.integer))
        with pytest.raises(ValueError, match=r"'number' has shape \[\], expected \[\*\]"):
            read_dataset(file, "number", Field((None,), np.integer))


def test_points_that_the_file_cannot_hold(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("pts", (1 << 30, 10000, 3), "f4", chunks=(1, 10000, 3), compression="gzip")
        file["pts"][0] = 1
    with open_h5(tmp_path / "x.h5") as file, pytest.raises(ValueError, match="more than the file can hold"):
        read_dataset(file, "pts", VECTORS._replace(written="rows"), slice(1))


def test_no_such_file(tmp_path):
    with pytest.raises(ValueError, match="x.h5: no such file"), open_h5(tmp_path / "x.h5"):
        pass


def test_rows_are_counted_from_the_first_one_read():
    reject_rows("x.h5", np.zeros((3, 2), bool), "is bad")
    with pytest.raises(ValueError, match=r"^x.h5: row 17 is bad \(and 1 more rows\)$"):
        reject_rows("x.h5", np.array([[0, 0], [0, 1], [1, 1]], bool), "is bad", first=16)
