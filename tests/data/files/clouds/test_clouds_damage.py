"""Damaged copies of good files of every kind: a valid cloud, or one line that names the file.

CLOUD_DAMAGE_CASES=N tries N copies of each file instead of a few dozen; tests/campaign.sh does.
"""

import os

import numpy as np
import pytest
from data.files.clouds.cloud_files import write_examples

from instance_seg.data.files.clouds.read import read_cloud

CASES = int(os.environ.get("CLOUD_DAMAGE_CASES", "30"))


def damage(data, rng):
    """Bits flipped, bytes overwritten, the end cut off, a piece moved, doubled, or left out, or digits changed."""
    data = bytearray(data)
    first, second = sorted(int(i) for i in rng.integers(0, len(data), 2))
    match rng.integers(7):
        case 0:
            for at in rng.integers(0, len(data), rng.integers(1, 9)):
                data[at] ^= 1 << int(rng.integers(8))
        case 1:
            data[first : first + 4] = rng.bytes(4)
        case 2:
            del data[first:]
        case 3:
            data[second:second] = data[first : first + 64]
        case 4:
            del data[first : first + int(rng.integers(1, 64))]
        case 5:
            data[first:second] = bytes(second - first)
        case 6:
            digits = [at for at in range(min(len(data), 2000)) if 48 <= data[at] < 58]
            for at in rng.choice(digits, 3) if digits else ():
                data[at] = int(rng.integers(45, 58))
    return bytes(data)


def check_damaged(path, original, cases, seed):
    """Reads `cases` damaged copies of a file at `path`; returns how many were refused."""
    rng = np.random.default_rng(seed)
    refused = 0
    for case in range(cases):
        path.write_bytes(damage(original, rng))
        try:
            points, normals, *_ = read_cloud(path, num_points=50)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error), (case, error)
        else:
            assert points.shape == normals.shape and points.shape[1] == 3 and len(points) > 16, case
            assert np.isfinite(points).all() and np.ptp(points, axis=0).max() > 0, case
            np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4, err_msg=str(case))
    return refused


NAMES = sorted(
    "a.xyz a.csv a.txt a.asc a.xyzn a.pts a.npz packed.npz a.npy a.h5 a.points ascii.pcd binary.pcd "
    "binary_compressed.pcd a.ply text.ply big_endian.ply cloud.obj mesh.ply mesh.obj mesh.stl mesh.off mesh.glb "
    "text_mesh.ply text.stl table_plain.gltf table_quantized.gltf".split()
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    found = write_examples(tmp_path_factory.mktemp("good"), num_points=60)
    assert sorted(found) == NAMES
    return {name: path.read_bytes() for name, path in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_cloud_or_one_line(examples, name, tmp_path, capfd):
    refused = check_damaged(tmp_path / name, examples[name], CASES, seed=sum(name.encode()))
    assert 0 < refused
    assert capfd.readouterr() == ("", "")  # what libraries have to say is no part of it
