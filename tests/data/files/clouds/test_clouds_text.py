"""Clouds in text: what comes before the rows, what separates columns, which columns are what."""

import numpy as np
import pytest
from data.files.clouds.cloud_files import alike, make_sphere, text_of

from instance_seg.data.files.clouds.read import read_cloud

POINTS, NORMALS = make_sphere()
ROWS = text_of(POINTS)
COLORS = np.random.default_rng(1).integers(0, 256, POINTS.shape)
REFLECTANCE = COLORS[:, :1] - 128


def read(tmp_path, content, name="cloud.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_cloud(path)[:2]


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        text_of(POINTS, "\t"),
        text_of(POINTS, ","),
        text_of(POINTS, ", "),
        text_of(POINTS, ";"),
        text_of(POINTS, ",").replace("\n", ",\n"),
        ROWS.replace("\n", "\r\n"),
        ROWS.replace("\n", "\r"),
        "\n\n" + ROWS.replace("\n", "\n\n"),
        "# a cloud\n// of\n% points\n" + ROWS.replace("\n", "  # the first\n", 1),
        "//X Y Z\n" + ROWS,
        "X Y Z\n" + ROWS,
        "x,y,z\n" + text_of(POINTS, ","),
        '"X";"Y";"Z"\n' + text_of(POINTS, ";"),
        f"{len(POINTS)}\n" + ROWS,
        f"{len(POINTS)}\nX Y Z\n" + ROWS,
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.encode("utf-16"),
        b"\xfe\xff" + ROWS.encode("utf-16-be"),
        ROWS.encode("utf-16-le"),
        "# Größe\n".encode("latin-1") + ROWS.encode(),
    ],
    ids=lambda content: repr(content[:24]),
)
def test_the_same_points_however_they_are_written(tmp_path, content):
    np.testing.assert_allclose(read(tmp_path, content)[0], POINTS, rtol=1e-8)


@pytest.mark.parametrize("suffix", [".txt", ".xyz", ".xyzn", ".pts", ".csv", ".asc", ".XYZ"])
def test_every_suffix_of_text(tmp_path, suffix):
    np.testing.assert_allclose(read(tmp_path, ROWS, f"cloud{suffix}")[0], POINTS, rtol=1e-8)


@pytest.mark.parametrize(
    "columns",
    [
        [POINTS, NORMALS],
        [POINTS, NORMALS, COLORS],
        [POINTS, COLORS, NORMALS],
        [POINTS, COLORS / 255, NORMALS],
        [POINTS, REFLECTANCE, NORMALS],
        [POINTS, REFLECTANCE, COLORS, NORMALS],
    ],
)
def test_normals_are_found_behind_other_columns(tmp_path, columns):
    points, normals = read(tmp_path, text_of(np.hstack(columns)))
    np.testing.assert_allclose(points, POINTS, rtol=1e-8)
    np.testing.assert_allclose(normals, NORMALS, atol=1e-6)


@pytest.mark.parametrize(
    "columns",
    [
        [POINTS, COLORS],
        [POINTS, COLORS / 255],
        [POINTS, REFLECTANCE],
        [POINTS, REFLECTANCE, COLORS],
        [POINTS, 3 * NORMALS],
        [POINTS, np.full_like(POINTS, 0.577)],  # gray, of length 1
        [POINTS, np.tile([0.6, 0.8, 0.0], (len(POINTS), 1))],  # one color, of length 1
    ],
)
def test_what_is_no_normal_is_not_taken_for_one(tmp_path, columns):
    points, normals = read(tmp_path, text_of(np.hstack(columns)))
    np.testing.assert_allclose(points, POINTS, rtol=1e-8)
    assert alike(normals, NORMALS) > 0.97  # fitted


def test_the_one_normal_of_a_plane_is_no_color(tmp_path):
    plane, up = POINTS * [1, 0, 1], np.tile([0.0, 1.0, 0.0], (len(POINTS), 1))
    np.testing.assert_array_equal(read(tmp_path, text_of(np.hstack([plane, up])))[1], up)


def test_a_header_names_the_columns(tmp_path):
    """In any order, among columns of words; a color that is named one is none of the normals."""
    rows = [f"p{i},{n[0]},{n[1]},{n[2]},{p[0]},{p[1]},{p[2]},leg" for i, (p, n) in enumerate(zip(POINTS, NORMALS))]
    points, normals = read(tmp_path, "id,Nx,Ny,Nz,X,Y,Z,part\n" + "\n".join(rows))
    np.testing.assert_array_equal(points, POINTS)
    np.testing.assert_allclose(normals, NORMALS, atol=1e-7)
    turned = NORMALS[:, [1, 2, 0]]  # of length 1
    assert alike(read(tmp_path, "x y z r g b\n" + text_of(np.hstack([POINTS, turned])))[1], NORMALS) > 0.97


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ROWS + "1 2\n" + ROWS, "line 401 has 2 columns, the lines before it have 3"),
        ("# one\n\n1 2 3\n4 5 x\n", "line 4 is no row of numbers .*'x'"),
        ("1,2,3\n1,,3\n", "line 2 is no row of numbers"),
        ("one two three\n", "no points"),
        ("# nothing\n", "no points"),
        (ROWS + "nan 2 3\n", "row 400 is not finite"),
        (ROWS + "1 inf 3\n", "row 400 is not finite"),
        (ROWS + "-3.4028235e38 0 0\n", "row 400 is 3.4e.38 away"),
        ("1 2 3\n" * 4, "more than 16 points"),
        ("1 2 3\n" * 40, "no extent: all 40 points"),
        (text_of(np.repeat(POINTS[:9], 9, axis=0)), "16 points at different places, found 9"),
        (text_of(POINTS[:, :2]), "400 rows of 2 numbers"),
        (text_of(POINTS[:, :2], ","), "400 rows of 2 numbers"),
        (text_of(POINTS.T), "3 rows of 400 numbers: a transposed cloud"),
        ("500\n" + ROWS, "said to hold 500 points and holds 400"),
        (ROWS.replace(".", ","), "line 1 has commas for decimal points"),
        (text_of(POINTS, ";").replace(".", ","), "commas for decimal points"),
        (text_of(POINTS, "\t").replace(".", ","), "commas for decimal points"),
        (text_of(POINTS, ",", "%.6f").replace(".", ","), "commas for decimal points"),
        (bytes(range(256)), "binary data"),
        (b"\x1f\x8b\x08" + bytes(50), "packed by gzip"),
        (b"", "is empty"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, reason):
    with pytest.raises(ValueError, match=f"cloud.txt: .*{reason}"):
        read(tmp_path, content)


def test_several_scans_each_after_its_count_are_one_cloud(tmp_path):
    rows = np.random.default_rng(0).random((40, 3)).round(5)
    lines = [" ".join(map(str, row)) for row in rows]
    (tmp_path / "a.pts").write_text("\n".join(["25", *lines[:25], "15", *lines[25:]]))
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.pts")[0], rows)
    (tmp_path / "a.pts").write_text("\n".join(["25", *lines[:25], "15", *lines[25:-1]]))
    with pytest.raises(ValueError, match="said to hold 40 points and holds 39"):
        read_cloud(tmp_path / "a.pts")
