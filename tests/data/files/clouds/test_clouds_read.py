"""What holds for files of all kinds."""

import struct

import numpy as np
import pytest
from data.files.clouds.cloud_files import alike, make_sphere, text_of, write_examples

from instance_seg.data.files.clouds import read as module
from instance_seg.data.files.clouds.read import READERS, check_source, read_cloud


def test_examples_of_every_kind_are_read(tmp_path):
    sphere, normals = make_sphere(200)
    examples = write_examples(tmp_path)
    assert {path.suffix for path in examples.values()} == set(READERS)
    for name, path in examples.items():
        points, found, *_ = read_cloud(path, num_points=300)
        assert (points.dtype, found.dtype) == (np.float64, np.float32)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        if "mesh" in name or "table" in name or name == "text.stl":
            assert points.shape == found.shape == (300, 3)
        else:
            np.testing.assert_allclose(points, sphere, atol=1e-6)
            assert alike(found, normals) > 0.99999, name


def test_the_suffix_may_be_in_capitals(tmp_path):
    examples = write_examples(tmp_path)
    assert len(examples) >= len(READERS)
    for name, path in examples.items():
        upper = path.rename(tmp_path / f"capital_{name.upper()}")
        assert len(read_cloud(upper, num_points=100)[0])


@pytest.mark.parametrize("suffix", READERS)
def test_files_of_another_kind(tmp_path, suffix):
    """Empty, in text, random, packed, a picture: one line that names the file."""
    contents = [b"", b"\n", b"hello\n" * 50, b"\x1f\x8b" + bytes(99), bytes(1000), b"\x89PNG\r\n\x1a\n" + bytes(99)]
    contents += [np.random.default_rng(i).bytes(700) for i in range(5)]
    for content in contents:
        (tmp_path / f"a{suffix}").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\..*: .") as caught:
            read_cloud(tmp_path / f"a{suffix}")
        assert "\n" not in str(caught.value) and str(caught.value).startswith(str(tmp_path))


def test_no_file_at_all(tmp_path):
    (tmp_path / "folder.ply").mkdir()
    for name in ("a.gz", "a", "a.docx"):
        (tmp_path / name).write_bytes(b"1 2 3\n")
    cases = {"folder.ply": "is a folder", "gone.ply": "no such file", "": "is a folder"}
    cases |= {
        "a": "without a suffix are not read; known are .npz",
        "a.docx": r"kind \.docx are not read",
        "a.gz": "unpack",
    }
    for name, reason in cases.items():
        for function in (check_source, read_cloud):
            with pytest.raises(ValueError, match=reason):
                function(tmp_path / name)


ERRORS = [struct.error, KeyError, IndexError, AttributeError, EOFError, RecursionError, MemoryError, OSError]


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_a_reader_raises(tmp_path, monkeypatch, error):
    def fail(path):
        raise error("two\nlines" * 100)

    monkeypatch.setitem(module.READERS, ".xyz", fail)
    (tmp_path / "a.xyz").write_bytes(b"x")
    with pytest.raises(ValueError, match="a.xyz: cannot be read as .xyz; it may be damaged .*two") as caught:
        read_cloud(tmp_path / "a.xyz")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert isinstance(caught.value.__cause__, error)


def test_coordinates_of_a_survey(tmp_path):
    """Meters in UTM: float32 would keep half a meter of y."""
    sphere, normals = make_sphere(radius=0.5, center=0)
    shift = np.array([500_000.0, 5_400_000.0, 241.5])
    (tmp_path / "a.xyz").write_text(text_of(sphere + shift, fmt="%.6f"))
    points, found, *_ = read_cloud(tmp_path / "a.xyz")
    np.testing.assert_allclose(points - shift, sphere, atol=1e-6)
    assert alike(found, normals) > 0.97


def test_of_a_large_cloud_a_few_points_are_seen(tmp_path):
    """Evenly drawn, the others are like the nearest of them; the seen ones like themselves, beside copies of theirs."""
    sphere, _ = make_sphere(300)
    np.savez(tmp_path / "a.npz", points=np.repeat(sphere, 2, axis=0) + [5e5, 5e6, 0])
    whole, part = (read_cloud(tmp_path / "a.npz", most=most) for most in (None, 200))
    np.testing.assert_array_equal(whole.seen, np.arange(600))
    np.testing.assert_array_equal(whole.like, np.arange(600))
    np.testing.assert_array_equal(part.points, whole.points)
    np.testing.assert_array_equal(part.normals, whole.normals[part.seen])
    np.testing.assert_array_equal(part.like[part.seen], np.arange(200))
    distance = np.linalg.norm(part.points[:, None] - part.points[part.seen], axis=2)
    np.testing.assert_array_equal(distance[np.arange(600), part.like], distance.min(axis=1))
    assert (np.diff(part.seen) > 0).all() and np.ptp(part.seen) > 500


@pytest.mark.parametrize("scale", [1e-30, 1e38])
def test_any_unit_of_length(tmp_path, scale):
    sphere, normals = make_sphere()
    np.save(tmp_path / "a.npy", sphere * scale)
    points, found, *_ = read_cloud(tmp_path / "a.npy")
    np.testing.assert_array_equal(points, sphere * scale)
    assert alike(found, normals) > 0.97


def test_coordinates_that_make_up_no_shape(tmp_path):
    sphere, _ = make_sphere()
    far = np.concatenate([sphere, [[0, 1e5, 0]]])
    padded = np.concatenate([far, np.repeat(sphere[:1], 3000, axis=0)])
    for values, reason in (
        (sphere * 1e300, "too large"),
        (far, "row 400 is 1e.05 away from the middle"),
        (padded, "row 400 is 1e.05 away from the middle"),
    ):
        np.save(tmp_path / "a.npy", values)
        with pytest.raises(ValueError, match=reason):
            read_cloud(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", padded[401:][:1].repeat(3000, axis=0))
    with pytest.raises(ValueError, match="no extent"):
        read_cloud(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.concatenate([sphere, np.repeat(sphere[:1], 3000, axis=0)]))
    assert len(read_cloud(tmp_path / "a.npy")[0]) == 3400
