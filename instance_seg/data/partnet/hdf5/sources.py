"""PartNet's HDF5 files as a source of stored shapes: from the part trees, or from the masks derived from them."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from instance_seg.data.partnet.hdf5.masks import mask_labels, mask_tree, read_masks
from instance_seg.data.partnet.hdf5.one_hot import ONE_HOT_TREE, read_one_hot
from instance_seg.data.partnet.hdf5.part_trees import entry_names, reject_tree
from instance_seg.data.partnet.hdf5.paths import level_folder, split_files
from instance_seg.data.partnet.hdf5.trees import TREE, TreeBlock, count_shapes, read_block, tree_blocks
from instance_seg.data.partnet.splits import ShapeId, read_split_list, split_list_path
from instance_seg.data.partnet.stored_shape import Block, StoredShape, borrow_missing_levels, check_shape, store_shape
from instance_seg.data.partnet.taxonomy import NUM_LEVELS, Taxonomy
from instance_seg.structures import Labels


class PartTrees:
    """ins_seg_h5: points, normals, and the tree of parts that labels of all levels follow from."""

    @staticmethod
    def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
        """The HDF5 files of a split, none if there are none."""
        return _files(root, TREE, category, split)

    @staticmethod
    def count(root: str | os.PathLike, category: str, split: str) -> int:
        """Number of shapes, by the files' headers."""
        return count_shapes(root, category, split)

    @staticmethod
    def blocks(
        root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy, limit: int | None = None
    ) -> list[Block]:
        """Cuts a split, or its first shapes, into blocks. Raises ValueError for what headers and lists tell."""
        blocks: list[Block] = []
        names: list[ShapeId] = []
        for path in split_files(root, TREE, category, split):
            for block in tree_blocks(path):
                left = None if limit is None else limit - len(names)
                block = block._replace(entries=block.entries[:left])
                blocks.append(partial(PartTrees.read_block, block, split, taxonomy))
                names += entry_names(block.path, block.entries, block.first)
                if len(names) == limit:  # of the list no more is known to be there
                    return blocks
        check_split_list(root, category, split, names, Path(root) / TREE / category)
        return blocks

    @staticmethod
    def read_block(block: TreeBlock, split: str, taxonomy: Taxonomy) -> Iterator[StoredShape]:
        """Reads the shapes of a block. Raises ValueError naming the file and the row for what is amiss."""
        for row, shape in enumerate(read_block(block), start=block.first):
            reject_tree(block.path.with_suffix(".json"), row, shape, taxonomy)
            yield check_shape(f"{block.path}: row {row}", store_shape(shape, taxonomy, split), taxonomy)


class LevelMasks:
    """ins_seg_h5_for_detection (train, val) and ins_seg_h5_gt (test); the normals are those of ins_seg_h5."""

    @staticmethod
    def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
        """The HDF5 files of a split at all levels, none if there are none."""
        folders = [level_folder(category, level) for level in range(NUM_LEVELS)]
        return [path for folder in folders for path in _files(root, mask_tree(split), folder, split)]

    count = PartTrees.count

    @staticmethod
    def read(root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy) -> Iterator[StoredShape]:
        """Reads the shapes of a split. Raises ValueError naming the file and the row for what is amiss."""
        rows = [read_masks(root, category, level, split) for level in taxonomy.real_levels]

        def labels_of(where, level, row):
            if row.valid.any() and not row.masks[row.valid].any():
                raise ValueError(f"{where} has valid masks at level {level + 1}, and no point in them")
            return mask_labels(row)

        yield from _beside_trees(LevelMasks, root, category, split, taxonomy, rows, labels_of)


class OneHot:
    """ins_seg_h5_for_sgpn; the normals are those of ins_seg_h5."""

    @staticmethod
    def files(root: str | os.PathLike, category: str, split: str) -> list[Path]:
        """The HDF5 files of a split at all levels, none if there are none."""
        folders = [level_folder(category, level) for level in range(NUM_LEVELS)]
        return [path for folder in folders for path in _files(root, ONE_HOT_TREE, folder, split)]

    count = PartTrees.count

    @staticmethod
    def read(root: str | os.PathLike, category: str, split: str, taxonomy: Taxonomy) -> Iterator[StoredShape]:
        """Reads the shapes of a split. Raises ValueError naming the file and the row for what is amiss."""
        rows = [read_one_hot(root, category, level, split, taxonomy) for level in taxonomy.real_levels]
        yield from _beside_trees(OneHot, root, category, split, taxonomy, rows, lambda where, level, row: row[1])


def check_split_list(
    root: str | os.PathLike, category: str, split: str, names: list[ShapeId], where: str | os.PathLike
) -> None:
    """Raises ValueError naming the entry where the split's list, if there is one, and the shapes' names part."""
    path = split_list_path(root, category, split)
    if not path.is_file():
        return
    listed = read_split_list(root, category, split)
    for row, (wanted, found) in enumerate(zip_longest(listed, names)):
        if wanted == found:
            continue
        if found is None or wanted not in names and wanted is not None:
            raise ValueError(f"{path}: entry {row} names {_spell(wanted)}, which is not in {where}")
        raise ValueError(f"{path}: entry {row} is {_spell(wanted)}, but row {row} of {where} is {_spell(found)}")


def _beside_trees(
    source: type,
    root: str | os.PathLike,
    category: str,
    split: str,
    taxonomy: Taxonomy,
    rows: Sequence[Iterator],
    labels_of: Callable[[str, int, Any], Labels],
) -> Iterator[StoredShape]:
    """The shapes of ins_seg_h5 with the labels of other files, whose rows begin with the points, for each level."""
    trees = chain.from_iterable(block() for block in PartTrees.blocks(root, category, split, taxonomy))
    first = source.files(root, category, split)[0]
    for index, (whole, *found) in enumerate(zip_longest(trees, *rows)):
        where = f"{first} or a file beside it: shape {index} of {split}"
        if whole is None or any(row is None for row in found):
            raise ValueError(f"{where} is missing in one of the levels or in {TREE}; run tools/prepare_partnet.py")
        if any(not np.array_equal(row[0], whole.points) for row in found):
            raise ValueError(f"{where} has other points than in {TREE}; run tools/prepare_partnet.py again")
        levels = (labels_of(where, level, row) for level, row in zip(taxonomy.real_levels, found))
        yield check_shape(where, whole._replace(levels=borrow_missing_levels(levels, taxonomy)), taxonomy)


def _spell(shape: ShapeId | None) -> str:
    return "missing" if shape is None else f"model {shape.model_id}, annotation {shape.anno_id}"


def _files(root: str | os.PathLike, tree: str, folder: str, split: str) -> list[Path]:
    return sorted((Path(root) / tree / folder).glob(f"{split}-*.h5"))
