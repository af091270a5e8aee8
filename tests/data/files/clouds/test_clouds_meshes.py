"""PLY, OBJ, STL and OFF: clouds as they are, meshes sampled."""

import logging

import numpy as np
import pytest
import trimesh
from data.files.clouds.cloud_files import FILES, alike, make_sphere, text_of, write_ply

from instance_seg.data.files.clouds.read import read_cloud

POINTS, NORMALS = make_sphere()
VERTICES = "".join(f"v {row}\n" for row in text_of(POINTS).splitlines())
BOX = trimesh.creation.box((1, 2, 3))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("form", [{"text": True}, {"byte_order": "<"}, {"byte_order": ">"}])
def test_clouds_in_ply(tmp_path, form):
    write_ply(tmp_path / "a.ply", POINTS, NORMALS, comments=["made by nobody"], **form)
    data = (tmp_path / "a.ply").read_bytes()
    (tmp_path / "a.ply").write_bytes(data.replace(b"nobody", "Zoë\nobj_info Größe 1".encode()))
    points, normals, *_ = read_cloud(tmp_path / "a.ply")
    np.testing.assert_array_equal(points, POINTS)
    np.testing.assert_allclose(normals, NORMALS, atol=1e-7)
    write_ply(tmp_path / "b.ply", POINTS, **form)
    assert alike(read_cloud(tmp_path / "b.ply")[1], NORMALS) > 0.97


def test_clouds_in_obj(tmp_path):
    normals = "".join(f"vn {row}\n" for row in text_of(NORMALS).splitlines())
    colored = "".join(f"v {row} 0.577 0.577 0.577\n" for row in text_of(POINTS).splitlines())
    for number, content in enumerate((VERTICES + normals, VERTICES, VERTICES + "p 1 2 3\n", colored)):
        points, found, *_ = read_cloud(write(tmp_path / f"{number}.obj", "# a cloud\n" + content))
        np.testing.assert_array_equal(points, POINTS)
        assert alike(found, NORMALS) > (0.97 if number else 0.999999)


def test_clouds_in_off(tmp_path):
    points, *_ = read_cloud(write(tmp_path / "a.off", f"OFF\n# a cloud\n{len(POINTS)} 0 0\n{text_of(POINTS)}"))
    np.testing.assert_allclose(points, POINTS, rtol=1e-8)


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".off", ".ply", ".glb", ".gltf"])
def test_a_mesh_is_sampled(tmp_path, suffix):
    BOX.export(tmp_path / f"box{suffix}")
    points, normals, *_ = read_cloud(tmp_path / f"box{suffix}", num_points=500)
    assert points.shape == normals.shape == (500, 3)
    side = np.abs(points / [0.5, 1, 1.5])
    np.testing.assert_allclose(side.max(axis=1), 1, atol=1e-6)  # on the surface
    np.testing.assert_array_equal(np.abs(normals).argmax(axis=1), side.argmax(axis=1))
    np.testing.assert_allclose(np.abs(normals).max(axis=1), 1, atol=1e-6)
    counts = np.bincount(side.argmax(axis=1)) / 500
    np.testing.assert_allclose(counts, np.array([6, 3, 2]) / 11, atol=0.08)  # by area
    np.testing.assert_array_equal(points, read_cloud(tmp_path / f"box{suffix}", num_points=500)[0])


def test_where_and_how_large_a_mesh_is(tmp_path):
    """Sampled in float64, and without squares that overflow or vanish."""
    BOX.export(tmp_path / "box.obj", digits=17)
    wanted, normals, *_ = read_cloud(tmp_path / "box.obj", num_points=300)
    for name, scale, shift in (("far", 1, [500_000.125, 5_400_000.25, 240]), ("large", 1e38, 0), ("small", 1e-30, 0)):
        mesh = "".join(f"v {row}\n" for row in text_of(BOX.vertices * scale + shift).splitlines())
        mesh += "".join("f {} {} {}\n".format(*face) for face in BOX.faces + 1)
        points, found, *_ = read_cloud(write(tmp_path / f"{name}.obj", mesh), num_points=300)
        np.testing.assert_allclose((points - shift) / scale, wanted, atol=1e-8)
        np.testing.assert_allclose(found, normals, atol=1e-6)


def test_materials_and_textures_are_not_looked_for(tmp_path, caplog):
    mesh = VERTICES + "vt 0 0\nmtllib gone.mtl\nusemtl wood\nf 1/1 2/1 3/1 4/1\n"
    assert read_cloud(write(tmp_path / "a.obj", mesh), num_points=100)[0].shape == (100, 3)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_vertices_of_no_face_do_not_count(tmp_path):
    mesh = "v 1e300 0 0\nv nan 0 0\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 3 4 5\n"
    points, normals, *_ = read_cloud(write(tmp_path / "a.obj", mesh), num_points=100)
    assert points.min() >= 0 and points.max() <= 1
    np.testing.assert_array_equal(normals, np.tile([0, 0, 1], (100, 1)))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.obj", VERTICES + "l 1 2 3\n", "only lines"),
        ("a.obj", VERTICES + "v nan 0 0\nf 1 2 401\n", "face 0 has a vertex that is NaN"),
        ("a.obj", VERTICES + "f 1 2 900\n", "900|899"),
        ("a.obj", "v 1 nan 2\n" * 30, "row 0 is not finite"),
        ("a.obj", "vn 0 0 1\n", "no vertices"),
        ("a.obj", "hello\n", "no vertices"),
        ("a.obj", "\n" * 200_000, "no vertices"),
        ("a.off", "OFF\n" + "# " * 100_000, "no OFF file"),
        ("a.obj", "v 1 1 1\n" * 30 + "f 1 2 3\n", "no extent"),
        ("a.stl", "solid a\n facet normal 0 0 1\n", "is cut"),
        ("a.stl", "solid a\nendsolid a\n", "found 0 points and no faces"),
        ("a.stl", bytes(80) + b"\xff\xff\xff\xff" + bytes(100), "is cut"),
        ("a.off", "OFF\n400 2 0\n" + text_of(POINTS), "2 faces are announced, 0"),
        ("a.off", "OFF\n500 0 0\n" + text_of(POINTS), "may be damaged"),
        ("a.off", "OFF\n400 1 0\n" + text_of(POINTS) + "3 0 1 900\n", "face index"),
        ("a.off", "OFF\n", "no OFF file"),
        ("a.off", "hello\n", "no OFF file"),
        ("a.ply", b"hello", "no PLY file"),
        ("a.ply", b"ply\nformat ascii 1.0\nend_header\n", "no element vertex"),
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float a\nend_header\n1\n",
            "no columns x, y and z",
        ),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n1\n", "damaged"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, reason):
    with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
        read_cloud(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mesh_without_area.ply", "has no extent"),
        ("list_property_in_vertex.ply", "row 0.*vertex_indices"),
        ("no_faces_two_vertices.obj", "found 2 points and no faces"),
    ],
)
def test_files_that_were_reported(name, reason):
    with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
        read_cloud(FILES / name)


def test_points_joined_by_lines(tmp_path):
    edges = "element edge 2\nproperty int vertex1\nproperty int vertex2\n"
    write_ply(tmp_path / "a.ply", POINTS, text=True)
    data = (tmp_path / "a.ply").read_text().replace("end_header", edges + "end_header") + "0 1\n1 2\n"
    with pytest.raises(ValueError, match="400 vertices are joined by lines alone, 2 edges"):
        read_cloud(write(tmp_path / "a.ply", data))


@pytest.mark.parametrize(
    "name", ["cloud.ply", "text_cloud.ply", "mesh.ply", "text_mesh.ply", "a.stl", "text.stl", "a.off"]
)
def test_cut_files(tmp_path, name):
    path = tmp_path / name
    if "cloud" in name:
        write_ply(path, POINTS, NORMALS, text="text" in name)
    else:
        form = {"file_type": "stl_ascii"} if name == "text.stl" else {"encoding": "ascii"} if "text" in name else {}
        BOX.export(path, **form)
    data = path.read_bytes()
    for length in (4, len(data) // 3, len(data) // 2, len(data) - 30):
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=f"{name}: "):
            read_cloud(path)


def test_strips_of_triangles_are_no_cloud(tmp_path):
    write_ply(tmp_path / "a.ply", POINTS, NORMALS, text=True)
    text = (tmp_path / "a.ply").read_text()
    strips = "element tristrips 1\nproperty list int int vertex_indices\nend_header"
    (tmp_path / "a.ply").write_text(text.replace("end_header", strips) + "4 0 1 2 3\n")
    with pytest.raises(ValueError, match="a.ply: has strips of triangles .* export it with faces"):
        read_cloud(tmp_path / "a.ply")
