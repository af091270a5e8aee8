"""Damaged copies of good files: an error naming the file, or exactly the data that was there.

Files of our own making are guarded: HDF5, part trees and .points by the checksums beside them, TFRecords by their own.
Files without checksums, such as PartNet's, cannot all be told from good ones, but no damage may crash or hang.
"""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from instance_seg.data import prepare
from instance_seg.data.checksums import record_checksums, seal_category
from instance_seg.data.partnet_h5 import write_split
from instance_seg.data.procedural import generate_shape
from instance_seg.data.sources import SOURCES, read_shapes
from instance_seg.data.taxonomy import load_taxonomy

CHAIR = load_taxonomy("Chair")
NUM_POINTS = 40
COPIES = 40  # of each of the five formats


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A training split in every format, each in a folder of its own; {format: folder}."""
    root = tmp_path_factory.mktemp("good")
    trees = root / "ins_seg_h5"
    write_split(trees, "Chair", "train", (generate_shape("Chair", 0, index, NUM_POINTS) for index in range(3)), CHAIR)
    sources = prepare.find_sources(trees, "Chair", "train")
    for name in ("points", "tfrecords", "shards"):
        jobs = prepare.plan(name, sources, root / name)
        for job in jobs:
            record_checksums(prepare.run_job(job, id))
        prepare.finish(jobs)
    shutil.copytree(trees, root / "masks")
    shutil.rmtree(trees / "ins_seg_h5_for_detection")
    for name in ("ins_seg_h5", "masks"):
        seal_category(root / name, "Chair")
    return {name: root / name for name in SOURCES}


def damage(data, rng):
    """Changes the bytes of a file in one of five ways."""
    data = bytearray(data)
    size = rng.randrange(1, max(2, len(data) // 3))
    first, second = sorted(rng.randrange(len(data) - size + 1) for _ in range(2))
    kind = rng.choice(("bit", "bytes", "cut", "swap", "zeros"))
    if kind == "bit":
        data[first] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        data[first : first + 8] = rng.randbytes(len(data[first : first + 8]))
    elif kind == "cut":
        del data[first:]
    elif kind == "swap" and second >= first + size:
        one, other = data[first : first + size], data[second : second + size]
        data[first : first + size], data[second : second + size] = other, one
    else:
        data[first : first + size] = bytes(size)
    return bytes(data)


def read(root, source):
    return list(read_shapes(root, "Chair", "train", CHAIR, source=source))


def same(found, wanted):
    return len(found) == len(wanted) and all(
        one[3:] == other[3:] and all(map(np.array_equal, one[:3], other[:3])) for one, other in zip(found, wanted)
    )


@pytest.mark.parametrize("source", SOURCES)
def test_an_error_that_names_the_file_or_the_data_that_was_there(good, source, tmp_path):
    wanted = read(good[source], source)
    root = tmp_path / "copy"
    shutil.copytree(good[source], root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    rng = random.Random(source)
    refused = 0
    for _ in range(COPIES):
        path = rng.choice(files)
        data = path.read_bytes()
        path.write_bytes(damage(data, rng))
        try:
            assert same(read(root, source), wanted), path
        except ValueError as error:
            refused += 1
            assert path.name in str(error) or path.name == "checksums.json" and str(path.parent) in str(error)
        finally:
            path.write_bytes(data)
    assert refused > COPIES // 2
    assert same(read(root, source), wanted)


@pytest.mark.parametrize("source", SOURCES)
def test_a_missing_file_is_named(good, source, tmp_path):
    files = [path for path in good[source].rglob("*") if path.is_file() and path.name != "checksums.json"]
    for number, path in enumerate(files):
        root = tmp_path / str(number)
        shutil.copytree(good[source], root)
        (root / path.relative_to(good[source])).unlink()
        if path.name == "Chair.train.json" and source != "tfrecords":
            assert len(read(root, source)) == 3  # lists may be missing
        elif path.name != "Chair.train.json":
            with pytest.raises(ValueError, match=f"{path.stem}|holds no Chair train as {source}"):
                read(root, source)


READER = """
import pickle, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_damaged_files import damage, read
root, source = sys.argv[2:]
files = sorted(path for path in Path(root).rglob("train-*") if path.is_file())
rng = random.Random(7)
for _ in range(150):
    path = rng.choice(files)
    data = path.read_bytes()
    path.write_bytes(damage(data, rng))
    try:
        read(root, source)
    except ValueError as error:
        assert path.name in str(error) or "ins_seg_h5" in str(error), error
    path.write_bytes(data)
"""


@pytest.mark.parametrize("source", ["ins_seg_h5", "masks"])
def test_files_without_checksums_never_crash(good, source, tmp_path):
    """HDF5's own library reads whatever there is left: in a process of its own, so that a crash would be seen."""
    root = tmp_path / "copy"
    shutil.copytree(good[source], root, ignore=shutil.ignore_patterns("checksums.json"))
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", READER, str(here), str(root), source]
    done = subprocess.run(command, cwd=here.parent.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
