"""Goes through everything that a folder holds of a category, counts it and collects what is wrong."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from instance_seg.data.check_h5 import check_mask_file, check_tree_file
from instance_seg.data.checks import Census, Digest, Problem, crc, digest, label_complaints, level_crc
from instance_seg.data.partnet_h5 import TREE
from instance_seg.data.partnet_masks import DETECTION_TREE, GT_TREE
from instance_seg.data.partnet_paths import level_folder, split_files
from instance_seg.data.partnet_sources import check_split_list, mask_labels
from instance_seg.data.partnet_splits import SPLITS, ShapeId, split_list_path
from instance_seg.data.sources import SOURCES, sources_of
from instance_seg.data.stored_shape import StoredShape, store_shape
from instance_seg.data.taxonomy import check_category

if TYPE_CHECKING:
    from instance_seg.data.taxonomy import Taxonomy


class _Row(NamedTuple):
    file: Path
    row: int
    shape: StoredShape | None  # None = it cannot be read


def misnamed_categories(root: str | os.PathLike) -> Iterator[Problem]:
    """Folders in ins_seg_h5 that are named after no category, such as `chair`."""
    for folder in sorted((Path(root) / TREE).glob("*/")):
        try:
            check_category(folder.name)
        except ValueError as error:
            yield Problem(str(folder), None, str(error))


class CategoryCheck:
    """Reads one category in all formats that are there; `problems`, `census` and `formats` tell what it found."""

    def __init__(self, root: str | os.PathLike, taxonomy: "Taxonomy", advance: Callable[[int], object] = id):
        self.root, self.taxonomy = Path(root), taxonomy
        self.problems: list[Problem] = []
        self.census = Census()
        self._advance = advance  # called with 1 for each shape read
        self._formats: dict[str, None] = {}  # a set that keeps its order
        self._seen: dict[ShapeId, str] = {}  # where a shape was first met

    @property
    def formats(self) -> str:
        """Names of the formats found."""
        return ", ".join(self._formats)

    def run(self) -> None:
        """Reads everything once."""
        for split in SPLITS:
            found = sources_of(self.root, self.taxonomy.category, split)
            self._formats.update(dict.fromkeys(found))
            if not found:
                self._check_no_list(split)
            reference: tuple[str, list[Digest | None]] | None = None
            for name in found:
                if name == "masks":
                    self._check_masks(split, reference)
                else:
                    digests = self._check_shapes(name, split, reference)
                    reference = reference or (name, digests)

    def _check_no_list(self, split: str) -> None:
        path = split_list_path(self.root, self.taxonomy.category, split)
        if path.is_file():
            self._report(path, None, f"lists shapes, but there is no file of {self.taxonomy.category} {split}")

    def _check_shapes(self, name: str, split: str, reference: tuple[str, list[Digest | None]] | None):
        """Checks a format, against the first one that holds the split if it is not that; returns its digests."""
        digests: list[Digest | None] = []
        names: list[ShapeId | None] = []
        rows = self._tree_rows(split) if name == "ins_seg_h5" else self._stored_rows(name, split)
        for file, row, shape in rows:
            self._advance(1)
            place = len(digests)
            digests.append(shape and digest(shape))
            names.append(shape and ShapeId(shape.model_id, shape.anno_id))
            if shape and reference is None:
                self._count(file, row, shape, split)
            elif shape and place < len(reference[1]) and reference[1][place] not in (None, digests[-1]):
                self._report(file, row, f"has other points, normals or labels than {reference[0]}")
        where = SOURCES[name].files(self.root, self.taxonomy.category, split)[0]
        if reference is not None:
            self._check_number(where, split, len(digests), reference)
        elif None not in names and name != "tfrecords":  # which know no names
            self._check_names(where.parent, split, names)
        return digests

    def _count(self, file: Path, row: int, shape: StoredShape, split: str) -> None:
        self.census.add(split, shape)
        for complaint in label_complaints(shape.levels, self.taxonomy):
            self._report(file, row, complaint)

    def _check_number(self, where: Path, split: str, number: int, reference: tuple[str, Sequence]) -> None:
        if number != len(reference[1]):
            self._report(
                where, None, f"has {number} readable shapes of {split}, {reference[0]} has {len(reference[1])}"
            )

    def _check_names(self, folder: Path, split: str, names: list[ShapeId]) -> None:
        for row, name in enumerate(names):
            here = f"shape {row} of {split}"
            if name in self._seen:
                self._report(
                    folder,
                    None,
                    f"{here} is model {name.model_id}, annotation {name.anno_id}, as is {self._seen[name]}",
                )
            self._seen.setdefault(name, here)
        try:
            check_split_list(self.root, self.taxonomy.category, split, names, folder)
        except ValueError as error:
            self._report(split_list_path(self.root, self.taxonomy.category, split), None, str(error))

    def _tree_rows(self, split: str) -> Iterator[_Row]:
        for path in self._files(TREE, self.taxonomy.category, split):
            for row, shape in enumerate(check_tree_file(path, self.taxonomy, self._report)):
                yield _Row(path, row, shape and store_shape(shape, self.taxonomy, split))

    def _stored_rows(self, name: str, split: str) -> Iterator[_Row]:
        """The shapes of a format whose reader stops at the first problem."""
        where = SOURCES[name].files(self.root, self.taxonomy.category, split)[0]
        try:
            for row, shape in enumerate(SOURCES[name].read(self.root, self.taxonomy.category, split, self.taxonomy)):
                yield _Row(where, row, shape)
        except ValueError as error:
            self._report(where, None, str(error))

    def _check_masks(self, split: str, reference: tuple[str, list[Digest | None]] | None) -> None:
        """Checks ins_seg_h5_for_detection, or ins_seg_h5_gt of the test split, at all levels."""
        tree = GT_TREE if split == "test" else DETECTION_TREE
        for level in self.taxonomy.real_levels:
            files = self._files(tree, level_folder(self.taxonomy.category, level), split)
            if files:
                self._check_mask_level(files, tree, split, level, reference)

    def _check_mask_level(self, files: list[Path], tree: str, split: str, level: int, reference) -> None:
        place = 0
        for path in files:
            rows = check_mask_file(path, self.taxonomy.levels[level], tree == GT_TREE, self._report)
            for row, shape in enumerate(rows):
                self._advance(1)
                labels = shape and mask_labels(shape)
                if labels and reference is None:
                    self.census.add_level(level, labels)
                    if level == self.taxonomy.real_levels[0]:
                        self.census.add_points(split, len(shape.points))
                wanted = reference[1][place] if reference and place < len(reference[1]) else None
                if (
                    labels
                    and wanted
                    and (crc(shape.points), level_crc(labels)) != (wanted.points, wanted.levels[level])
                ):
                    self._report(path, row, f"has other points or labels than {reference[0]}")
                place += 1
        if reference:
            self._check_number(files[0], split, place, reference)

    def _files(self, tree: str, folder: str, split: str) -> list[Path]:
        try:
            return split_files(self.root, tree, folder, split)
        except ValueError as error:
            self._report(self.root / tree / folder, None, str(error))
            return []

    def _report(self, file: str | os.PathLike, row: int | None, text: str) -> None:
        """Takes a problem down. Errors of the readers begin with the file and may go on with the row: told once."""
        text = text.removeprefix(f"{file}: ").removeprefix(f"row {row} ")
        self.problems.append(Problem(str(file), row, text))
