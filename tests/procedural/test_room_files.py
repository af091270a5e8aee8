"""Rooms as files in the layouts of ScanNet and S3DIS: read back by the rules of those data sets, they are the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plyfile import PlyData

from instance_seg.procedural.rooms import make_room
from instance_seg.procedural.rooms.labels import LABELS, S3DIS_CLASSES
from instance_seg.procedural.rooms.s3dis_files import write_area_room
from instance_seg.procedural.rooms.scannet_files import over_segments, write_label_table, write_scan

ROOT = Path(__file__).resolve().parents[2]
COARSE = {"spacing": 0.08, "scale": 0.6}


@pytest.fixture(scope="module")
def room():
    return make_room(0, 4, **COARSE)


def test_a_scan_reads_back_to_the_same_labels(room, tmp_path):
    folder = tmp_path / "scans" / "scene0004_00"
    write_scan(folder, room)
    write_label_table(tmp_path / "table.tsv")
    prefix = str(folder / folder.name)
    mesh, labels = (PlyData.read(f"{prefix}_vh_clean_2{kind}.ply") for kind in ("", ".labels"))
    for ply in (mesh, labels):
        found = np.stack([ply["vertex"][axis] for axis in "xyz"], axis=1)
        np.testing.assert_array_equal(found, room.vertices)
        np.testing.assert_array_equal(np.stack(ply["face"]["vertex_indices"]), room.faces)
    found = np.stack([mesh["vertex"][c] for c in ("red", "green", "blue", "alpha")], axis=1)
    np.testing.assert_array_equal(found, np.pad(room.colors, ((0, 0), (0, 1)), constant_values=255))
    np.testing.assert_array_equal(labels["vertex"]["label"], room.nyu40)
    segments = np.array(json.loads(Path(f"{prefix}_vh_clean_2.0.010000.segs.json").read_text())["segIndices"])
    groups = json.loads(Path(f"{prefix}.aggregation.json").read_text())["segGroups"]
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t").set_index("raw_category")
    assert len(groups) == len(room.labels)
    for i, group in enumerate(groups):
        np.testing.assert_array_equal(np.isin(segments, group["segments"]), room.thing == i)
        assert group["label"] == room.labels[i]
        assert (room.nyu40[room.thing == i] == table.loc[group["label"], "nyu40id"]).all()
        assert table.loc[group["label"], "nyu40class"] == LABELS[group["label"]].nyu40_name


def test_the_table_has_the_columns_where_readers_expect_them(tmp_path):
    write_label_table(tmp_path / "table.tsv")
    rows = [line.split("\t") for line in (tmp_path / "table.tsv").read_text().splitlines()]
    assert (rows[0][1], rows[0][4], rows[0][7]) == ("raw_category", "nyu40id", "nyu40class")
    assert [row[7] for row in rows if row[1] == "refrigerator"] == ["refridgerator"]
    names = {}
    for row in rows[1:]:
        assert names.setdefault(row[4], row[7]) == row[7]  # one name for an id


def test_segments_are_parts_of_one_thing(room):
    segments = over_segments(room)
    pairs = np.unique(np.stack([segments, room.thing], axis=1), axis=0)
    assert len(pairs) == len(np.unique(segments)) > 5 * len(room.labels)
    for segment in np.unique(segments)[::20]:
        assert np.flatnonzero(segments == segment)[0] == segment
        assert np.ptp(room.vertices[segments == segment], axis=0).max() <= 0.5 + 1e-5


def test_a_scan_of_the_test_split_has_no_labels(room, tmp_path):
    write_scan(tmp_path / "scene0009_00", room, labeled=False)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["scene0009_00_vh_clean_2.ply"]


def test_a_room_of_an_area_reads_back_to_the_same_things(tmp_path):
    room = make_room(0, 5, **COARSE, closed=True)
    folder = write_area_room(tmp_path, 3, 2, room)
    assert folder == tmp_path / "Area_3" / "auditorium_2"
    whole = np.loadtxt(folder / "auditorium_2.txt")
    assert whole.shape == (len(room.vertices), 6)
    np.testing.assert_allclose(whole[:, :3], room.vertices, atol=6e-4)
    np.testing.assert_array_equal(whole[:, 3:], room.colors)
    files = sorted((folder / "Annotations").iterdir())
    assert len(files) == len(room.labels)
    counts = {}
    for thing, label in enumerate(room.labels):
        kind = LABELS[label].s3dis
        assert kind in S3DIS_CLASSES
        counts[kind] = counts.get(kind, 0) + 1
        rows = np.loadtxt(folder / "Annotations" / f"{kind}_{counts[kind]}.txt", ndmin=2)
        np.testing.assert_array_equal(rows, whole[room.thing == thing])
    assert counts["ceiling"] == counts["floor"] == 1 and counts["wall"] >= 4 and counts["chair"] > 2


def make_rooms(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tools" / "make_rooms.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_the_tool_writes_both_layouts(tmp_path):
    done = make_rooms(f"--out={tmp_path}", "--size=smoke", "--train=2", "--kind=bathroom", "--kind=office", "--seed=5")
    assert done.returncode == 0, done.stderr
    assert "2 train, 1 val, 1 test rooms" in done.stdout
    scans = {split: (tmp_path / f"scannetv2_{split}.txt").read_text().split() for split in ("train", "val", "test")}
    assert scans == {"train": ["scene0000_00", "scene0001_00"], "val": ["scene0002_00"], "test": ["scene0003_00"]}
    for split, names in scans.items():
        for name in names:
            folder = tmp_path / ("scans_test" if split == "test" else "scans") / name
            assert len(list(folder.iterdir())) == (1 if split == "test" else 4)
    assert (tmp_path / "scannetv2-labels.combined.tsv").is_file()
    done = make_rooms(f"--out={tmp_path}", "--layout=s3dis", "--size=smoke", "--rooms=2", "--kind=bathroom")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in sorted(tmp_path.glob("Area_*/*"))] == ["WC_1", "WC_1"]


@pytest.mark.parametrize(
    "arguments,words",
    [(["--kind=cellar"], "kind"), (["--spacing=0"], "spacing"), (["rooms"], "'rooms'"), ([], "--out")],
)
def test_the_tool_names_what_is_wrong(arguments, words, tmp_path):
    done = make_rooms(*([f"--out={tmp_path}"] if arguments else []), *arguments)
    assert done.returncode and words in done.stderr + done.stdout
    assert not list(tmp_path.iterdir())
