"""Writes procedural rooms in the raw layout of ScanNet v2 or of S3DIS.

    python tools/make_rooms.py --out data/rooms --train 60 --val 10 --test 2
    python tools/make_rooms.py --out data/rooms --size=demo

`--size=demo` or `smoke` is a set of small, coarse rooms for the preset of that name. Rooms of the three splits have
different numbers, and so different plans and furniture.
"""

from pathlib import Path

from absl import app, flags
from tqdm import tqdm

from instance_seg.interrupt import ending_at_signals
from instance_seg.procedural.rooms import KINDS, make_room
from instance_seg.procedural.rooms.scannet_files import SPLITS, TABLE, write_label_table, write_lists, write_scan

SIZES = {"full": (60, 10, 2), "demo": (40, 8, 2), "smoke": (3, 1, 1)}
COARSE = {"full": (0.03, 1.0), "demo": (0.05, 0.75), "smoke": (0.07, 0.6)}  # spacing in meters, scale of the rooms

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "Folder of the data set.", required=True)
flags.DEFINE_enum("size", "full", list(SIZES), "How many rooms, how large and how fine.")
for _split in SPLITS:
    flags.DEFINE_integer(_split, None, f"Rooms in the split {_split}, instead of what --size says.", lower_bound=0)
flags.DEFINE_float("spacing", None, "Distance of vertices in meters.", lower_bound=0.01, upper_bound=0.2)
flags.DEFINE_float("scale", None, "Factor on the size of rooms.", lower_bound=0.5, upper_bound=1.5)
flags.DEFINE_multi_enum("kind", None, list(KINDS), "Kinds of room to make; all by default. May be repeated.")
flags.DEFINE_integer("seed", 0, "Seed of the set.", lower_bound=0)


def scan_folder(root: Path, split: str, number: int) -> Path:
    """Where ScanNet has the files of a scan."""
    return root / ("scans_test" if split == "test" else "scans") / f"scene{number:04d}_00"


@ending_at_signals("stopped; the lists of splits are written last, and the same command starts again")
def main(argv: list[str]) -> None:
    """Makes the rooms that the flags ask for."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    root, kinds = Path(FLAGS.out), FLAGS.kind or list(KINDS)
    spacing, scale = (given or default for given, default in zip((FLAGS.spacing, FLAGS.scale), COARSE[FLAGS.size]))
    numbers, first = {}, 0
    for split, default in zip(SPLITS, SIZES[FLAGS.size]):
        count = default if FLAGS[split].value is None else FLAGS[split].value
        numbers[split] = range(first, first + count)
        first += count
    for split, chosen in numbers.items():
        for number in tqdm(chosen, desc=split, unit="room", leave=False):
            room = make_room(FLAGS.seed, number, spacing, scale, kinds[number % len(kinds)])
            write_scan(scan_folder(root, split, number), room, labeled=split != "test")
    write_label_table(root / TABLE)
    write_lists(root, {split: [scan_folder(root, split, n).name for n in chosen] for split, chosen in numbers.items()})
    print(f"{', '.join(f'{len(chosen)} {split}' for split, chosen in numbers.items())} rooms -> {root}")


if __name__ == "__main__":
    app.run(main)
