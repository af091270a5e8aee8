"""Checksums beside the files."""

import zlib

import pytest

from instance_seg.data.files.checksums import (
    LIST_NAME,
    checksum,
    forget_checksums,
    read_checksums,
    reject_missing,
    seal,
    seal_category,
    sealing,
    verify,
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.h5"
    path.write_bytes(b"the data")
    return path


def test_the_checksum_is_zlibs(file):
    assert checksum(file) == f"{zlib.crc32(b'the data'):08x}"
    with pytest.raises(ValueError, match="none: cannot be read"):
        checksum(file.with_name("none"))


def test_without_a_list_nothing_is_checked(file):
    verify(file)
    verify(file.with_name("none"))
    seal([file])
    verify(file.with_name("none"))


def test_any_change_is_found(file):
    seal([file])
    verify(file)
    for damaged in (b"the dat", b"the datb", b"het data", b""):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="some.h5: damaged; .*--seal"):
            verify(file)
    file.unlink()
    with pytest.raises(ValueError, match="some.h5: cannot be read"):
        verify(file)


def test_while_a_file_is_written_nothing_vouches_for_it(file):
    other = file.with_name("other.h5")
    other.write_bytes(b"other")
    seal([file, other])
    with sealing(file):
        assert read_checksums(file.parent).keys() == {"other.h5"}
        file.write_bytes(b"new data")
    verify(file)
    forget_checksums([file, other])
    assert read_checksums(file.parent) == {}


def test_a_listed_file_that_is_missing(file):
    other = file.with_name("other.points")
    other.write_bytes(b"other")
    seal([file, other])
    reject_missing(file.parent, "*")
    other.unlink()
    reject_missing(file.parent, "some*.h5")
    with pytest.raises(ValueError, match="other.points: missing; checksums.json lists it"):
        reject_missing(file.parent, "other*")


def test_malformed_lists(file):
    for text, message in (("{", "not valid JSON"), ("[]", "expected"), ('{"a": 1}', "expected")):
        (file.parent / LIST_NAME).write_text(text)
        with pytest.raises(ValueError, match=f"{LIST_NAME}: {message}"):
            verify(file)


def test_all_folders_of_a_category(tmp_path):
    names = ("ins_seg_h5/Chair/a.h5", "ins_seg_h5/Chair/a.json", "ins_seg_h5_gt/Chair-3/a.h5", "points/Chair/a.points")
    others = ("ins_seg_h5/Table/a.h5", "ins_seg_h5/Chair/notes.txt")
    for name in (*names, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    seal_category(tmp_path, "Chair")
    seal_category(tmp_path, "Chair")  # the list does not list itself
    listed = {folder.parent / name for folder in tmp_path.rglob(LIST_NAME) for name in read_checksums(folder.parent)}
    assert listed == {tmp_path / name for name in names}
