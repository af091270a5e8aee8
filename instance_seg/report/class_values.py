"""The table of bandwidth and lambda by class, of the readings that have them so."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from instance_seg.tables import MISSING

VALUES = ("bandwidth", "lambda")


def class_values_table(measured: Any, table: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Networks, parts of the data set, levels and classes x (bandwidth, lambda) of every such reading, over the seeds.

    Args:
        measured: layouts.Measured.
        table: of the description.
    """
    frame = measured.frame
    values = frame[~frame["swept"] & (frame["class"] != "") & frame["measure"].isin(VALUES)]
    columns = [(name, each) for name in dict.fromkeys(values["reading"]) for each in VALUES]
    lines = []
    for names, rows in values.groupby(["variant", "subset", "level", "class"], sort=False):
        of = rows.groupby(["reading", "measure"])["value"].agg(["mean", "std"]).reindex(columns)
        lines.append([*names, *(_over_seeds(mean, spread) for mean, spread in of.itertuples(index=False))])
    return [f"{'h' if each == 'bandwidth' else each} {name}" for name, each in columns], lines


def _over_seeds(mean: float, spread: float) -> str:
    text = MISSING if np.isnan(mean) else f"{mean:.3g}"
    return text if np.isnan(spread) else f"{text} ± {spread:.2g}"
