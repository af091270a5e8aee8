"""The part tree of a shape: how it is read out of a .json of ins_seg_h5, and what can be wrong with it."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from instance_seg.data.files.checksums import verify
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId, as_shape_id
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.files import read_json
from instance_seg.options import shown

_LEAF_LIMIT = 2**31  # labels of points are int32


def read_entries(path: Path) -> list[Any]:
    """The entries of the .json beside a file of ins_seg_h5, one for each row. Raises ValueError if it is malformed."""
    path = path.with_suffix(".json")
    verify(path)
    entries = read_json(path)
    if not isinstance(entries, list):
        raise ValueError(f"{path}: has no list of shapes; see ins_seg_h5 in PartNet's layout")
    return entries


def entry_names(path: Path, entries: Iterable[Any], first: int = 0) -> list[ShapeId]:
    """Names of the shapes of entries, counted from `first`. Raises ValueError naming the file and a malformed one."""
    return [as_shape_id(path.with_suffix(".json"), row, entry) for row, entry in enumerate(entries, start=first)]


def parse_tree_entry(path: Path, row: int, entry: Any) -> tuple[tuple[Part, ...], ShapeId]:
    """Parts and names out of an entry of a JSON file. Raises ValueError naming both if it is malformed."""
    name = as_shape_id(path, row, entry)
    parts = entry.get("ins_seg")
    if not isinstance(parts, list):
        raise ValueError(f"{path}: row {row} has no list 'ins_seg' of parts, but {shown(parts)}")
    return tuple(_parse_part(f"{path}: row {row}", part) for part in parts), name


def tree_complaints(shape: LabeledShape, taxonomy: Taxonomy) -> Iterator[str]:
    """What makes labels of a shape vanish: no parts, unknown names, parts without leaves, leaves of another shape."""
    if not shape.parts:
        yield "no parts: its 'ins_seg' is empty"
        return
    unknown = [part.part_name for part in shape.parts if not taxonomy.knows(part.part_name)]
    if unknown:
        near = difflib.get_close_matches(unknown[0][:200], sorted(taxonomy.part_names), n=1, cutoff=0.0)
        others = f" (and {len(unknown) - 1} more unknown parts)" if len(unknown) > 1 else ""
        yield f"a part {shown(unknown[0])}, which {taxonomy.category} has not; did you mean {near[0]!r}?{others}"
    empty = [part.part_name for part in shape.parts if not part.leaf_ids]
    if empty:
        yield f"a part {shown(empty[0])} with an empty 'leaf_id_list' ({len(empty)} of {len(shape.parts)} parts)"
    elif not np.isin(shape.leaf_label, _listed_leaves(shape)).any():
        yield "no point with a 'label' that its part tree lists; are the .h5 and the .json of the same shapes?"


def reject_tree(path: Path, row: int, shape: LabeledShape, taxonomy: Taxonomy) -> None:
    """Raises ValueError naming the .json file and its row for the first of `tree_complaints`."""
    for complaint in tree_complaints(shape, taxonomy):
        raise ValueError(f"{path}: row {row} has {complaint}")


def leaf_complaints(shape: LabeledShape) -> Iterator[str]:
    """Leaves that stand twice in a part, and points whose leaf no part has; 0 is the leaf of points without a part."""
    twice = [part.part_name for part in shape.parts if len(set(part.leaf_ids)) < len(part.leaf_ids)]
    if twice:
        yield f"a part {shown(twice[0])} that lists a leaf twice ({len(twice)} of {len(shape.parts)} parts)"
    stray = shape.leaf_label[(shape.leaf_label != 0) & ~np.isin(shape.leaf_label, _listed_leaves(shape))]
    if stray.size:
        yield f"points of the leaf {stray[0]}, which no part lists ({stray.size} of {len(shape.leaf_label)} points)"


def _listed_leaves(shape: LabeledShape) -> list[int]:
    return sorted({leaf for part in shape.parts for leaf in part.leaf_ids})


def _parse_part(where: str, part: Any) -> Part:
    name, leaves = (part.get("part_name"), part.get("leaf_id_list")) if isinstance(part, dict) else (None, None)
    if not isinstance(name, str) or not name:
        raise ValueError(f"{where} has a part without a name: {shown(part)}")
    if not isinstance(leaves, list) or not all(type(leaf) is int and abs(leaf) < _LEAF_LIMIT for leaf in leaves):
        raise ValueError(f"{where} has a part whose 'leaf_id_list' is no list of leaf ids: {shown(part)}")
    return Part(name, tuple(leaves))
