"""Prints the categories a data folder has for training and testing, or those of them that are asked for.

python tools/list_categories.py DATA_DIR [all | Chair,Lamp]
python tools/list_categories.py --procedural        those the generator can make
"""

import sys

from absl import app, flags

from instance_seg.data.procedural import available_categories
from instance_seg.data.sources import categories_in, sources_of
from instance_seg.data.taxonomy import check_category

_PROCEDURAL = flags.DEFINE_bool("procedural", False, "print the categories that have a grammar")


def chosen_categories(data_dir: str, wanted: str) -> list[str]:
    """The categories of `data_dir` with both splits; ValueError naming those asked for that are not there."""
    there = [c for c in categories_in(data_dir) if all(sources_of(data_dir, c, s) for s in ("train", "test"))]
    if not there:
        raise ValueError(f"{data_dir}: no category has a train and a test split here")
    if wanted == "all":
        return there
    names = wanted.split(",")
    for name in names:
        check_category(name)
        if name not in there:
            raise ValueError(f"{data_dir}: no train and test split of {name} here; there is {', '.join(there)}")
    return names


def main(argv: list[str]) -> None:
    if _PROCEDURAL.value:
        print(",".join(available_categories()))
        return
    if len(argv) not in (2, 3):
        raise app.UsageError("want a data folder and, at most, a list of categories")
    try:
        print(",".join(chosen_categories(argv[1], argv[2] if len(argv) == 3 else "all")))
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
