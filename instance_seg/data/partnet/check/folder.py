"""Goes through everything that a folder holds of a category, counts it and collects what is wrong."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import call
from pathlib import Path

from instance_seg.data.files.values import normal_complaints
from instance_seg.data.partnet.check.h5_files import Work, mask_work, tree_work
from instance_seg.data.partnet.check.shapes import Census, Digest, Finding, examine
from instance_seg.data.partnet.hdf5.masks import mask_tree
from instance_seg.data.partnet.hdf5.paths import level_folder, split_files
from instance_seg.data.partnet.hdf5.sources import check_split_list
from instance_seg.data.partnet.hdf5.trees import TREE
from instance_seg.data.partnet.rows import Problem
from instance_seg.data.partnet.sources import SOURCES, read_shapes, sources_of
from instance_seg.data.partnet.splits import SPLITS, ShapeId, split_list_path
from instance_seg.data.partnet.taxonomy import Taxonomy, check_category
from instance_seg.options import shown
from instance_seg.processes import available_cores, map_in_processes

MUCH_WORK = 10  # pieces of work; from here on processes are worth their start


def misnamed_categories(root: str | os.PathLike) -> Iterator[Problem]:
    """Folders in ins_seg_h5 that are named after no category, such as `chair`."""
    for folder in sorted((Path(root) / TREE).glob("*/")):
        try:
            check_category(folder.name)
        except ValueError as error:
            yield Problem(str(folder), None, str(error))


class CategoryCheck:
    """Reads one category in all formats that are there; `problems`, `census` and `formats` tell what it found."""

    def __init__(self, root: str | os.PathLike, taxonomy: Taxonomy, advance: Callable[[int], object] = id):
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
            names = split_list_path(self.root, self.taxonomy.category, split)
            if not found and names.is_file():
                text = f"lists shapes, but there is no file of {self.taxonomy.category} {split}"
                self._report(names, None, text)
            reference: tuple[str, list[Digest | None]] | None = None
            for name in found:
                if name == "masks":
                    self._check_masks(split, reference)
                else:
                    digests = self._check_shapes(name, split, reference)
                    reference = reference or (name, digests)

    def _check_shapes(self, name: str, split: str, reference: tuple[str, list[Digest | None]] | None):
        """Checks a format, against the first one that holds the split if it is not that; returns its digests."""
        found: list[Finding] = []
        rows = self._trees(split, reference is None) if name == TREE else self._stored(name, split, reference is None)
        for place, finding in enumerate(rows):
            self._take(finding)
            found.append(finding)
            if finding.digest and reference is None:
                self.census.add_points(split, finding.num_points)
                self.census.add_levels(finding.counts)
            elif finding.digest and place < len(reference[1]) and reference[1][place] not in (None, finding.digest):
                self._report(finding.file, finding.row, f"has other points, normals or labels than {reference[0]}")
        digests = [finding.digest for finding in found]
        where = SOURCES[name].files(self.root, self.taxonomy.category, split)[0]
        if reference is not None:
            self._check_number(where, split, len(digests), reference)
        elif None not in digests and name != "tfrecords":  # which know no names
            self._check_names(where.parent, split, found)
        return digests

    def _take(self, finding: Finding) -> None:
        self._advance(1)
        for problem in finding.problems:
            self._report(*problem)

    def _check_number(self, where: Path, split: str, number: int, reference: tuple[str, Sequence]) -> None:
        if number != len(reference[1]):
            self._report(
                where, None, f"has {number} readable shapes of {split}, {reference[0]} has {len(reference[1])}"
            )

    def _check_names(self, folder: Path, split: str, found: list[Finding]) -> None:
        for place, finding in enumerate(found):
            here, name = f"shape {place} of {split}", finding.name
            if self._seen.setdefault(name, here) != here:
                spelled = f"model {shown(name.model_id)}, annotation {shown(name.anno_id)}"
                self._report(finding.file, finding.row, f"{here} is {spelled}, as is {self._seen[name]}")
        try:
            check_split_list(self.root, self.taxonomy.category, split, [finding.name for finding in found], folder)
        except ValueError as error:
            self._report(split_list_path(self.root, self.taxonomy.category, split), None, str(error))

    def _trees(self, split: str, labels: bool) -> Iterator[Finding]:
        files = self._files(TREE, self.taxonomy.category, split)
        parts = (tree_work(path, split, self.taxonomy, labels, self._report) for path in files)
        return self._do(list(chain.from_iterable(parts)))

    def _stored(self, name: str, split: str, labels: bool) -> Iterator[Finding]:
        """The shapes of a format whose reader stops at the first problem."""
        where = SOURCES[name].files(self.root, self.taxonomy.category, split)[0]
        try:
            shapes = read_shapes(self.root, self.taxonomy.category, split, self.taxonomy, source=name)
            for row, shape in enumerate(shapes):
                yield examine(where, row, shape, self.taxonomy, normal_complaints(shape.normals), labels)
        except ValueError as error:
            self._report(where, None, str(error))

    def _do(self, work: list[Work]) -> Iterator[Finding]:
        """Does the work, in processes if it is much."""
        workers = available_cores() if len(work) >= MUCH_WORK else 1
        return chain.from_iterable(map_in_processes(call, work, workers))

    def _check_masks(self, split: str, reference: tuple[str, list[Digest | None]] | None) -> None:
        """Checks ins_seg_h5_for_detection, or ins_seg_h5_gt of the test split, at all levels."""
        tree = mask_tree(split)
        for level in self.taxonomy.real_levels:
            files = self._files(tree, level_folder(self.taxonomy.category, level), split)
            if files:
                self._check_mask_level(files, tree, split, level, reference)

    def _check_mask_level(self, files: list[Path], tree: str, split: str, level: int, reference) -> None:
        parts = (mask_work(path, self.taxonomy, level, tree, self._report) for path in files)
        place = -1
        for place, finding in enumerate(self._do(list(chain.from_iterable(parts)))):
            self._take(finding)
            if finding.digest and reference is None:
                self.census.add_levels(finding.counts)
                if level == self.taxonomy.real_levels[0]:
                    self.census.add_points(split, finding.num_points)
            wanted = reference[1][place] if reference and place < len(reference[1]) else None
            found = finding.digest
            if found and wanted and (found.points, *found.levels) != (wanted.points, wanted.levels[level]):
                self._report(finding.file, finding.row, f"has other points or labels than {reference[0]}")
        if reference:
            self._check_number(files[0], split, place + 1, reference)

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
