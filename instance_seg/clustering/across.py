"""What becomes of classes that a network is unsure of (ours): they are nested, or instances do without them.

A fine part lies in one coarse part, so a class is no likelier than the one around it: nested_classes. It gains a little
on shapes like those of the training.

On shapes unlike those of the training offsets carry over better than classes do. Classes then flicker from point to
point, and mean-shift within each of them cuts every part to pieces. The mean entropy of the class probabilities tells
such shapes: on those of the validation split it stays below a limit. A CSV beside the checkpoints of a run keeps the
limits, the bandwidth across classes, and the reading within classes that is taken below the limit ("": the run's own),
with nested classes or without:

    level,limit,bandwidth,within,nested,median,clouds
    coarse,0.156,0.2,calibrated,True,0.07,40
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from instance_seg.clustering.by_class import ByClass, read_readings
from instance_seg.clustering.config import ClusterConfig
from instance_seg.files import replacing
from instance_seg.options import Settings, shown
from instance_seg.structures import LevelReadout, Task, classes_above

NESTED, ACROSS, AUTO = "nested classes", "across classes", "auto"  # names of readings
FILE_NAME, COLUMNS = "entropy.csv", ("level", "limit", "bandwidth", "within", "nested", "median", "clouds")
MARGIN = 1.2  # by which a limit is above the largest entropy of the validation split
FLOOR = 1e-6  # of a probability: no level rules a class out for good


@dataclasses.dataclass(frozen=True)
class Across(Settings):
    """Another reading at levels where the network is sure of the classes; elsewhere one that does without them."""

    within: ClusterConfig
    bandwidth: float  # of mean-shift across classes
    limits: tuple[tuple[str, float], ...] | None = None  # level, mean entropy (nats) beyond which it is; None: always

    def is_unlike(self, level: str, entropy: float) -> bool | None:
        """Whether a cloud of this mean entropy is unlike the training's at a level; None where there are no limits."""
        return None if self.limits is None else bool(entropy > dict(self.limits)[level])

    def recorded(self) -> dict[str, Any]:
        """The settings that change a result; of the other reading as well where it is in use."""
        if self.limits is None:
            return {"bandwidth": self.bandwidth, "across_classes": True}
        limits = {f"entropy_limit_{level}": limit for level, limit in self.limits}
        return self.within.recorded() | {"across_bandwidth": self.bandwidth} | limits


def classes_by_vote(ids: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The class of each point's instance, the one with the largest sum of probabilities over its points: [N] int32.

    Args:
        ids: [N] int >= 0, instance of each point.
        probabilities: [N, S] float.
    """
    sums = np.stack([np.bincount(ids, column) for column in probabilities.T], axis=1)
    return sums.argmax(axis=1).astype(np.int32)[ids]


def nested_classes(readout: Sequence[LevelReadout], task: Task) -> tuple[LevelReadout, ...]:
    """The readout with probabilities that are products over levels: of a class, and of those that it lies in.

    Points of class "chair/chair_back/back_surface" should be of "chair/chair_back" as well, so its probability is
    multiplied by that of the latter at the coarser level, and divided by the sum over the classes of its own level. A
    class that lies in none that is listed is left alone: no network learns class 0, which would stand for it.
    """
    log_p = {k: np.log(np.maximum(readout[k].probabilities, FLOOR)) for k in task.scored}
    nested = list(readout)
    for k in task.scored[1:]:
        total, names = log_p[k].copy(), task.levels[k].classes
        for j in (j for j in task.scored if j < k):
            above = classes_above(names, task.levels[j].classes)
            is_listed = (above > 0) | (np.arange(len(above)) == 0)
            total += np.where(is_listed, log_p[j][:, above], 0)
        total -= total.max(axis=1, keepdims=True)
        total -= np.log(np.exp(total).sum(axis=1, keepdims=True))
        p = np.exp(total)
        nested[k] = readout[k]._replace(
            semantic=p.argmax(axis=1).astype(np.int32), certainty=(p * total).sum(axis=1), probabilities=p
        )
    return tuple(nested)


def write_limits(
    folder: pathlib.Path,
    entropies: Mapping[str, Sequence[float]],
    bandwidth: float,
    within: str = "",
    nested: bool = False,
) -> pathlib.Path:
    """Writes the limits that follow from the mean entropies of validation clouds, level by level; gives the file."""
    rows = [
        (name, MARGIN * max(of), bandwidth, within, nested, np.median(of), len(of)) for name, of in entropies.items()
    ]
    path = folder / FILE_NAME
    with replacing(path) as temporary:
        pd.DataFrame(rows, columns=COLUMNS).round(4).to_csv(temporary, index=False)
    return path


def read_across(
    folder: pathlib.Path, task: Task, within: Mapping[str, ClusterConfig]
) -> dict[str, ClusterConfig | Across]:
    """The readings NESTED, if it is in use, ACROSS and AUTO of a folder of checkpoints; none where it keeps no limits.

    Args:
        folder: with FILE_NAME in it, or not.
        task: whose scored levels have limits.
        within: readings within classes, the run's own as "".

    Raises:
        ValueError: naming the file, which is no table, or not of the levels of the task, or has wrong values.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return {}
    names = [task.levels[k].name for k in task.scored]
    try:
        table = pd.read_csv(path, keep_default_na=False).astype(dict(zip(COLUMNS[1:5], (float, float, str, str))))
        if table["level"].tolist() != names or not (table["limit"] >= 0).all():
            raise ValueError(f"want a limit of 0 or more for each of {', '.join(names)}")
        bandwidth, name = float(table["bandwidth"][0]), table["within"][0]
        ClusterConfig(bandwidth=bandwidth)
        if name not in within:
            raise ValueError(f"there is no reading {shown(name)}")
        if (nested := table["nested"][0]) not in ("True", "False"):
            raise ValueError("nested must be True or False")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}; calibrate the run again") from error
    limits = tuple(zip(names, table["limit"].tolist()))
    inside = dataclasses.replace(within[name], nested_classes=nested == "True")
    across = {n: Across(inside, bandwidth, each) for n, each in ((ACROSS, None), (AUTO, limits))}
    return {NESTED: inside, **across} if inside.nested_classes else across


def stored_readings(folder: pathlib.Path, given: ClusterConfig, task: Task) -> dict[str, ByClass | Across]:
    """All readings that a folder of checkpoints keeps; arguments and errors as of read_readings and read_across."""
    of_classes = read_readings(folder, given, task)
    return of_classes | read_across(folder, task, {"": given, **of_classes})


def beginning_with(first: str, readings: Mapping[str, Settings]) -> dict[str, Settings]:
    """The readings, of which the one of that name comes first, if it is among them."""
    return {first: readings[first], **readings} if first in readings else dict(readings)


def chosen_reading(readings: Mapping[str, Settings], name: str, given: Mapping[str, Any]) -> Settings:
    """One of the readings by its name, or by what it does.

    Args:
        readings: the first is within classes.
        name: "within": the first; "across": ACROSS; "auto": AUTO, or the first where there is none; or a name;
            "": auto, or within where a value of the reading is given.
        given: settings of a user's own, which are those of the first reading, too.

    Raises:
        ValueError: there is no such reading, or it does not use what is given.
    """
    first = next(iter(readings))
    own = {key: value for key, value in given.items() if key in readings[first].recorded()}
    name = name or ("within" if own else "auto")
    short = {"within": first, "across": ACROSS, "auto": AUTO if AUTO in readings else first}
    if (found := short.get(name, name)) not in readings:
        raise ValueError(f"--reading={name}: there are {', '.join(readings)}; instance_seg.calibrate adds others")
    reading = readings[found]
    if found == ACROSS and "bandwidth" in own:
        reading = dataclasses.replace(reading, bandwidth=own["bandwidth"])
    if ignored := [key for key, value in own.items() if reading.recorded().get(key) != value]:
        raise ValueError(f"--{ignored[0]}: the reading {found} does without it; leave out one of the two")
    return reading
