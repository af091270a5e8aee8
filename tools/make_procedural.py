"""Writes a set of procedural shapes in PartNet's own layout, or draws the gallery of them.

    python tools/make_procedural.py --out data/procedural --categories=Chair,Table --shapes 200
    python tools/make_procedural.py --gallery --out docs --shapes 200

`--shapes` splits 70 / 10 / 20 percent into train, val and test; `--size=demo` or `smoke` is a set for the preset of
that name; `--train`, `--val`, `--test` set a split's size.
"""

from pathlib import Path

from absl import app, flags
from tqdm import tqdm

from instance_seg.data.partnet.hdf5.trees import count_shapes, write_split
from instance_seg.data.partnet.taxonomy import check_category, load_taxonomy
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.procedural import available_categories, generate_shape
from instance_seg.tables import counted

SPLITS = ("train", "val", "test")
SHARES = (0.7, 0.1, 0.2)
SIZES = {"demo": (400, 8, 60), "smoke": (16, 2, 4)}

FLAGS = flags.FLAGS
flags.DEFINE_string("out", None, "Folder of the data set; PartNet's trees are made below it.", required=True)
flags.DEFINE_list("categories", ["all"], "Categories to make, or `all`.")
flags.DEFINE_integer("shapes", 40, "Shapes of a category, all splits together.", lower_bound=3)
flags.DEFINE_enum("size", None, list(SIZES), "Sizes of the splits for the preset of this name, instead of --shapes.")
for _split in SPLITS:
    flags.DEFINE_integer(
        _split, None, f"Shapes in the split {_split}, instead of what --shapes or --size says.", lower_bound=1
    )
flags.DEFINE_integer("num_points", 10000, "Points of a shape.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of the set.", lower_bound=0)
flags.DEFINE_float("sturdy", 0.0, "Share of sturdy pieces among chairs, lamps, storage and tables.", 0.0, 1.0)
flags.DEFINE_bool("skip_existing", False, "Leave categories alone that are there in the sizes asked for.")
flags.DEFINE_bool("gallery", False, "Put a contact sheet and statistics of --shapes shapes into --out, no data set.")


def split_sizes(shapes: int, size: str | None, wanted: dict[str, int | None]) -> dict[str, int]:
    """Shapes of each split: what is wanted of it, else what the named size says, else its share of `shapes`."""
    if size is None:
        val, test = (max(1, round(share * shapes)) for share in SHARES[1:])
        sizes = (shapes - val - test, val, test)
    else:
        sizes = SIZES[size]
    return {split: wanted.get(split) or count for split, count in zip(SPLITS, sizes)}


def is_there(out: Path, category: str, sizes: dict[str, int]) -> bool:
    """Whether every split of the category can be read and has the size asked for."""
    try:
        return all(count_shapes(out, category, split) == size for split, size in sizes.items())
    except ValueError:
        return False


def chosen_categories(names: list[str]) -> tuple[str, ...]:
    """The categories asked for; `all` means every one that has a grammar.

    Raises:
        ValueError: a category is unknown or has no grammar.
    """
    if names == ["all"]:
        return available_categories()
    for name in names:
        check_category(name)
        if name not in available_categories():
            raise ValueError(f"--categories: no grammar makes {name}; there are {', '.join(available_categories())}")
    return tuple(names)


def make_category(out: Path, category: str, sizes: dict[str, int], seed: int, num_points: int, sturdy: float) -> None:
    """Writes the splits of one category; no index occurs in two of them."""
    first = 0
    for split, size in sizes.items():
        indices = tqdm(range(first, first + size), desc=f"{category} {split}", unit="shape", leave=False)
        shapes = (generate_shape(category, seed, index, num_points, sturdy) for index in indices)
        write_split(out, category, split, shapes, load_taxonomy(category))
        first += size


@ending_at_signals("stopped; splits that were finished are whole, and the same command starts again")
def main(argv: list[str]) -> None:
    """Makes the data set or draws the gallery that the flags ask for."""
    refuse_arguments(argv)
    try:
        categories = chosen_categories(FLAGS.categories)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    if FLAGS.gallery:
        from procedural_gallery import write_gallery  # needs matplotlib, which making a data set does not

        write_gallery(Path(FLAGS.out), categories, FLAGS.seed, FLAGS.shapes)
        return
    sizes = split_sizes(FLAGS.shapes, FLAGS.size, {split: FLAGS[split].value for split in SPLITS})
    for category in categories:
        if FLAGS.skip_existing and is_there(Path(FLAGS.out), category, sizes):
            continue
        make_category(Path(FLAGS.out), category, sizes, FLAGS.seed, FLAGS.num_points, FLAGS.sturdy)
    counts = ", ".join(f"{size} {split}" for split, size in sizes.items())
    print(f"{counted(len(categories), 'category')}, each {counts} -> {FLAGS.out}")


if __name__ == "__main__":
    app.run(main)
