"""Clouds in NumPy's files, HDF5 and .points."""

import h5py
import numpy as np
import pytest
from data.files.clouds.cloud_files import alike, make_sphere

from instance_seg.data.files.clouds.read import read_cloud
from instance_seg.data.partnet.formats.points_file import PointsBuffer, write_points_file

POINTS, NORMALS = make_sphere()


def write_h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def assert_sphere(cloud):
    np.testing.assert_array_equal(cloud[0], POINTS)
    np.testing.assert_allclose(cloud[1], NORMALS, atol=1e-7)


@pytest.mark.parametrize("names", [("points", "normals"), ("pts", "nor"), ("xyz", "normal"), ("Points", "NORMALS")])
def test_names_of_arrays(tmp_path, names):
    arrays = dict(zip(names, (POINTS, NORMALS)))
    np.savez(tmp_path / "a.npz", **arrays, labels=np.zeros(3))
    np.savez_compressed(tmp_path / "b.npz", **arrays)
    write_h5(tmp_path / "a.h5", **arrays, label=np.zeros(3))
    for name in ("a.npz", "b.npz", "a.h5"):
        assert_sphere(read_cloud(tmp_path / name))


def test_data_of_modelnet(tmp_path):
    """[1, N, 3] is one cloud; of several the one to read must be chosen."""
    write_h5(tmp_path / "one.h5", data=POINTS[None], normal=NORMALS[None])
    assert_sphere(read_cloud(tmp_path / "one.h5"))
    write_h5(tmp_path / "two.h5", data=np.stack([POINTS, POINTS]))
    with pytest.raises(ValueError, match=r"two.h5: holds 2 clouds, points \[2, 400, 3\]"):
        read_cloud(tmp_path / "two.h5")


def test_tables_and_structured_arrays(tmp_path):
    fields = np.asarray(np.rec.fromarrays([*NORMALS.T, *POINTS.T], names="nx,ny,nz,x,y,z"))
    arrays = {"table": np.hstack([POINTS, NORMALS]), "fields": fields, "fortran": np.asfortranarray(POINTS)}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        np.savez(tmp_path / f"{name}.npz", points=array)
        for suffix in (".npy", ".npz"):
            found = read_cloud(tmp_path / f"{name}{suffix}")
            np.testing.assert_array_equal(found[0], POINTS)
            assert alike(found[1], NORMALS) > 0.97


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "longdouble", ">f8", "i2", "u1", "i8"])
def test_all_real_numbers(tmp_path, dtype):
    values = (20 * (POINTS + 3)).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    points, normals, *_ = read_cloud(tmp_path / "a.npy")
    np.testing.assert_array_equal(points, values.astype(np.float64))
    assert points.dtype == np.float64 and normals.dtype == np.float32


def test_points_file(tmp_path):
    labels = np.zeros(len(POINTS), np.float32)
    write_points_file(tmp_path / "a.points", PointsBuffer(np.float32(POINTS), np.float32(NORMALS), labels=labels))
    assert_sphere(read_cloud(tmp_path / "a.points"))
    write_points_file(tmp_path / "b.points", PointsBuffer(np.float32(POINTS)))
    assert alike(read_cloud(tmp_path / "b.points")[1], NORMALS) > 0.97


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (POINTS.astype("c8"), "dtype complex64"),
        (POINTS.astype("U8"), "dtype <U8"),
        (POINTS.astype("M8[s]"), "dtype datetime64"),
        (POINTS.astype(object), "Python objects"),
        (POINTS[:, :2], "400 rows of 2 numbers"),
        (POINTS.T, "transposed"),
        (POINTS[0], r"shape \[3\]; want"),
        (np.float64(3), r"shape \[\]; want"),
        (np.stack([POINTS, POINTS]), "2 clouds"),
        (np.zeros((0, 3)), "found 0 points"),
        (np.zeros(50, "f4,f4"), "no columns x, y and z; it has f0, f1"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, reason):
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", points=array)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
            read_cloud(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"arr_0": POINTS, "b": POINTS}, "no array named points, pts, xyz.*; it holds arr_0, b"),
        ({"points": POINTS, "normals": NORMALS[:100]}, "400 points and 100 normals"),
        ({"points": POINTS, "normals": NORMALS[:, :2]}, "400 points and 400 normals, .400, 2."),
        ({"points": POINTS, "normals": NORMALS[:, 0]}, r"normals have shape \[400\]"),
        ({"points": POINTS, "normals": np.full(POINTS.shape, b"x")}, "normals has dtype"),
        ({}, "it holds nothing"),
    ],
)
def test_keys_that_do_not_fit(tmp_path, arrays, reason):
    np.savez(tmp_path / "a.npz", **arrays)
    write_h5(tmp_path / "a.h5", **arrays)
    for name in ("a.npz", "a.h5"):
        with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
            read_cloud(tmp_path / name)


def test_a_zip_that_was_damaged_or_cut(tmp_path):
    np.savez(tmp_path / "good.npz", points=POINTS, normals=NORMALS)
    data = (tmp_path / "good.npz").read_bytes()
    bad = {"cut.npz": data[: len(data) // 2], "bits.npz": data[:3000] + bytes(8) + data[3008:], "no.npz": b"points"}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}: "):
            read_cloud(tmp_path / name)


def _storage(file, folder):
    (folder / "raw").write_bytes(np.float32(POINTS).tobytes())
    file.create_dataset("points", POINTS.shape, "f4", external=[(str(folder / "raw"), 0, POINTS.size * 4)])


def _virtual(file, folder):
    layout = h5py.VirtualLayout(POINTS.shape, "f8")
    layout[:] = h5py.VirtualSource(str(folder / "good.h5"), "points", POINTS.shape)
    file.create_virtual_dataset("points", layout)


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (lambda file, _: file.__setitem__("points", h5py.ExternalLink("good.h5", "points")), "in another file"),
        (_storage, "in another file"),
        (_virtual, "in another file"),
        (lambda file, _: file.__setitem__("points", h5py.SoftLink("/nowhere")), "group or a broken link"),
        (lambda file, _: file.__setitem__("points/x", POINTS), "group or a broken link"),
        (lambda file, _: file.create_dataset("points", (10**9, 3), chunks=(1000, 3)), "more than the file can hold"),
    ],
    ids=["link", "storage", "virtual", "soft", "group", "never_written"],
)
def test_hdf5_that_leads_elsewhere_or_nowhere(tmp_path, fill, reason):
    write_h5(tmp_path / "good.h5", points=POINTS)
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        fill(file, tmp_path)
    with pytest.raises(ValueError, match=f"bad.h5: .*{reason}"):
        read_cloud(tmp_path / "bad.h5")
