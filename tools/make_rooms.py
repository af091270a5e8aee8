"""Writes procedural rooms in the raw layout of ScanNet v2 or of S3DIS.

    python tools/make_rooms.py --out data/rooms --train 60 --val 10 --test 2
    python tools/make_rooms.py --out data/rooms --size=demo
    python tools/make_rooms.py --out data/areas --layout=s3dis --rooms 36
    python tools/make_rooms.py --out docs --gallery

`--size=demo` or `smoke` is a set of smaller, coarser rooms for the preset of that name. No room occurs in two splits or
areas; `--rooms` spreads over six areas.
"""

from collections.abc import Sequence
from pathlib import Path

from absl import app, flags
from tqdm import tqdm

from instance_seg.data.scannet.prepared import SPLITS
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.procedural.rooms import KINDS, make_room
from instance_seg.procedural.rooms.s3dis_files import AREAS, write_area_room
from instance_seg.procedural.rooms.scannet_files import write_label_table, write_lists, write_scan

SIZES = {"full": (60, 10, 2), "demo": (80, 100, 2), "smoke": (3, 1, 1)}  # rooms in train, val and test
ROOMS = {"full": 72, "demo": 36, "smoke": 6}  # in all areas together
COARSE = {"full": (0.03, 1.0), "demo": (0.06, 0.7), "smoke": (0.07, 0.6)}  # spacing in meters, scale of the rooms

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "Folder of the data set.", required=True)
flags.DEFINE_enum("layout", "scannet", ["scannet", "s3dis"], "Whose raw files to write.")
flags.DEFINE_enum("size", "full", list(SIZES), "How many rooms, how large and how fine.")
for _split in SPLITS:
    flags.DEFINE_integer(
        _split, None, f"Rooms in the split {_split} (scannet), instead of what --size says.", lower_bound=0
    )
flags.DEFINE_integer("rooms", None, "Rooms in all areas (s3dis), instead of what --size says.", lower_bound=1)
flags.DEFINE_float("spacing", None, "Distance of vertices in meters.", lower_bound=0.01, upper_bound=0.2)
flags.DEFINE_float("scale", None, "Factor on the size of rooms.", lower_bound=0.5, upper_bound=1.5)
flags.DEFINE_float(
    "closed", 0.0, "Share of the rooms that have a ceiling (scannet; rooms of s3dis all have).", 0.0, 1.0
)
flags.DEFINE_multi_enum("kind", None, list(KINDS), "Kinds of room to make; all by default. May be repeated.")
flags.DEFINE_integer("seed", 0, "Seed of the set.", lower_bound=0)
flags.DEFINE_bool("gallery", False, "Put a picture of one room of each kind into --out, no data set.")


def write_scannet(root: Path, make, sizes: dict[str, int]) -> str:
    """Scans of three splits; `make` gives the room of a number."""
    scans, first = {}, 0
    for split, size in sizes.items():
        scans[split] = [f"scene{number:04d}_00" for number in range(first, first + size)]
        for number, name in enumerate(tqdm(scans[split], desc=split, unit="room", leave=False), first):
            write_scan(root, split, name, make(number))
        first += size
    write_label_table(root)
    write_lists(root, scans)
    return ", ".join(f"{size} {split}" for split, size in sizes.items()) + " rooms"


def write_s3dis(root: Path, make, count: int) -> str:
    """Rooms spread over the areas; `make` gives the room of a number."""
    for number in tqdm(range(count), unit="room", leave=False):
        write_area_room(root, number % AREAS + 1, number // AREAS + 1, make(number))
    return f"{count} rooms in {min(count, AREAS)} areas"


@ending_at_signals("stopped; rooms that were finished are whole, and the same command starts again")
def main(argv: Sequence[str]) -> None:
    """Makes the rooms, or draws the gallery, that the flags ask for."""
    refuse_arguments(argv)
    root, kinds, s3dis = Path(FLAGS.out), FLAGS.kind or list(KINDS), FLAGS.layout == "s3dis"
    if FLAGS.gallery:
        from rooms_gallery import write_rooms  # needs matplotlib, which making a data set does not

        write_rooms(root / "procedural_rooms.png", kinds, FLAGS.seed)
        return
    spacing, scale = (given or default for given, default in zip((FLAGS.spacing, FLAGS.scale), COARSE[FLAGS.size]))

    def make(number: int):
        kind = kinds[(number // AREAS + number % AREAS if s3dis else number) % len(kinds)]
        closed = s3dis or int((number + 1) * FLAGS.closed) > int(number * FLAGS.closed)
        return make_room(FLAGS.seed, number, spacing, scale, kind, closed)

    if s3dis:
        done = write_s3dis(root, make, FLAGS.rooms or ROOMS[FLAGS.size])
    else:
        wanted = {split: FLAGS[split].value for split in SPLITS}
        sizes = zip(SPLITS, SIZES[FLAGS.size])
        done = write_scannet(root, make, {s: n if wanted[s] is None else wanted[s] for s, n in sizes})
    print(f"{done} -> {root}")


if __name__ == "__main__":
    app.run(main)
