"""What tells one data set from another without reading it: the files of each split, and how many shapes they hold."""

import os
import zlib

from instance_seg.data.partnet.sources import SOURCES, count_stored, sources_of
from instance_seg.data.partnet.splits import SPLITS


def fingerprint(root: str | os.PathLike, category: str) -> dict[str, str]:
    """Split -> its shapes, format, and the names and sizes of its files; splits that are not there are left out."""
    found = {}
    for split in SPLITS:
        if holds := sources_of(root, category, split):
            source = holds[0]
            files = [
                path
                for there in SOURCES[source].files(root, category, split)
                for path in (sorted(there.rglob("*")) if there.is_dir() else [there, there.with_suffix(".json")])
                if path.is_file()
            ]
            named = [f"{path.relative_to(root)} {path.stat().st_size}" for path in files]
            digest = zlib.crc32("\n".join(named).encode())
            shapes = count_stored(root, category, split)
            found[split] = f"{shapes} shapes of {source}, {len(files)} files, {digest:08x}"
    return found
