"""Files and folders that are either whole or absent, and JSON whose errors name the file."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from instance_seg.options import shown


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary name in the folder of `path`; what was written there becomes `path` when the block ends well.

    The folder is made if it is missing. When the block raises, the temporary file goes and `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporary(folder: str | os.PathLike) -> None:
    """Removes what was left at and below `folder` when a process was killed; for whoever holds it alone."""
    for path in list(Path(folder).rglob(".*.tmp")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a new folder beside `path`, which takes the place of `path`, files and all, when the block ends well.

    When the block raises, the new folder goes and `path` stays as it was.
    """
    path = Path(path)
    new, old = (path.with_name(f".{path.name}.{os.getpid()}.{age}.tmp") for age in ("new", "old"))
    new.mkdir(parents=True)
    try:
        yield new
        if path.exists():
            os.replace(path, old)
        os.replace(new, path)
    finally:
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def adding_files(folder: str | os.PathLike) -> Iterator[Path]:
    """Yields a hidden folder in `folder`; when the block ends well, its files move to the same places below `folder`.

    When the block raises, they go. Both folders are made if they are missing.
    """
    new = Path(folder) / f".{os.getpid()}.tmp"
    new.mkdir(parents=True)
    try:
        yield new
        for path in sorted(new.rglob("*"), reverse=True):  # .json before .h5, which readers look for
            if path.is_file():
                place = Path(folder) / path.relative_to(new)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def write_json(path: str | os.PathLike, value: Any, indent: int | None = None) -> None:
    """Writes `value` as JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Reads a JSON file.

    Raises ValueError naming the file when it is missing, unreadable, not JSON, nested too deeply to be read, or has a
    key twice in one object.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_with_unique_keys)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except RecursionError as error:
        raise ValueError(f"{path}: not readable as JSON; its lists and objects are nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{path}: not valid JSON ({error}); the file may be truncated") from error


def _with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {shown(key)} stands twice in an object")
    return found
