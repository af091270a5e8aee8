"""Makes everything that follows from PartNet's ins_seg_h5, or from procedural shapes in its layout, in one go.

    python tools/prepare_partnet.py --data_dir=partnet --out=prepared --categories=Chair,Lamp --formats=shards

    detection   ins_seg_h5_for_detection, masks to learn from
    gt          ins_seg_h5_gt, masks to be measured against, and the points of the test split
    sgpn        ins_seg_h5_for_sgpn, classes and instances as flags, and weights of the points
    points      the .points files of the paper's authors, one for each shape and level
    tfrecords   their <Category>_level123_<split>_<count>.tfrecords
    shards      compressed records, the quickest to train from

What is there already is kept, so an interrupted run goes on where it was. What fails is named at the end, and the
exit code is 1; the rest is made all the same.
"""

import os
import sys
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from absl import app, flags
from tqdm import tqdm

from instance_seg.data.files.checksums import forget_checksums, record_checksums
from instance_seg.data.partnet.formats.prepare import (
    FORMATS,
    Job,
    find_sources,
    finish,
    plan,
    try_job,
    unlisted_checksums,
)
from instance_seg.data.partnet.hdf5.trees import TREE
from instance_seg.data.partnet.splits import SPLITS
from instance_seg.data.partnet.taxonomy import CATEGORIES, check_category
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.processes import ProcessDied, map_in_processes

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", None, "Folder that has ins_seg_h5 and, if possible, stats in it.", required=True)
flags.DEFINE_string("out", None, "Folder to make the formats in; may be --data_dir.", required=True)
flags.DEFINE_list("categories", ["all"], "Categories to prepare; `all` means those that --data_dir has.")
flags.DEFINE_list("formats", list(FORMATS), "What to make.")
flags.DEFINE_integer("workers", os.cpu_count(), "Processes.", lower_bound=1)
flags.DEFINE_bool("force", False, "Make anew what is there already.")


def chosen_categories(data_dir: Path, names: list[str]) -> list[str]:
    """The categories asked for. Raises ValueError for an unknown one, or if `all` finds none."""
    if names != ["all"]:
        for name in names:
            check_category(name)
        return names
    folder = data_dir / TREE
    there = [name for name in CATEGORIES if (folder / name).is_dir()]
    if not there:
        raise ValueError(f"--data_dir: {folder} has no folder of a PartNet category such as Chair")
    return there


def splits_of(data_dir: Path, category: str) -> list[str]:
    """The splits that a category has files of. Raises ValueError if there is none."""
    folder = data_dir / TREE / category
    there = [split for split in SPLITS if any(folder.glob(f"{split}-*.h5"))]
    if not there:
        raise ValueError(f"{folder}: has no files train-00.h5, val-00.h5 or test-00.h5")
    return there


def plan_all(data_dir: Path, out: Path, categories: list[str], formats: list[str]) -> tuple[list[Job], list[str]]:
    """All jobs, and what is wrong with the categories that cannot be prepared."""
    jobs, failures = [], []
    for category in categories:
        try:
            sources = [find_sources(data_dir, category, split) for split in splits_of(data_dir, category)]
            jobs += [job for split in sources for name in formats for job in plan(name, split, out)]
        except ValueError as error:
            failures.append(str(error))
    return jobs, failures


def run_jobs(jobs: list[Job], workers: int, bar: tqdm) -> dict[Job, str]:
    """Does the jobs and lists the checksums of what they wrote; returns those that failed, and why."""
    forget_checksums(path for job in jobs for path in job.outputs)  # from here on this process alone changes lists
    died = "{}: a process died while making {}; try fewer --workers"
    failed = {job: died.format(job.sources[0].path, job.format) for job in jobs}
    with suppress(ProcessDied):
        for (checksums, error), job in zip(map_in_processes(try_job, jobs, workers), jobs):
            failed[job] = error or _record(checksums)
            bar.update(job.num_shapes)
    return {job: error for job, error in failed.items() if error}


def _record(checksums: dict[Path, str]) -> str:
    try:
        record_checksums(checksums)
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def finish_all(jobs: list[Job], failed: dict[Job, str]) -> None:
    """Writes the lists of each format and split of which everything is there."""
    for _, group in groupby(jobs, key=lambda job: (job.format, *job.sources[0][1:3])):
        group = list(group)
        if not failed.keys() & set(group):
            finish(group)


@ending_at_signals("stopped; the same command goes on from here")
def main(argv: list[str]) -> None:
    """Prepares what the flags ask for."""
    refuse_arguments(argv)
    if unknown := [name for name in FLAGS.formats if name not in FORMATS]:
        raise app.UsageError(f"--formats: there is no {unknown[0]!r}; choose from {','.join(FORMATS)}")
    try:
        categories = chosen_categories(Path(FLAGS.data_dir), FLAGS.categories)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    jobs, failures = plan_all(Path(FLAGS.data_dir), Path(FLAGS.out), categories, FLAGS.formats)
    done = [] if FLAGS.force else [job for job in jobs if job.done]
    for job in done:
        record_checksums(unlisted_checksums(job))
    kept = sum(job.num_shapes for job in done)
    with tqdm(total=sum(job.num_shapes for job in jobs), initial=kept, desc="preparing", unit="shape") as bar:
        failed = run_jobs([job for job in jobs if job not in done], FLAGS.workers, bar)
    finish_all(jobs, failed)
    failures += failed.values()
    print(f"{len(jobs) - len(failed)} of {len(jobs)} pieces of work done, {len(done)} of them before -> {FLAGS.out}")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    app.run(main)
