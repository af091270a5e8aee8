"""Files are whole or absent."""

import pytest

from instance_seg.files import (
    adding_files,
    read_json,
    remove_temporary,
    replacing,
    replacing_folder,
    write_json,
)


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


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def texts(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_takes_the_place_of_another_when_the_block_ends(tmp_path):
    for files in ({"a": "1", "b": "2"}, {"a": "3"}):
        with replacing_folder(tmp_path / "x") as new:
            before = texts(tmp_path / "x")
            write(new, **files)
            assert texts(tmp_path / "x") == before != files
        assert texts(tmp_path / "x") == files
    with pytest.raises(RuntimeError), replacing_folder(tmp_path / "x") as new:
        write(new, a="half")
        raise RuntimeError
    assert texts(tmp_path) == {"x/a": "3"} and [path.name for path in tmp_path.iterdir()] == ["x"]


def test_files_are_added_to_a_folder_when_the_block_ends(tmp_path):
    write(tmp_path / "x" / "y", old="1", kept="2")
    with adding_files(tmp_path / "x") as new:
        write(new / "y", old="3")
        write(new / "z", more="4")
        assert (tmp_path / "x" / "y" / "old").read_text() == "1"
    whole = {"y/old": "3", "y/kept": "2", "z/more": "4"}
    assert texts(tmp_path / "x") == whole
    with pytest.raises(RuntimeError), adding_files(tmp_path / "x") as new:
        write(new / "y", old="half")
        raise RuntimeError
    assert texts(tmp_path / "x") == whole
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["y", "z"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    write(tmp_path, kept="1")
    write(tmp_path / "a" / ".predictions.1.new.tmp" / "b", half="2", **{".test-00.h5.1.tmp": "3"})
    write(tmp_path / "a", **{".name.1.tmp": "4"})
    remove_temporary(tmp_path)
    assert texts(tmp_path) == {"kept": "1"} and not list((tmp_path / "a").iterdir())


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


@pytest.mark.parametrize(
    "text, reason",
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("[" + '{"a":' * 100_000, "nested too deeply"),
        ("9" * 5000, "not valid JSON"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice in an object"),
        ('{"%s": 1, "%s": 2}' % (("k" * 1_000_000,) * 2), r"the key 'k+\.\.\.k+' stands twice"),
    ],
)
def test_json_that_cannot_be_read_is_told_in_one_short_line(tmp_path, text, reason):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=reason) as caught:
        read_json(tmp_path / "x.json")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'x.json'}: ") and "\n" not in message and len(message) < 500
