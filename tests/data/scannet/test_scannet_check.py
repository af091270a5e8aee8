"""All that is wrong with a folder of ScanNet is told at once."""

import pytest
from data.scannet.scans import write_scannet
from tools_in_process import call

from instance_seg.data.scannet.check import check, is_scannet, table_rows


def exit_code(root):
    with pytest.raises(SystemExit) as left:
        call("check_dataset", str(root))
    return left.value.code


def test_a_sound_folder(tmp_path, capsys):
    root = write_scannet(tmp_path)
    found, problems = check(root)
    assert problems == [] and is_scannet(root) and not is_scannet(root / "scans")
    # wall, floor, chair and table in every scene, with three of them and a lamp as instances
    assert table_rows(found) == [
        ("train", 3, 3600, "4 of 20", 12),
        ("val", 2, 2400, "4 of 20", 8),
        ("test", 1, 1200, "0 of 20", 0),
    ]
    assert exit_code(root) == 0 and "0 problems" in capsys.readouterr().out


def test_every_problem_is_told(tmp_path, capsys):
    root = write_scannet(tmp_path)
    folder = root / "scans" / "scene0001_00"
    (folder / "scene0001_00.aggregation.json").write_text("{")
    (root / "scans_test" / "scene0005_00" / "scene0005_00_vh_clean_2.ply").unlink()
    (root / "scannetv2_val.txt").write_text("scene0003_00\nscene0000_00\n")
    found, problems = check(root)
    assert [each.scenes for each in found] == [2, 2, 0]
    assert len(problems) == 3 and all(str(root) in problem for problem in problems)
    assert "scene0001_00.aggregation.json: not valid JSON" in problems[0]
    assert "scannetv2_val.txt: scene0000_00 is in train as well" in problems[1]
    assert "scene0005_00_vh_clean_2.ply: no such file" in problems[2]
    assert exit_code(root) == 1
    out = capsys.readouterr().out
    assert "3 problems" in out and "is in train as well" in out
