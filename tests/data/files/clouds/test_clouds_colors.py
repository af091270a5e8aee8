"""Colors of clouds and meshes: of whatever kind in the file, bytes when they are read."""

import struct

import numpy as np
import pytest
import trimesh
from data.files.clouds.cloud_files import make_sphere, text_of, write_pcd
from plyfile import PlyData, PlyElement

from instance_seg.data.files.clouds.read import read_cloud

POINTS, _ = make_sphere(60)
COLORS = np.random.default_rng(0).integers(0, 256, (60, 3)).astype(np.uint8)


def ply(path, dtype, values):
    columns = [*POINTS.T, *np.asarray(values, dtype).T]
    rows = np.rec.fromarrays(columns, names="x y z red green blue".split())
    PlyData([PlyElement.describe(np.asarray(rows), "vertex")]).write(str(path))
    return path


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("u1", COLORS), ("u2", COLORS.astype(np.int64) * 257), ("f4", COLORS / 255), ("f8", COLORS.astype(float))],
)
def test_colors_of_a_ply_cloud(tmp_path, dtype, values):
    np.testing.assert_array_equal(read_cloud(ply(tmp_path / "a.ply", dtype, values)).colors, COLORS)


def test_a_nearly_black_cloud_stays_black_and_what_is_no_number_becomes_black(tmp_path):
    assert read_cloud(ply(tmp_path / "a.ply", "u1", np.minimum(COLORS, 1))).colors.max() == 1
    values = np.where(np.arange(60)[:, None] == 7, np.nan, COLORS / 255)
    found = read_cloud(ply(tmp_path / "b.ply", "f4", values)).colors
    np.testing.assert_array_equal(found, np.where(np.arange(60)[:, None] == 7, 0, COLORS))


def test_colors_of_columns_with_names(tmp_path):
    table = np.concatenate([POINTS, COLORS], axis=1)
    (tmp_path / "a.csv").write_text("x,y,z,Red,Green,Blue\n" + text_of(table, ","))
    write_pcd(tmp_path / "b.pcd", table, ["x", "y", "z", "r", "g", "b"], "binary")
    for name in ("a.csv", "b.pcd"):
        np.testing.assert_array_equal(read_cloud(tmp_path / name).colors, COLORS)
    (tmp_path / "c.xyz").write_text(text_of(POINTS))
    assert read_cloud(tmp_path / "c.xyz").colors is None


@pytest.mark.parametrize("suffix", [".ply", ".glb", ".obj"])
def test_colors_of_the_vertices_of_a_mesh_are_taken_or_interpolated(tmp_path, suffix):
    ball = trimesh.creation.icosphere(2)
    colors = np.uint8(np.round(255 * (0.5 * ball.vertices + 0.5)))  # a color says where it is
    trimesh.Trimesh(ball.vertices, ball.faces, vertex_colors=colors, process=False).export(tmp_path / f"a{suffix}")
    whole = read_cloud(tmp_path / f"a{suffix}", num_points=0)
    assert len(whole.points) == len(ball.vertices) and whole.face is None
    for each in (whole, read_cloud(tmp_path / f"a{suffix}", num_points=500)):
        np.testing.assert_allclose(each.colors / 127.5 - 1, each.points, atol=0.01)
        np.testing.assert_allclose(np.abs((each.points * each.normals).sum(axis=1)), 1, atol=0.03)
    ball.export(tmp_path / f"b{suffix}")
    assert read_cloud(tmp_path / f"b{suffix}").colors is None


def test_what_has_no_color_beside_what_has_one_is_gray(tmp_path):
    red, plain = trimesh.creation.icosphere(1), trimesh.creation.icosphere(1)
    red.visual.vertex_colors = np.tile(np.uint8([[200, 10, 20, 255]]), (len(red.vertices), 1))
    trimesh.Scene([red, plain.apply_translation([3, 0, 0])]).export(tmp_path / "a.glb")
    found = read_cloud(tmp_path / "a.glb", num_points=0)
    first = found.points[:, 0] < 1.5
    assert first.any() and (found.colors[first] == [200, 10, 20]).all() and (found.colors[~first] == 128).all()


def test_four_bytes_a_vertex_in_gltf(tmp_path):
    """An accessor of normalized bytes with alpha, as most exporters write COLOR_0."""
    ball = trimesh.creation.icosphere(1)
    rgba = np.random.default_rng(1).integers(0, 256, (len(ball.vertices), 4)).astype(np.uint8)
    trimesh.Trimesh(ball.vertices, ball.faces, vertex_colors=rgba, process=False).export(tmp_path / "a.glb")
    data = (tmp_path / "a.glb").read_bytes()
    tree = data[20 : 20 + struct.unpack_from("<I", data, 12)[0]]
    assert b'"COLOR_0"' in tree and b'"VEC4"' in tree
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.glb", num_points=0).colors, rgba[:, :3])
