"""A bandwidth and a lambda for each class of each level: a reading that has them, and the file that keeps them.

The file is a CSV beside the checkpoints of a run, with any number of readings:

    reading,kernel,level,class,bandwidth,lambda
    calibrated,flat,coarse,chair_seat,0.3,0.0
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from instance_seg.clustering.config import ClusterConfig
from instance_seg.files import replacing
from instance_seg.options import name_shown
from instance_seg.structures import Level, Task

FILE_NAME = "readings.csv"
COLUMNS = ["reading", "kernel", "level", "class", "bandwidth", "lambda"]


class ClassValues(NamedTuple):
    """What mean-shift takes for the points of one predicted class."""

    level: str
    class_name: str
    bandwidth: float
    push: float  # lambda of Eq. 7


@dataclasses.dataclass(frozen=True)
class ByClass(ClusterConfig):
    """A clustering whose bandwidth and lambda are those of `values`; its own are of classes without instances."""

    values: tuple[ClassValues, ...] = ()

    @classmethod
    def of(cls, given: ClusterConfig, values: Iterable[ClassValues], **changes: Any) -> "ByClass":
        """A given clustering with such values, and with changes of other settings."""
        return cls(**dataclasses.asdict(given) | changes | {"values": tuple(values)})

    def __post_init__(self):
        super().__post_init__()
        for level, name, bandwidth, push in self.values:
            try:
                ClusterConfig(bandwidth=bandwidth, semantic_center_offset=push)
            except ValueError as error:
                raise ValueError(f"class {name_shown(name)} of level {name_shown(level)}: {error}") from error

    def of_classes(self, level: Level) -> tuple[np.ndarray, np.ndarray]:
        """Bandwidth and lambda of each class, [S] float64 each."""
        bandwidth, push = super().of_classes(level)
        for each in self.values:
            if each.level == level.name:
                s = level.classes.index(each.class_name)
                bandwidth[s], push[s] = each.bandwidth, each.push
        return bandwidth, push

    def recorded(self) -> dict[str, Any]:
        """With {level: {class: {"bandwidth", "lambda"}}} as "by_class", in place of one bandwidth and one lambda."""
        shared = ("bandwidth", "semantic_center_offset", "values")
        by_class: dict[str, dict[str, dict[str, float]]] = {}
        for level, name, bandwidth, push in self.values:
            by_class.setdefault(level, {})[name] = {"bandwidth": bandwidth, "lambda": push}
        return {k: v for k, v in super().recorded().items() if k not in shared} | {"by_class": by_class}


def things_of(task: Task) -> list[tuple[Level, int]]:
    """The classes that have instances, at the levels that are scored: the rows of a reading."""
    return [(task.levels[k], s) for k in task.scored for s in task.levels[k].things]


def write_readings(folder: pathlib.Path, readings: Mapping[str, ByClass]) -> pathlib.Path:
    """Writes the readings into a folder of checkpoints, where they take the places of those of their names."""
    path = folder / FILE_NAME
    rows = [
        pd.DataFrame([(n, each.kernel, *row) for row in each.values], columns=COLUMNS) for n, each in readings.items()
    ]
    if path.exists():
        before = _read(path)
        rows.insert(0, before[~before["reading"].isin(list(readings))])
    with replacing(path) as temporary:
        pd.concat(rows).to_csv(temporary, index=False)
    return path


def read_readings(folder: pathlib.Path, given: ClusterConfig, task: Task) -> dict[str, ByClass]:
    """The readings that a folder of checkpoints keeps, by name; none where it has no such file.

    Args:
        given: has the settings that the file does not.

    Raises:
        ValueError: naming the file, and the reading, for what is no number, and for levels and classes that the task
            does not have, that are missing, or that stand there twice.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    found = {}
    for name, rows in _read(path).groupby("reading", sort=False):
        try:
            if len(kernels := rows["kernel"].unique()) > 1:
                raise ValueError(f"has the kernels {', '.join(map(name_shown, kernels))}, want one")
            values = [ClassValues(*row) for row in rows[COLUMNS[2:]].itertuples(index=False, name=None)]
            _require_classes([each[:2] for each in values], task)
            found[name] = ByClass.of(given, values, kernel=kernels[0])
        except ValueError as error:
            raise ValueError(f"{path}: reading {name_shown(name)}: {error}") from error
    return found


def _require_classes(there: list[tuple[str, str]], task: Task) -> None:
    wanted = [(level.name, level.classes[s]) for level, s in things_of(task)]
    for kind, these in (
        ("the task does not have", [pair for pair in there if pair not in wanted]),
        ("is there twice", [pair for i, pair in enumerate(there) if pair in there[:i]]),
        ("is missing", [pair for pair in wanted if pair not in there]),
    ):
        if these:
            level, name = map(name_shown, these[0])
            raise ValueError(f"class {name} of level {level} {kind}; calibrate the run again")


def _read(path: pathlib.Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # of pandas, too: no text, or rows of differing length
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: is no table ({reason}); remove it and calibrate the run again") from error
    if list(table.columns) != COLUMNS:
        raise ValueError(f"{path}: its columns must be {', '.join(COLUMNS)}; remove it and calibrate the run again")
    if not table["reading"].str.strip().all():
        raise ValueError(f"{path}: a reading has no name")
    try:
        return table.astype({"bandwidth": float, "lambda": float})
    except ValueError as error:
        raise ValueError(f"{path}: a bandwidth or lambda is no number ({error})") from error
