"""The shapes of a split out of whatever format a folder holds.

A format is an object with three functions: `files` (what it finds of a split, [] if nothing), `count`, and either
`blocks`, if a split can be cut into pieces that other processes read, or `read`. All of them give the same arrays for
the same shapes, so training may read any.
"""

import os
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from instance_seg.data.partnet.formats import points_folder, shards, tfrecord
from instance_seg.data.partnet.hdf5.sources import LevelMasks, OneHot, PartTrees
from instance_seg.data.partnet.splits import SPLITS
from instance_seg.data.partnet.stored_shape import Block, StoredShape
from instance_seg.data.partnet.taxonomy import CATEGORIES, Taxonomy, check_category

SOURCES = {  # by preference
    "ins_seg_h5": PartTrees,
    "shards": shards,
    "tfrecords": tfrecord,
    "points": points_folder,
    "masks": LevelMasks,
    "sgpn": OneHot,
}


def read_shapes(
    root: str | os.PathLike,
    category: str,
    split: str,
    taxonomy: Taxonomy,
    limit: int | None = None,
    source: str | None = None,
) -> Iterator[StoredShape]:
    """Reads the shapes of a split, in their order.

    Args:
        limit: read no more than this many; None = all.
        source: one of SOURCES; None = the first of them that the folder holds.

    Raises:
        ValueError: no such category or split, the folder holds neither, or something in its files is amiss; the
            message names the file, and the row or record where there is one.
    """
    blocks = blocks_of(root, category, split, taxonomy, limit, source)
    return islice(chain.from_iterable(block() for block in blocks), limit)


def blocks_of(
    root: str | os.PathLike,
    category: str,
    split: str,
    taxonomy: Taxonomy,
    limit: int | None = None,
    source: str | None = None,
) -> list[Block]:
    """What read_shapes reads, in pieces; a single one, that may have more than `limit` shapes, if it cannot be cut."""
    found = _find(root, category, split, source)
    if hasattr(found, "blocks"):
        return found.blocks(root, category, split, taxonomy, limit)
    return [partial(found.read, root, category, split, taxonomy)]


def count_stored(root: str | os.PathLike, category: str, split: str, source: str | None = None) -> int:
    """Number of shapes of a split, without reading them. Raises ValueError as read_shapes does."""
    return _find(root, category, split, source).count(root, category, split)


def sources_of(root: str | os.PathLike, category: str, split: str) -> tuple[str, ...]:
    """The formats in which a folder holds a split, by preference."""
    return tuple(name for name in SOURCES if SOURCES[name].files(root, category, split))


def categories_in(root: str | os.PathLike) -> tuple[str, ...]:
    """The categories of which a folder holds any split, in any format."""
    return tuple(name for name in CATEGORIES if any(_holds(root, name, split) for split in SPLITS))


def fingerprint(root: str | os.PathLike, category: str) -> dict[str, str]:
    """What tells a data set from others without reading it: split -> its format, and number, names and sizes of files.

    Splits that are not there are left out.
    """
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


def _holds(root: str | os.PathLike, category: str, split: str) -> bool:
    return any(SOURCES[name].files(root, category, split) for name in SOURCES)


def _find(root: str | os.PathLike, category: str, split: str, name: str | None) -> Any:
    check_category(category)
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")
    if name is not None and name not in SOURCES:
        raise ValueError(f"there is no format {name!r}; choose one of {', '.join(SOURCES)}")
    if not Path(root).is_dir():
        raise ValueError(f"{root}: no such folder")
    for candidate in [name] if name else SOURCES:
        if SOURCES[candidate].files(root, category, split):
            return SOURCES[candidate]
    raise ValueError(f"{root}: holds no {category} {split} as {name or ', '.join(SOURCES)}; {_hint(root, category)}")


def _hint(root: str | os.PathLike, category: str) -> str:
    if splits := [split for split in SPLITS if _holds(root, category, split)]:
        return f"of {category} it has {', '.join(splits)}"
    if categories := categories_in(root):
        return f"it has {', '.join(categories)}"
    return "there is no PartNet data in it at all"
