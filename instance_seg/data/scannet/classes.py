"""The 20 classes of ScanNet's benchmark, and the table from the names of annotators to NYU40."""

from pathlib import Path

import numpy as np
import pandas as pd

from instance_seg.options import shown
from instance_seg.structures import Level

LABEL_TABLE = "scannetv2-labels.combined.tsv"
NYU40 = {
    1: "wall",
    2: "floor",
    3: "cabinet",
    4: "bed",
    5: "chair",
    6: "sofa",
    7: "table",
    8: "door",
    9: "window",
    10: "bookshelf",
    11: "picture",
    12: "counter",
    14: "desk",
    16: "curtain",
    24: "refrigerator",
    28: "shower curtain",
    33: "toilet",
    34: "sink",
    36: "bathtub",
    39: "otherfurniture",
}  # id of NYU40 -> class
IDS = np.array(list(NYU40))  # [20] of the classes, in their order
STUFF = ("wall", "floor")  # classes without instances
LARGEST_ID = 40
LEVEL = Level(1, "object", tuple(NYU40.values()), first_scored=0, things=tuple(range(len(STUFF), len(NYU40))))


def classes_of(ids: np.ndarray) -> np.ndarray:
    """Classes 0 .. 19 of ids of NYU40 [N] in 0 .. 40; -1 where the id is none of the benchmark's."""
    table = np.full(LARGEST_ID + 1, -1, np.int16)
    table[IDS] = np.arange(len(IDS))
    return table[ids]


def read_label_table(path: Path) -> dict[str, str]:
    """What each name that annotators gave is called in NYU40.

    Raises:
        ValueError: the file is missing, is no table, or is another one.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file; it is among the downloads of ScanNet v2")
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # pandas' errors derive from it
        raise ValueError(f"{path}: not readable as a table of tabs ({' '.join(str(error).split())})") from error
    if missing := [name for name in ("raw_category", "nyu40class") if name not in table]:
        raise ValueError(
            f"{path}: has no column {missing[0]}, but {shown(', '.join(table))}; want the table of ScanNet v2, "
            "with its names between tabs"
        )
    return dict(zip(table["raw_category"], table["nyu40class"]))
