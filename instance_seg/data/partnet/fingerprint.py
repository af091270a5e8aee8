"""What tells one data set from another without reading it: the files of each split, and how many shapes they hold."""

import os
import zlib
from pathlib import Path

from instance_seg.data.partnet.sources import SOURCES, count_stored, sources_of
from instance_seg.data.partnet.splits import SPLITS


def fingerprint(root: str | os.PathLike, category: str) -> dict[str, str]:
    """Split -> its shapes, format, and the names and sizes of its files; splits that are not there are left out."""
    return {split: _of_split(Path(root), category, split) for split in SPLITS if sources_of(root, category, split)}


def _of_split(root: Path, category: str, split: str) -> str:
    source = sources_of(root, category, split)[0]
    files = [
        path
        for found in SOURCES[source].files(root, category, split)
        for path in (sorted(found.rglob("*")) if found.is_dir() else [found, found.with_suffix(".json")])
        if path.is_file()
    ]
    named = [f"{path.relative_to(root)} {path.stat().st_size}" for path in files]
    digest = zlib.crc32("\n".join(named).encode())
    return f"{count_stored(root, category, split)} shapes of {source}, {len(files)} files, {digest:08x}"
