"""Reads a data set once, all of it, and tells what is in it and everything that is wrong with it.

    python tools/check_dataset.py data/partnet

Looks at each format that the folder holds: ins_seg_h5, ins_seg_h5_for_detection, ins_seg_h5_gt, .points files,
TFRecords, shards. Where it holds several they must agree. A folder with lists such as scannetv2_train.txt is ScanNet:
all raw files of all scenes are read. A folder with Area_1 ... is S3DIS: the annotations of all rooms are read, and the
arrays made of them compared. The exit code is 1 if there are problems.

--seal drops the checksums that an earlier --seal wrote, checks, and writes new ones if nothing is wrong: from then on
every reader refuses a file that changed.
"""

import sys
from pathlib import Path
from typing import NoReturn

from absl import app, flags
from tabulate import tabulate
from tqdm import tqdm

from instance_seg.data.files.checksums import (
    LIST_NAME,
    category_folders,
    forget_checksums,
    read_checksums,
    seal_category,
)
from instance_seg.data.partnet.check.folder import CategoryCheck, misnamed_categories
from instance_seg.data.partnet.sources import categories_in
from instance_seg.data.partnet.splits import SPLITS
from instance_seg.data.partnet.taxonomy import check_category, load_taxonomy
from instance_seg.data.s3dis import check as s3dis
from instance_seg.data.scannet import check as scannet
from instance_seg.interrupt import ending_at_signals
from instance_seg.tables import counted

FLAGS = flags.FLAGS
flags.DEFINE_list("categories", ["all"], "Categories to look at.")
flags.DEFINE_bool("seal", False, "Write checksums beside the files if nothing is wrong with them.")
flags.DEFINE_bool("allow_partial", False, "S3DIS: areas may have fewer rooms than published, or be missing.")
flags.DEFINE_integer("show", 200, "Problems to print at most; the rest is counted.", lower_bound=1)

HEADER = ("category", "level", *SPLITS, "points", "classes present", "instances per shape", "formats")


def table_rows(check: CategoryCheck) -> list[tuple]:
    """One row for each real level of a category."""
    census, taxonomy = check.census, check.taxonomy
    shapes = [census.shapes.get(split, 0) for split in SPLITS]
    rows = []
    for level in taxonomy.real_levels:
        present = f"{len(census.classes.get(level, ()))} of {taxonomy.levels[level].num_classes - 1}"
        counts = census.instances.get(level)
        spread = f"{min(counts)} - {max(counts)}, mean {sum(counts) / len(counts):.1f}" if counts else "-"
        rows.append((taxonomy.category, level + 1, *shapes, census.points, present, spread, check.formats))
    return rows


def unseal(root: Path, category: str) -> None:
    """Drops the checksums of a category's files."""
    for folder in category_folders(root, category):
        try:
            forget_checksums(folder / name for name in read_checksums(folder))
        except ValueError:
            (folder / LIST_NAME).unlink()


def check_scannet(root: Path) -> None:
    """Reads ScanNet, prints what is in it and what is wrong with it, and leaves."""
    with tqdm(desc="ScanNet", unit="scene", leave=False) as bar:
        found, problems = scannet.check(root, bar.update)
    print(tabulate(scannet.table_rows(found), scannet.HEADER))
    conclude(bool(found), problems)


def check_s3dis(root: Path) -> None:
    """Reads S3DIS, prints what is in it, what is repaired in reading and what is wrong with it, and leaves."""
    with tqdm(desc="S3DIS", unit="room", leave=False) as bar:
        found, problems, notes = s3dis.check(root, FLAGS.allow_partial, bar.update)
    print(tabulate(s3dis.table_rows(found), s3dis.HEADER))
    print("".join(f"note: {note}\n" for note in notes), end="")
    conclude(bool(found), problems)


def conclude(found: bool, problems: list[str]) -> NoReturn:
    """Prints problems and leaves."""
    print(f"{len(problems)} problems")
    show_problems(problems)
    sys.exit(1 if problems or not found else 0)


def show_problems(problems: list[str]) -> None:
    """The first --show of them."""
    print("".join(f"{problem}\n" for problem in problems[: FLAGS.show]), end="")
    if len(problems) > FLAGS.show:
        print(f"... and {len(problems) - FLAGS.show} more; --show={len(problems)} prints all")


@ending_at_signals("stopped; nothing is known of what was not read")
def main(argv: list[str]) -> None:
    """Checks the folder on the command line; exit code 1 if there are problems."""
    if len(argv) != 2:
        raise app.UsageError("expected one argument, the folder of the data set")
    root = Path(argv[1])
    if scannet.is_scannet(root):
        check_scannet(root)
    if s3dis.is_s3dis(root):
        check_s3dis(root)
    try:
        for name in FLAGS.categories if FLAGS.categories != ["all"] else ():
            check_category(name)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    problems = list(misnamed_categories(root))
    found = categories_in(root) if root.is_dir() else ()
    rows = []
    for category in found if FLAGS.categories == ["all"] else FLAGS.categories:
        if FLAGS.seal:
            unseal(root, category)
        with tqdm(desc=category, unit="shape", leave=False) as bar:
            check = CategoryCheck(root, load_taxonomy(category), bar.update)
            check.run()
        problems += check.problems
        rows += table_rows(check)
        if FLAGS.seal and not check.problems:
            seal_category(root, category)
    print(tabulate(rows, HEADER))
    extent = (len({row[0] for row in rows}), "category"), (len(rows), "category-level"), (len(problems), "problem")
    print(", ".join(counted(*each) for each in extent))
    show_problems([f"{p.file}{'' if p.row is None else f': row {p.row}'}: {p.text}" for p in problems])
    if not rows and not problems:
        print(
            f"{root}: no data set; expected ins_seg_h5, points, tfrecords, shards, scannetv2_train.txt or Area_1 in it"
        )
    sys.exit(1 if problems or not rows else 0)


if __name__ == "__main__":
    app.run(main)
