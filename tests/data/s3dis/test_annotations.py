"""Rooms as S3DIS publishes them, and what is wrong with some."""

import numpy as np
import pytest

from instance_seg.data.s3dis.annotations import CLUTTER, area_rooms, areas_folder, read_room


def write_room(folder, objects):
    """`objects`: name -> rows x y z r g b."""
    (folder / "Annotations").mkdir(parents=True)
    for name, rows in objects.items():
        np.savetxt(folder / "Annotations" / f"{name}.txt", rows, fmt="%.3f")
    return folder


def rows(count, x=1.0):
    table = np.zeros((count, 6))
    table[:, 0] = x + np.arange(count) / 100
    table[:, 3:] = 10, 20, 30
    return table


def test_objects_by_name(tmp_path):
    room = read_room(write_room(tmp_path / "office_1", {"chair_2": rows(60), "chair_10": rows(50), "wall_1": rows(40)}))
    assert room.semantic.tolist() == [8] * 110 + [2] * 40
    assert room.instance.tolist() == [0] * 50 + [1] * 60 + [2] * 40  # sorted by name: chair_10 comes first
    assert room.xyz[0].tolist() == [0, 0, 0] and room.color[5].tolist() == [10, 20, 30] and not room.notes


def test_an_unknown_class_is_clutter(tmp_path):
    room = read_room(write_room(tmp_path / "lobby_1", {"stairs_1": rows(100)}))
    assert set(room.semantic) == {CLUTTER} and "stairs count as clutter" in room.notes[0]


@pytest.mark.parametrize("position", [2, 20])
def test_one_stray_character_is_repaired(tmp_path, position):
    folder = write_room(tmp_path / "hallway_6", {"ceiling_1": rows(120)})
    path = folder / "Annotations" / "ceiling_1.txt"
    text = path.read_bytes()
    path.write_bytes(text[:position] + b"\x10" + text[position:])
    room = read_room(folder)
    assert len(room.xyz) == 120 and "line 1" in room.notes[0] and "ceiling_1.txt" in room.notes[0]


def broken(text):
    return lambda folder: (folder / "Annotations" / "floor_1.txt").write_text(text)


@pytest.mark.parametrize(
    "damage, message",
    [
        (broken(""), "floor_1.txt: want rows x y z r g b"),
        (broken("1 2 3 4 5\n" * 100), "floor_1.txt: want rows x y z r g b, got 5 columns"),
        (broken("1 2 3 4 5 6\n" * 100 + "1 2 3\n"), "floor_1.txt: line 101: a number is missing"),
        (broken("1 2 3 4 5 6\n" * 100 + "1 2 3 4 5 6 7\n"), "floor_1.txt: want rows x y z r g b"),
        (broken("version https://git-lfs\n"), "floor_1.txt: line 1: b'v' belongs in no number"),
        (broken("1 2 3 4 5 6\n" * 99), "99 points, want at least 100"),
        (broken("1 2 3 4 5 6\n" * 99 + "9000 2 3 4 5 6\n"), "extends 8999 meters"),
        (broken("1 2 3 4 5 600\n" * 100), "colors must lie in 0 ... 255"),
        (lambda folder: (folder / "Annotations" / "floor_1.txt").unlink(), "no object in it"),
    ],
)
def test_malformed_rooms_are_refused(tmp_path, damage, message):
    folder = write_room(tmp_path / "office_1", {"floor_1": rows(100)})
    damage(folder)
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        read_room(folder)


def test_areas_are_counted(tmp_path):
    write_room(tmp_path / "data" / "Area_5" / "office_2", {"floor_1": rows(100)})
    write_room(tmp_path / "data" / "Area_5" / "office_1", {"floor_1": rows(100)})
    (tmp_path / "data" / "Area_5" / "notes").mkdir()
    areas = areas_folder(tmp_path)
    assert areas == areas_folder(tmp_path / "data") == tmp_path / "data"
    with pytest.raises(ValueError, match="2 rooms, S3DIS has 68 there"):
        area_rooms(areas, 5)
    assert [path.name for path in area_rooms(areas, 5, allow_partial=True)] == ["office_1", "office_2"]
    with pytest.raises(ValueError, match="Area_4: no room in it"):
        area_rooms(areas, 4, allow_partial=True)


def test_two_versions_side_by_side(tmp_path):
    for version in ("Stanford3dDataset_v1.2", "Stanford3dDataset_v1.2_Aligned_Version"):
        (tmp_path / version / "Area_1").mkdir(parents=True)
    with pytest.raises(ValueError, match="name one .published: the aligned version"):
        areas_folder(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        areas_folder(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no Area_1"):
        areas_folder(tmp_path / "empty")
