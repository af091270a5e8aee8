"""What check_dataset tells of S3DIS: raw rooms and the arrays made of them."""

import json
import shutil

import numpy as np
import pytest
from data.s3dis.small_rooms import write_area, write_object
from tools_in_process import call

from instance_seg.data.s3dis.check import check, is_s3dis, table_rows
from instance_seg.data.s3dis.s3dis import S3dis
from instance_seg.data.s3dis.settings import S3disSettings


@pytest.fixture
def root(tmp_path):
    """Two areas, one of them read before."""
    write_area(tmp_path, 1, 1)
    write_area(tmp_path, 5, 2)
    S3dis(S3disSettings(allow_partial=True)).split(str(tmp_path), "test")
    return tmp_path


def complaints(root):
    return check(root, allow_partial=True)[1]


def test_nothing_wrong(root, tmp_path_factory):
    seen = []
    found, problems, notes = check(root, allow_partial=True, progress=seen.append)
    assert problems == notes == [] and seen == [1, 1, 1]
    assert table_rows(found)[1] == (5, 2, 5000, found[1].blocks, "3 of 13", 12) and found[1].blocks > 10
    assert is_s3dis(root) and is_s3dis(root.parent) and not is_s3dis(tmp_path_factory.mktemp("empty"))


def test_rooms_are_counted(root):
    found, problems, _ = check(root)
    assert [each.rooms for each in found] == [1, 0, 0, 0, 2, 0]
    assert "Area_1: 1 rooms, S3DIS has 44 there" in problems[0] and "Area_2: no room in it" in problems[1]
    assert len(problems) == 6


def test_a_room_of_another_area(root):
    shutil.copytree(root / "Area_1" / "room_0", root / "Area_5" / "room_9")
    (problem,) = complaints(root)
    assert problem.startswith(f"{root / 'Area_5' / 'room_9'}: the same points as {root / 'Area_1' / 'room_0'}")


def test_what_is_repaired_is_a_note(root):
    annotations = root / "Area_1" / "room_0" / "Annotations"
    (annotations / "chair_1.txt").rename(annotations / "stairs_1.txt")
    _, problems, notes = check(root, allow_partial=True)
    assert problems == [] and "objects called stairs count as clutter" in notes[0]


def test_rooms_that_cannot_be_read(root):
    annotations = root / "Area_5" / "room_1" / "Annotations"
    (annotations / "chair_2.txt").write_text("1 2 3")
    shutil.rmtree(root / "Area_1" / "room_0" / "Annotations")
    (root / "Area_1" / "room_0" / "Annotations").mkdir()
    write_object(root / "Area_1" / "room_0" / "Annotations" / "chair_1.txt", np.zeros((99, 3)), [1, 2, 3])
    first, second = complaints(root)
    assert "99 points, want at least 100" in first and "chair_2.txt: want rows x y z r g b, got 3 columns" in second


def test_arrays_that_are_not_of_the_annotations(root):
    stored = root / "rooms" / "Area_5_room_0"
    semantic = np.load(stored / "semantic.npy")
    semantic[7] = 12
    np.save(stored / "semantic.npy", semantic)
    (root / "rooms" / "Area_5_room_1" / "xyz.npy").write_bytes(b"")
    shutil.copytree(stored, root / "rooms" / "Area_5_room_8")
    first, second, third = complaints(root)
    assert f"{stored / 'semantic.npy'}: not what" in first
    assert "xyz.npy: cannot be read" in second and "Area_5_room_8: arrays of a room that no area has" in third


def test_arrays_of_another_version(root):
    source = root / "rooms" / "Area_5_room_0" / "source.json"
    source.write_text(json.dumps(json.loads(source.read_text()) | {"version": 0}))
    _, problems, notes = check(root, allow_partial=True)
    assert problems == [] and "another version; it will be made again" in notes[0]


@pytest.mark.parametrize("flags, code, said", [([], 1, "6 problems"), (["--allow_partial"], 0, "0 problems")])
def test_the_program(root, capsys, flags, code, said):
    with pytest.raises(SystemExit) as left:
        call("check_dataset", str(root), *flags)
    assert left.value.code == code and said in capsys.readouterr().out


def test_two_versions_side_by_side(root, tmp_path):
    for name in ("one", "two"):
        (tmp_path / "both" / name / "Area_1").mkdir(parents=True)
    assert "name one" in check(tmp_path / "both")[1][0]
