"""Damaged copies of good files: an error naming the file, or exactly the data that was there.

Files of our own making are guarded: HDF5, part trees and .points by the checksums beside them, TFRecords by their own.
Files without checksums, such as PartNet's, cannot all be told from good ones, but no damage may crash or hang. More
cases: python tests/data/partnet/damage.py --cases=1000
"""

import shutil

import pytest
from data.partnet import damage

from instance_seg.data.partnet.sources import SOURCES

CASES = 40


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A training split in every format, each in a folder of its own; {format: folder}."""
    return damage.make_good(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("source", SOURCES)
def test_an_error_that_names_the_file_or_the_data_that_was_there(good, source):
    ends = damage.run_cases(good[source], source, CASES, 0, sealed=True)
    assert ends["refused"] > CASES // 2 and ends["other"] == 0 and ends.total() == CASES


@pytest.mark.slow
@pytest.mark.parametrize("source", ["ins_seg_h5", "masks"])
def test_files_without_checksums_never_crash(good, source):
    """HDF5's own library reads whatever there is left: in a process of its own, so that a crash would be seen."""
    assert "refused" in damage.in_a_process(good[source], source, 3 * CASES, 0, sealed=False)


def test_the_campaign_sees_what_is_wrong(good, monkeypatch):
    """Without the checksums, and told that they are there, it must find damage that no reader can see."""
    monkeypatch.setattr(damage, "damage_file", lambda path, outside, rng: None)
    monkeypatch.setattr(damage, "read", lambda root, source: [root])
    with pytest.raises(AssertionError, match="points sealed=True seed=0 case=0"):
        damage.run_cases(good["points"], "points", 1, 0, sealed=True)


@pytest.mark.parametrize("source", SOURCES)
def test_a_missing_file_is_named(good, source, tmp_path):
    files = [path for path in good[source].rglob("*") if path.is_file() and path.name != "checksums.json"]
    assert any(path.name != "Chair.train.json" for path in files)
    for number, path in enumerate(files):
        root = tmp_path / str(number)
        shutil.copytree(good[source], root)
        (root / path.relative_to(good[source])).unlink()
        if path.name == "Chair.train.json" and source != "tfrecords":
            assert len(damage.read(root, source)) == 3  # lists may be missing
        elif path.name != "Chair.train.json":
            with pytest.raises(ValueError, match=f"{path.stem}|holds no Chair train as {source}"):
                damage.read(root, source)
