"""Rooms as files in the layouts of ScanNet and S3DIS: read back by the rules of those data sets, they are the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData

from instance_seg.data.s3dis.annotations import CLASSES, area_rooms, read_room
from instance_seg.data.scannet.classes import IDS, LABEL_TABLE, STUFF, read_label_table
from instance_seg.data.scannet.raw import LABELS as ANNOTATED
from instance_seg.data.scannet.raw import MESH, raw_files, read_scene
from instance_seg.procedural.rooms import make_room
from instance_seg.procedural.rooms.labels import LABELS
from instance_seg.procedural.rooms.s3dis_files import write_area_room
from instance_seg.procedural.rooms.scannet_files import over_segments, write_label_table, write_scan

ROOT = Path(__file__).resolve().parents[2]
COARSE = {"spacing": 0.08, "scale": 0.6}


@pytest.fixture(scope="module")
def room():
    return make_room(0, 4, **COARSE)


def test_a_scan_reads_back_to_the_same_labels(room, tmp_path):
    write_scan(tmp_path, "val", "scene0004_00", room)
    write_label_table(tmp_path)
    files = raw_files(tmp_path, "scene0004_00")
    scene = read_scene(files, read_label_table(tmp_path / LABEL_TABLE), labeled=True)
    np.testing.assert_array_equal(scene.xyz, room.vertices)
    np.testing.assert_array_equal(scene.rgb, room.colors)
    ids = np.where(np.isin(room.nyu40, IDS), room.nyu40, 0)
    np.testing.assert_array_equal(np.where(scene.semantic < 0, 0, IDS[scene.semantic]), ids)
    of_things = np.array([label not in STUFF for label in room.labels])
    number = np.where(of_things, np.cumsum(of_things) - 1, -1)
    np.testing.assert_array_equal(scene.instance, number[room.thing])
    assert scene.instance.max() > 5 and len(np.unique(scene.semantic)) > 5
    for kind in (MESH, ANNOTATED):
        ply = PlyData.read(files[kind])
        np.testing.assert_array_equal(np.stack(ply["face"]["vertex_indices"]), room.faces)
        assert (ply["vertex"]["alpha"] == 255).all()


def test_the_table_has_the_columns_where_readers_expect_them(tmp_path):
    write_label_table(tmp_path)
    rows = [line.split("\t") for line in (tmp_path / LABEL_TABLE).read_text().splitlines()]
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
    write_scan(tmp_path, "test", "scene0009_00", room)
    assert list(tmp_path.rglob("*.*")) == [tmp_path / "scans_test/scene0009_00/scene0009_00_vh_clean_2.ply"]


def test_a_room_of_an_area_reads_back_to_the_same_things(tmp_path):
    room = make_room(0, 5, **COARSE, closed=True)
    folder = write_area_room(tmp_path, 3, 2, room)
    assert folder == tmp_path / "Area_3" / "auditorium_2" and area_rooms(tmp_path, 3, allow_partial=True) == [folder]
    found = read_room(folder)
    assert found.notes == () and len(np.unique(found.instance)) == len(room.labels)
    whole = np.loadtxt(folder / "auditorium_2.txt")
    np.testing.assert_allclose(whole[:, :3], room.vertices, atol=6e-4)
    np.testing.assert_array_equal(whole[:, 3:], room.colors)
    kinds = np.array([CLASSES.index(LABELS[label].s3dis) for label in room.labels])
    assert sorted(np.unique(found.instance, return_counts=True)[1]) == sorted(np.bincount(room.thing))
    for kind in np.unique(kinds):
        mine = np.isin(room.thing, np.flatnonzero(kinds == kind))
        theirs = found.semantic == kind
        assert len(np.unique(found.instance[theirs])) == np.count_nonzero(kinds == kind)
        rows = [np.column_stack([a, b]) for a, b in ((whole[mine, :3] - whole[:, :3].min(axis=0), room.colors[mine]),
                                                     (found.xyz[theirs], found.color[theirs]))]  # fmt: skip
        np.testing.assert_allclose(*(each[np.lexsort(each.round(3).T)] for each in rows), atol=2e-3)


def make_rooms(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "tools" / "make_rooms.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_the_tool_writes_both_layouts(tmp_path):
    kinds = ("--kind=bathroom", "--kind=office")
    done = make_rooms(f"--out={tmp_path}", "--size=smoke", "--train=2", *kinds, "--seed=5", "--closed=0.5")
    assert done.returncode == 0, done.stderr
    assert "2 train, 1 val, 1 test rooms" in done.stdout
    scans = {split: (tmp_path / f"scannetv2_{split}.txt").read_text().split() for split in ("train", "val", "test")}
    assert scans == {"train": ["scene0000_00", "scene0001_00"], "val": ["scene0002_00"], "test": ["scene0003_00"]}
    for split, names in scans.items():
        for name in names:
            folder = tmp_path / ("scans_test" if split == "test" else "scans") / name
            assert len(list(folder.iterdir())) == (1 if split == "test" else 4)
    assert (tmp_path / "scannetv2-labels.combined.tsv").is_file()
    groups = {name: tmp_path / "scans" / name / f"{name}.aggregation.json" for name in scans["train"] + scans["val"]}
    assert ["ceiling" in path.read_text() for path in groups.values()] == [False, True, False]
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
