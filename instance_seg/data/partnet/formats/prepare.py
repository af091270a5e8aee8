"""What can be made out of ins_seg_h5: PartNet's masks, the authors' files, and our shards.

The work comes in jobs that know their sources and outputs. A job writes each output whole or not at all, so one whose
outputs are all there, and no older than the sources, is done.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from instance_seg.data.files.checksums import checksum, read_checksums
from instance_seg.data.partnet.formats import points_folder, shards, tfrecord
from instance_seg.data.partnet.formats.points_file import PointsFileName, write_points_file
from instance_seg.data.partnet.hdf5.masks import DETECTION_TREE, GT_TREE, check_instance_counts, write_level_masks
from instance_seg.data.partnet.hdf5.one_hot import ONE_HOT_TREE, write_one_hot
from instance_seg.data.partnet.hdf5.part_trees import entry_names, read_entries, reject_tree
from instance_seg.data.partnet.hdf5.paths import h5_path, level_folder, split_files
from instance_seg.data.partnet.hdf5.sources import check_split_list
from instance_seg.data.partnet.hdf5.trees import TREE, read_file
from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.splits import SPLITS, ShapeId, split_list_path, write_split_list
from instance_seg.data.partnet.stored_shape import StoredShape, check_shape, store_shape
from instance_seg.data.partnet.taxonomy import Taxonomy, load_taxonomy

_SEALED = (".h5", ".points")  # files without checksums of their own


class SourceFile(NamedTuple):
    """One file of ins_seg_h5."""

    path: Path
    category: str
    split: str
    index: int  # of the file in its split
    first: int  # place of its first shape in the split
    names: tuple[ShapeId, ...]  # of its shapes


class Job(NamedTuple):
    """One piece of work."""

    format: str  # one of FORMATS
    sources: tuple[SourceFile, ...]  # files of one split
    outputs: tuple[Path, ...]
    out: Path  # folder of the data set to make

    @property
    def num_shapes(self) -> int:
        """Number of shapes to read."""
        return sum(len(source.names) for source in self.sources)

    @property
    def done(self) -> bool:
        """Whether all outputs are there and no older than the sources."""
        if not all(path.is_file() for path in self.outputs):
            return False
        oldest = min(path.stat().st_mtime_ns for path in self.outputs)
        sources = [path for source in self.sources for path in (source.path, source.path.with_suffix(".json"))]
        return oldest >= max(path.stat().st_mtime_ns for path in sources)


class Format(NamedTuple):
    """How one format is made."""

    splits: tuple[str, ...]
    whole_split: bool  # one job for all files of a split, not one for each
    outputs: Callable[[Path, Sequence[SourceFile], Taxonomy], list[Path]]
    write: Callable[[Job, Iterator[LabeledShape], Taxonomy], None]
    leftovers: str  # pattern of outputs' names, to find those of an earlier preparation


def find_sources(data_dir: str | os.PathLike, category: str, split: str) -> list[SourceFile]:
    """The files of a split. Raises ValueError for a malformed one, or a split list that names other shapes."""
    found: list[SourceFile] = []
    first = 0
    for index, path in enumerate(split_files(data_dir, TREE, category, split)):
        names = tuple(entry_names(path, read_entries(path)))
        found.append(SourceFile(path, category, split, index, first, names))
        first += len(names)
    check_split_list(data_dir, category, split, names_of(found), Path(data_dir) / TREE / category)
    return found


def names_of(sources: Iterable[SourceFile]) -> list[ShapeId]:
    """Names of all shapes, in their order."""
    return [name for source in sources for name in source.names]


def plan(name: str, sources: Sequence[SourceFile], out: str | os.PathLike) -> list[Job]:
    """The jobs that make one format of a split, none if the format leaves the split out.

    Raises ValueError if files of an earlier preparation are in the way, which had other shapes.
    """
    made, taxonomy, out = FORMATS[name], load_taxonomy(sources[0].category), Path(out)
    if sources[0].split not in made.splits:
        return []
    groups = [tuple(sources)] if made.whole_split else [(source,) for source in sources]
    jobs = [Job(name, group, tuple(made.outputs(out, group, taxonomy)), out) for group in groups]
    _reject_leftovers(made, jobs, sources[0])
    return jobs


def run_job(job: Job) -> dict[Path, str]:
    """Does a job and returns the checksums to list.

    Raises ValueError naming the file, and the row where there is one, for whatever is amiss in the sources.
    """
    taxonomy = load_taxonomy(job.sources[0].category)
    FORMATS[job.format].write(job, _read(job, taxonomy), taxonomy)
    return {path: checksum(path) for path in job.outputs if path.suffix in _SEALED}


def try_job(job: Job) -> tuple[dict[Path, str], str]:
    """Does a job; returns the checksums to list, and what is amiss ("" = nothing)."""
    try:
        return run_job(job), ""
    except (ValueError, OSError) as error:
        return {}, str(error)


def unlisted_checksums(job: Job) -> dict[Path, str]:
    """Checksums that an interruption kept from being listed after the job was done."""
    listed = {folder: read_checksums(folder) for folder in {path.parent for path in job.outputs}}
    files = (path for path in job.outputs if path.suffix in _SEALED)
    return {path: checksum(path) for path in files if path.name not in listed[path.parent]}


def finish(jobs: Sequence[Job]) -> None:
    """After all jobs of one format and split are done: writes the lists that go with it."""
    sources = [source for job in jobs for source in job.sources]
    category, split, out = sources[0].category, sources[0].split, jobs[0].out
    if jobs[0].format == "shards":
        size = shards.SHAPES_PER_SHARD
        numbers = {path: min(size, job.num_shapes - i * size) for job in jobs for i, path in enumerate(job.outputs)}
        shards.write_list(shards.list_path(out, category, split), numbers, load_taxonomy(category))
    if not split_list_path(out, category, split).is_file():
        write_split_list(out, category, split, names_of(sources))


def _read(job: Job, taxonomy: Taxonomy) -> Iterator[LabeledShape]:
    for source in job.sources:
        for row, shape in enumerate(read_file(source.path)):
            reject_tree(source.path.with_suffix(".json"), row, shape, taxonomy)
            yield shape


def _reject_leftovers(made: Format, jobs: Sequence[Job], source: SourceFile) -> None:
    wanted = {path for job in jobs for path in job.outputs}
    pattern = made.leftovers.format(category=source.category, split=source.split)
    for folder in sorted({path.parent for path in wanted}):
        if extra := sorted(set(folder.glob(pattern)) - wanted):
            raise ValueError(
                f"{extra[0]}: left of another preparation (and {len(extra) - 1} more files), {source.category} "
                f"{source.split} has other shapes now; remove them, or choose another --out"
            )


def _stored(job: Job, shapes: Iterable[LabeledShape], taxonomy: Taxonomy) -> Iterator[StoredShape]:
    places = ((source.path, row) for source in job.sources for row in range(len(source.names)))
    for (path, row), shape in zip(places, shapes):
        yield check_shape(f"{path}: row {row}", store_shape(shape, taxonomy, job.sources[0].split), taxonomy)


def _mask_outputs(out: Path, sources: Sequence[SourceFile], taxonomy: Taxonomy) -> list[Path]:
    category, split, index = sources[0].category, sources[0].split, sources[0].index
    trees = (DETECTION_TREE, GT_TREE) if split == "test" else (DETECTION_TREE,)
    folders = [(tree, level_folder(category, level)) for tree in trees for level in taxonomy.real_levels]
    return [h5_path(out, tree, folder, split, index) for tree, folder in folders]


def _write_masks(job: Job, shapes: Iterator[LabeledShape], taxonomy: Taxonomy) -> None:
    source = job.sources[0]
    block = list(shapes)
    check_instance_counts(source.path, block, taxonomy)
    write_level_masks(job.out, source.category, source.split, source.index, block, taxonomy)


def _one_hot_outputs(out: Path, sources: Sequence[SourceFile], taxonomy: Taxonomy) -> list[Path]:
    category, split, index = sources[0].category, sources[0].split, sources[0].index
    folders = [level_folder(category, level) for level in taxonomy.real_levels]
    return [h5_path(out, ONE_HOT_TREE, folder, split, index) for folder in folders]


def _write_one_hot(job: Job, shapes: Iterator[LabeledShape], taxonomy: Taxonomy) -> None:
    source = job.sources[0]
    block = list(shapes)
    check_instance_counts(source.path, block, taxonomy)
    write_one_hot(job.out, source.category, source.split, source.index, block, taxonomy)


def _points_outputs(out: Path, sources: Sequence[SourceFile], taxonomy: Taxonomy) -> list[Path]:
    source = sources[0]
    names = (
        PointsFileName(source.category, place, name, level, source.split)
        for place, name in enumerate(source.names, start=source.first)
        for level in taxonomy.real_levels
    )
    return [out / points_folder.FOLDER / source.category / str(name) for name in names]


def _write_points(job: Job, shapes: Iterator[LabeledShape], taxonomy: Taxonomy) -> None:
    paths = iter(job.outputs)
    for shape in _stored(job, shapes, taxonomy):
        for level, path in zip(taxonomy.real_levels, paths):
            write_points_file(path, points_folder.level_buffer(shape, level))


def _record_outputs(out: Path, sources: Sequence[SourceFile], taxonomy: Taxonomy) -> list[Path]:
    return [tfrecord.path_for(out, sources[0].category, sources[0].split, len(names_of(sources)))]


def _write_records(job: Job, shapes: Iterator[LabeledShape], taxonomy: Taxonomy) -> None:
    tfrecord.write(job.outputs[0], _stored(job, shapes, taxonomy))


def _shard_outputs(out: Path, sources: Sequence[SourceFile], taxonomy: Taxonomy) -> list[Path]:
    (source,) = sources
    parts = range(math.ceil(len(source.names) / shards.SHAPES_PER_SHARD))
    return [shards.shard_path(out, source.category, source.split, source.index, part) for part in parts]


def _write_shards(job: Job, shapes: Iterator[LabeledShape], taxonomy: Taxonomy) -> None:
    stored = _stored(job, shapes, taxonomy)
    for path in job.outputs:
        shards.write_shard(path, islice(stored, shards.SHAPES_PER_SHARD))


_MASKS = "{split}-*.h5"
_RECORDS = "{category}_level123_{split}_*.tfrecords"
FORMATS: dict[str, Format] = {
    "detection": Format(("train", "val"), False, _mask_outputs, _write_masks, _MASKS),
    "gt": Format(("test",), False, _mask_outputs, _write_masks, _MASKS),
    "sgpn": Format(SPLITS, False, _one_hot_outputs, _write_one_hot, _MASKS),
    "points": Format(SPLITS, False, _points_outputs, _write_points, "{category}_*_{split}.points"),
    "tfrecords": Format(SPLITS, True, _record_outputs, _write_records, _RECORDS),
    "shards": Format(SPLITS, False, _shard_outputs, _write_shards, "{split}-*.tfrecords.gz"),
}
