"""Tells how large instances are and how far apart, class by class, and which bandwidth and lambda that suggests.

    python tools/measure_dataset.py --preset=demo --category=Chair --data_dir=DIR
    python tools/measure_dataset.py --data_set=MODULE:CLASS --data_dir=DIR --csv=spacing.csv

Any data set will do. The training split is read, of which --train_shapes takes the first so many. Lengths are in the
unit in which the network sees a shape. The suggestions follow from labels alone: half of the distance between the
closest tenth of neighboring centers for the bandwidth, a quarter of that for lambda, and no push for a class that never
has two instances in a shape. A network whose offsets are off by more needs a larger bandwidth.
"""

import functools
import sys

import pandas as pd
from absl import app, flags

from instance_seg.config import Config
from instance_seg.data import DATA_SETS
from instance_seg.data.spacing import measure_spacing
from instance_seg.flags import config_from_flags, define_flags, refuse_arguments
from instance_seg.registry import load
from instance_seg.tables import markdown

_CSV = flags.DEFINE_string("csv", "", "A file for the table, besides the screen.")
HEADER = ("level", "class", "instances", "most in a shape", "points", "r80", "distance", "bandwidth", "lambda")


def measure(config: Config) -> pd.DataFrame:
    """A row for each class of each level, with the columns of HEADER."""
    data_set = load(DATA_SETS, "data_set", config.data_set)(config.source)
    clouds = data_set.split(config.data.data_dir, "train", config.data.train_shapes or None)
    found = measure_spacing(clouds, data_set.task(), functools.partial(data_set.pose, config.run.seed))
    return pd.DataFrame([(*each, each.bandwidth, each.push) for each in found], columns=HEADER)


def main(argv: list[str]) -> None:
    """Measures what the flags name."""
    refuse_arguments(argv)
    try:
        table = measure(config_from_flags())
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    shown = table.round(3).astype(object).where(table.notna(), "-")
    print(markdown(HEADER, shown.values.tolist(), num_names=2))
    if _CSV.value:
        table.to_csv(_CSV.value, index=False)


if __name__ == "__main__":
    define_flags()
    app.run(main)
