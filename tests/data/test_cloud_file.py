"""Clouds and meshes of one's own."""

import numpy as np
import pytest
import trimesh
from plyfile import PlyData, PlyElement

from instance_seg.data.cloud_file import fitted_normals, read_cloud


@pytest.fixture
def sphere():
    normals = np.random.default_rng(0).normal(size=(400, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return (3 * normals + 1).astype(np.float32), normals.astype(np.float32)


def write_ply(path, points, normals=None):
    columns = {"xyz"[i]: points[:, i] for i in range(3)}
    columns |= {} if normals is None else {"n" + "xyz"[i]: normals[:, i] for i in range(3)}
    rows = np.rec.fromarrays(list(columns.values()), names=list(columns))
    PlyData([PlyElement.describe(np.asarray(rows), "vertex")]).write(path)


@pytest.mark.parametrize("suffix", [".npz", ".txt", ".ply"])
def test_points_and_normals_come_as_they_are(tmp_path, sphere, suffix):
    points, normals = sphere
    path = tmp_path / f"cloud{suffix}"
    if suffix == ".npz":
        np.savez(path, points=points, normals=normals)
    elif suffix == ".txt":
        np.savetxt(path, np.hstack([points, normals]))
    else:
        write_ply(path, points, normals)
    got = read_cloud(path)
    np.testing.assert_allclose(got[0], points, atol=1e-6)
    np.testing.assert_allclose(got[1], normals, atol=1e-5)


@pytest.mark.parametrize("suffix", [".npz", ".ply"])
def test_missing_normals_are_fitted(tmp_path, sphere, suffix):
    points, normals = sphere
    path = tmp_path / f"cloud{suffix}"
    np.savez(path, points=points) if suffix == ".npz" else write_ply(path, points)
    got = read_cloud(path)[1]
    assert np.abs((got * normals).sum(1)).mean() > 0.97
    np.testing.assert_allclose(got, fitted_normals(points), atol=1e-5)


@pytest.mark.parametrize("suffix", [".obj", ".stl", ".glb"])
def test_a_mesh_is_sampled(tmp_path, suffix):
    path = tmp_path / f"box{suffix}"
    trimesh.creation.box((1, 2, 3)).export(path)
    points, normals = read_cloud(path, num_points=500)
    assert points.shape == normals.shape == (500, 3) and points.dtype == normals.dtype == np.float32
    np.testing.assert_allclose(np.abs(normals).max(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(points, read_cloud(path, num_points=500)[0])


def test_bad_files_are_named(tmp_path):
    bad = {
        "gone.ply": (None, "no such file"),
        "cut.ply": (b"ply\nformat binary", "cut.ply"),
        "odd.abc": (b"", "known are"),
        "few.txt": (b"1 2 3\n" * 4, "more than 16 points"),
        "nan.txt": (b"1 2 3\n" * 20 + b"nan 2 3\n", "row 20 is not finite"),
        "words.txt": (b"one two three\n", "words.txt"),
    }
    for name, (content, message) in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_cloud(tmp_path / name)
