"""Clouds of the Point Cloud Library."""

import numpy as np
import pytest
from data.files.clouds.cloud_files import alike, make_sphere, write_pcd

from instance_seg.data.files.clouds.read import read_cloud

POINTS, NORMALS = make_sphere()
BOTH = np.hstack([POINTS, NORMALS])
NAMES = ["x", "y", "z", "normal_x", "normal_y", "normal_z"]
KINDS = ["ascii", "binary", "binary_compressed"]


@pytest.mark.parametrize("kind", KINDS)
def test_points_and_normals(tmp_path, kind):
    write_pcd(tmp_path / "a.pcd", BOTH, NAMES, kind)
    points, normals, *_ = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_array_equal(points, POINTS)
    np.testing.assert_allclose(normals, NORMALS, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_other_fields_in_any_order(tmp_path, kind):
    color = np.full((len(POINTS), 1), 0.577)
    write_pcd(tmp_path / "a.pcd", np.hstack([color, POINTS[:, ::-1], color, color]), [*"izyxab"], kind)
    points, normals, *_ = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_array_equal(points, POINTS)
    assert alike(normals, NORMALS) > 0.97


def test_copies_in_compressed_data_may_reach_into_themselves(tmp_path):
    """A column of equal numbers is one copy of itself, at most 264 bytes long each."""
    flat = POINTS * [1, 0, 1]
    write_pcd(tmp_path / "a.pcd", np.hstack([flat, np.ones((len(POINTS), 9))]), [*"xyzabcdefgh_"], "binary_compressed")
    assert (tmp_path / "a.pcd").stat().st_size < 4600  # of 19,200 bytes
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.pcd")[0], flat)


def test_fields_of_several_numbers_and_padding(tmp_path):
    row = np.dtype([("_", "u1", 3), ("x", "<f8"), ("f", "<i2", 2), ("y", "<f4"), ("_2", "u1"), ("z", "<i4")])
    rows = np.zeros(len(POINTS), row)
    rows["x"], rows["y"], rows["z"] = POINTS[:, 0], POINTS[:, 1], np.round(100 * POINTS[:, 2])
    header = "FIELDS _ x f y _ z\nSIZE 1 8 2 4 1 4\nTYPE U F I F U I\nCOUNT 3 1 2 1 1 1\nWIDTH 20\nHEIGHT 20\n"
    (tmp_path / "a.pcd").write_bytes(f"{header}POINTS 400\nDATA binary\n".encode() + rows.tobytes())
    found = read_cloud(tmp_path / "a.pcd")[0]
    np.testing.assert_array_equal(found, np.stack([rows[axis] for axis in "xyz"], axis=1))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"FIELDS x y z", b"FIELDS a y z", "no columns x, y and z; it has a, y, z"),
        (b"POINTS 400", b"POINTS 500", "500 points|500 bytes|points take"),
        (b"SIZE 4", b"SIZE 4 4", "do not fit together"),
        (b"TYPE F", b"TYPE Q", "may be damaged"),
        (b"DATA ", b"DATA un", "is unknown; known are"),
        (b"DATA ", b"ATAD ", "no line DATA|lacks"),
        (b"POINTS 400\n", b"", "lacks POINTS"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_headers_that_are_wrong(tmp_path, kind, old, new, reason):
    write_pcd(tmp_path / "a.pcd", BOTH, NAMES, kind)
    data = (tmp_path / "a.pcd").read_bytes()
    assert old in data
    (tmp_path / "a.pcd").write_bytes(data.replace(old, new, 1))
    with pytest.raises(ValueError, match=f"a.pcd: .*({reason})"):
        read_cloud(tmp_path / "a.pcd")


@pytest.mark.parametrize("kind", KINDS)
def test_cut_files(tmp_path, kind):
    write_pcd(tmp_path / "a.pcd", BOTH, NAMES, kind)
    data = (tmp_path / "a.pcd").read_bytes()
    for length in (10, 100, len(data) // 2, len(data) - 80):
        (tmp_path / "a.pcd").write_bytes(data[:length])
        with pytest.raises(ValueError, match="a.pcd: "):
            read_cloud(tmp_path / "a.pcd")


def test_pixels_without_a_point_are_left_out_of_organized_scans_alone(tmp_path):
    holes = BOTH.copy()
    holes[3:6] = np.nan
    write_pcd(tmp_path / "a.pcd", holes, NAMES, "binary")
    with pytest.raises(ValueError, match="row 3 is not finite"):
        read_cloud(tmp_path / "a.pcd")
    data = (tmp_path / "a.pcd").read_bytes()
    organized = data.replace(b"DATA", b"HEIGHT 2\nDATA", 1)
    (tmp_path / "a.pcd").write_bytes(organized)
    points, normals, *_ = read_cloud(tmp_path / "a.pcd")
    np.testing.assert_allclose(points, np.delete(POINTS, slice(3, 6), axis=0), atol=1e-6)
    assert normals.shape == points.shape
