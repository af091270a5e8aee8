"""Checksums of written files, kept beside them: <folder>/checksums.json, {file name: CRC-32 of its bytes}.

HDF5 can guard its chunks but neither the tables that say where they lie nor the .json of the part trees, and a .points
buffer has no room for a checksum at all. A list beside the files guards every byte of either and leaves the files as
other programs expect them. Files that no list names, such as PartNet's own, are read without this check.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from instance_seg.files import read_json, write_json

LIST_NAME = "checksums.json"
_SEALED = (".h5", ".json", ".points")  # TFRecords have checksums of their own
_BLOCK = 1 << 22  # bytes read at a time


def checksum(path: str | os.PathLike) -> str:
    """CRC-32 of the bytes of a file, eight hexadecimal digits. Raises ValueError naming a file that is not there."""
    value = 0
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                value = zlib.crc32(block, value)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    return f"{value:08x}"


def read_checksums(folder: str | os.PathLike) -> dict[str, str]:
    """The list of a folder, empty if it has none. Raises ValueError naming a list that is malformed."""
    path = Path(folder) / LIST_NAME
    if not path.is_file():
        return {}
    listed = read_json(path)
    if not isinstance(listed, dict) or not all(isinstance(value, str) for value in listed.values()):
        raise ValueError(f"{path}: expected {{file name: checksum}}; remove it, or run tools/check_dataset.py --seal")
    return listed


def verify(path: str | os.PathLike, listed: Mapping[str, str] | None = None) -> None:
    """Raises ValueError, naming the file, when its bytes are not those that its folder's list tells of.

    `listed`: the list, if the caller has read it already.
    """
    path = Path(path)
    wanted = (read_checksums(path.parent) if listed is None else listed).get(path.name)
    if wanted is not None and (found := checksum(path)) != wanted:
        raise ValueError(
            f"{path}: damaged; its checksum is {found}, {LIST_NAME} says {wanted}. Restore or rewrite the file or, "
            f"if it was changed on purpose, run tools/check_dataset.py --seal"
        )


def reject_missing(folder: str | os.PathLike, pattern: str, listed: Mapping[str, str] | None = None) -> None:
    """Raises ValueError naming a file of the folder's list whose name matches the pattern and that is not there."""
    for name in read_checksums(folder) if listed is None else listed:
        if fnmatchcase(name, pattern) and not (Path(folder) / name).is_file():
            raise ValueError(f"{Path(folder) / name}: missing; {LIST_NAME} lists it. Restore it or write the data anew")


def record_checksums(values: Mapping[Path, str]) -> None:
    """Adds checksums to the lists of the files' folders, atomically. One process at a time may do so in a folder."""
    for folder in {path.parent for path in values}:
        news = {path.name: value for path, value in values.items() if path.parent == folder}
        _rewrite(folder, {**read_checksums(folder), **news})


def forget_checksums(paths: Iterable[str | os.PathLike]) -> None:
    """Takes files off the lists of their folders."""
    paths = [Path(path) for path in paths]
    for folder in {path.parent for path in paths}:
        gone = {path.name for path in paths if path.parent == folder}
        listed = read_checksums(folder)
        if gone & listed.keys():
            _rewrite(folder, {name: value for name, value in listed.items() if name not in gone})


@contextmanager
def sealing(*paths: str | os.PathLike) -> Iterator[None]:
    """Around the writing of `paths`: nothing vouches for them meanwhile, and their checksums are listed at the end."""
    forget_checksums(paths)
    yield
    seal(paths)


def seal(paths: Iterable[str | os.PathLike]) -> None:
    """Lists the checksums of files as they are."""
    record_checksums({Path(path): checksum(path) for path in paths})


def seal_category(root: str | os.PathLike, category: str) -> None:
    """Lists the checksums of a category's files below `root`, of all formats that have none of their own."""
    for folder in category_folders(root, category):
        seal(path for path in folder.iterdir() if path.suffix in _SEALED and path.name != LIST_NAME)


def category_folders(root: str | os.PathLike, category: str) -> list[Path]:
    """The folders below `root` that hold files of a category."""
    patterns = (f"ins_seg_h5*/{category}", f"ins_seg_h5_*/{category}-[0-9]", f"points/{category}", f"shards/{category}")
    return sorted({folder for pattern in patterns for folder in Path(root).glob(pattern) if folder.is_dir()})


def _rewrite(folder: Path, listed: Mapping[str, str]) -> None:
    write_json(folder / LIST_NAME, dict(sorted(listed.items())), indent=0)
