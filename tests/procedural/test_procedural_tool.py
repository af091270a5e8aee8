"""tools/make_procedural.py as a user runs it: the trees it writes, the shapes in them, what a typing error gets."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_data import read_split

from instance_seg.data.partnet.hdf5.trees import count_shapes
from instance_seg.procedural import generate_shape

ROOT = Path(__file__).resolve().parents[2]


def make_procedural(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tools" / "make_procedural.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_writes_disjoint_splits_of_the_same_shapes_as_the_generator(tmp_path):
    sizes = ("--shapes=10", "--train=3", "--num_points=400", "--seed=4")
    done = make_procedural(f"--out={tmp_path}", "--categories=Mug,Knife", *sizes)
    assert done.returncode == 0, done.stderr
    assert "3 train, 1 val, 2 test" in done.stdout
    for category in ("Mug", "Knife"):
        assert [count_shapes(tmp_path, category, split) for split in ("train", "val", "test")] == [3, 1, 2]
        found = [shape for split in ("train", "val", "test") for shape in read_split(tmp_path, category, split)]
        for index, shape in enumerate(found):
            expected = generate_shape(category, 4, index, 400)
            np.testing.assert_array_equal(shape.points, expected.points)
            np.testing.assert_array_equal(shape.leaf_label, expected.leaf_label)
            assert shape.parts == expected.parts and shape.name == expected.name


def test_named_sizes_and_what_is_there_already(tmp_path):
    arguments = (f"--out={tmp_path}", "--categories=Bowl", "--size=smoke", "--num_points=300", "--skip_existing")
    assert make_procedural(*arguments).returncode == 0
    assert [count_shapes(tmp_path, "Bowl", split) for split in ("train", "val", "test")] == [16, 2, 4]
    file = tmp_path / "ins_seg_h5" / "Bowl" / "train-00.h5"
    written = file.stat().st_mtime_ns
    assert make_procedural(*arguments).returncode == 0 and file.stat().st_mtime_ns == written
    assert make_procedural(*arguments, "--test=5").returncode == 0 and file.stat().st_mtime_ns > written
    assert count_shapes(tmp_path, "Bowl", "test") == 5


@pytest.mark.parametrize(
    "categories, message", [("mug", "did you mean 'Mug'"), ("Chair,Sofa", "unknown category 'Sofa'")]
)
def test_unknown_category_writes_nothing(tmp_path, categories, message):
    done = make_procedural(f"--out={tmp_path / 'set'}", f"--categories={categories}")
    assert done.returncode != 0 and message in done.stdout + done.stderr
    assert not (tmp_path / "set").exists()


def test_gallery(tmp_path):
    done = make_procedural(f"--out={tmp_path}", "--gallery", "--categories=Scissors", "--shapes=3")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "procedural_shapes.png").read_bytes().startswith(b"\x89PNG")
    assert "| Scissors   |       1 | 2 of 2" in (tmp_path / "procedural_shapes.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["procedural_shapes.md", "procedural_shapes.png"]
