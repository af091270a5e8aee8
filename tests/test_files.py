"""Files are whole or absent."""

import pytest

from instance_seg.files import read_json, replacing, write_json


def test_what_was_written_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "a" / "b" / "name.txt"
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists() and temporary.parent == path.parent
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "name.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "x.json", {"a": [1, 2.5, None]})
    assert read_json(tmp_path / "x.json") == {"a": [1, 2.5, None]}


def test_json_errors_name_the_file(tmp_path):
    with pytest.raises(ValueError, match="missing.json: cannot be read"):
        read_json(tmp_path / "missing.json")
    (tmp_path / "x.json").write_text('{"a": ')
    with pytest.raises(ValueError, match="x.json: not valid JSON"):
        read_json(tmp_path / "x.json")
    (tmp_path / "y.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="y.json: not valid JSON"):
        read_json(tmp_path / "y.json")
