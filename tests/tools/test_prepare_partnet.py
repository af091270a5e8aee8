"""The program that prepares a data set: what it makes, keeps and refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from instance_seg.data.files.checksums import read_checksums
from instance_seg.data.partnet.formats import prepare
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

HOME = Path(__file__).resolve().parents[2]
CHAIR = load_taxonomy("Chair")


def run(data_dir, out, *flags):
    command = [sys.executable, HOME / "tools" / "prepare_partnet.py", f"--data_dir={data_dir}", f"--out={out}", *flags]
    return subprocess.run(
        command, cwd=HOME, env={**os.environ, "PYTHONPATH": str(HOME)}, capture_output=True, text=True
    )


def write_chairs(root, split, first, number):
    write_split(root, "Chair", split, (generate_shape("Chair", 0, first + i, 30) for i in range(number)), CHAIR)


def times(root, pattern="*"):
    return {path: path.stat().st_mtime_ns for path in root.rglob(pattern) if path.is_file()}


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / "partnet"
    write_chairs(folder, "train", 0, 3)
    write_chairs(folder, "test", 3, 2)
    return folder


def make(name, data_dir, out, split="train"):
    jobs = prepare.plan(name, prepare.find_sources(data_dir, "Chair", split), out)
    for job in jobs:
        prepare.run_job(job)
    return jobs


def test_masks_are_those_that_the_data_set_was_written_with(data_dir, tmp_path):
    out = tmp_path / "out"
    done = run(data_dir, out, "--categories=Chair", "--formats=detection,gt", "--workers=2")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 pieces of work done, 0 of them before" in done.stdout
    made = {path.relative_to(out): path.read_bytes() for path in out.rglob("*.h5")}
    there = {path.relative_to(data_dir): path.read_bytes() for path in data_dir.glob("ins_seg_h5_*/*/*.h5")}
    assert made.keys() == there.keys() and len(made) == 9
    assert [path.name for path in out.rglob("Chair.*.json")] == ["Chair.train.json", "Chair.test.json"] or len(
        list(out.rglob("Chair.*.json"))
    ) == 2
    for path in made:
        assert read_checksums((out / path).parent).keys() >= {path.name}


def test_a_second_run_keeps_what_is_there_and_a_new_source_does_not(data_dir, tmp_path):
    out = tmp_path / "out"
    flags = ("--formats=points,detection", "--workers=1")
    assert run(data_dir, out, *flags).returncode == 0
    first = times(out)
    assert len([path for path in first if path.suffix == ".points"]) == 15
    assert "3 of 3 pieces of work done, 3 of them before" in run(data_dir, out, *flags).stdout
    assert times(out) == first
    lost = next(path for path in first if path.name.endswith("level2_test.points"))
    lost.unlink()
    assert "3 of 3 pieces of work done, 2 of them before" in run(data_dir, out, *flags).stdout
    assert lost.is_file() and {k: v for k, v in times(out, "*.h5").items() if first[k] != v} == {}
    write_chairs(data_dir, "train", 0, 3)
    assert "3 of 3 pieces of work done, 1 of them before" in run(data_dir, out, *flags).stdout


def test_a_failure_is_named_and_stops_nothing_else(data_dir, tmp_path):
    path = data_dir / "ins_seg_h5" / "Chair" / "train-00.h5"
    path.write_bytes(path.read_bytes()[:1000])
    done = run(data_dir, tmp_path / "out", "--formats=gt,detection", "--workers=1")
    assert done.returncode == 1 and "1 of 2 pieces of work done" in done.stdout
    assert "error: " in done.stderr and str(path) in done.stderr and "Traceback" not in done.stderr
    assert not list((tmp_path / "out").rglob("train-*"))
    assert len(list((tmp_path / "out").rglob("test-00.h5"))) == 6


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--categories=chair"], "did you mean 'Chair'"),
        (["--categories=Lamp"], "Lamp: has no files train-00.h5"),
        (["--formats=zip"], "--formats: there is no 'zip'; choose from detection,gt,sgpn,points,tfrecords,shards"),
        (["--data_dir=/nowhere"], "/nowhere/ins_seg_h5 has no folder of a PartNet category"),
    ],
)
def test_wrong_arguments(data_dir, tmp_path, flags, message):
    done = run(data_dir, tmp_path / "out", *flags)
    assert done.returncode == 1 and message in done.stdout + done.stderr
    assert not (tmp_path / "out").exists() and "Traceback" not in done.stderr


def test_nothing_is_left_of_a_broken_job(data_dir, tmp_path):
    """The last shape of the file is no shape: no output may be there, whole or in part."""
    path = data_dir / "ins_seg_h5" / "Chair" / "train-00.json"
    entries = json.loads(path.read_text())
    del entries[2]["ins_seg"]
    path.write_text(json.dumps(entries))
    for name in ("detection", "tfrecords", "shards"):
        with pytest.raises(ValueError, match="train-00.json: row 2 has no list 'ins_seg'"):
            make(name, data_dir, tmp_path / name)
        assert not [path for path in (tmp_path / name).rglob("*") if path.is_file()]


def test_done_jobs(data_dir, tmp_path):
    (job,) = make("shards", data_dir, tmp_path / "out")
    assert job.done and job.num_shapes == 3
    os.utime(job.outputs[0], ns=(1, 1))
    assert not job.done


def test_what_an_earlier_preparation_left(data_dir, tmp_path):
    out = tmp_path / "out"
    for name in ("points", "tfrecords"):
        make(name, data_dir, out)
    write_chairs(data_dir, "train", 0, 2)
    for name, left in (("points", "Chair_0002_"), ("tfrecords", "Chair_level123_train_3.tfrecords")):
        with pytest.raises(ValueError, match=f"{left}.*: left of another preparation"):
            prepare.plan(name, prepare.find_sources(data_dir, "Chair", "train"), out)


def test_a_split_in_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("instance_seg.data.partnet.hdf5.trees.SHAPES_PER_FILE", 2)
    monkeypatch.setattr("instance_seg.data.partnet.formats.shards.SHAPES_PER_SHARD", 1)
    write_chairs(tmp_path, "val", 0, 3)
    sources = prepare.find_sources(tmp_path, "Chair", "val")
    assert [(source.index, source.first, len(source.names)) for source in sources] == [(0, 0, 2), (1, 2, 1)]
    names = [path.name for job in prepare.plan("shards", sources, tmp_path / "out") for path in job.outputs]
    assert names == [f"val-{file}.tfrecords.gz" for file in ("00-00", "00-01", "01-00")]
    (job,) = prepare.plan("tfrecords", sources, tmp_path / "out")
    assert job.num_shapes == 3 and job.outputs[0].name == "Chair_level123_val_3.tfrecords"
    last = prepare.plan("points", sources, tmp_path / "out")[1].outputs
    assert [path.name[:10] for path in last] == ["Chair_0002"] * 3
    assert prepare.plan("gt", sources, tmp_path / "out") == []
