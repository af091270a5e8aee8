"""Instances whatever the classes, where a network is unsure of these (ours): all points of a level clustered together.

On shapes unlike those of the training offsets carry over better than classes do. Classes then flicker from point to
point, and mean-shift within each of them cuts every part to pieces. The mean entropy of the class probabilities tells
such shapes: on shapes like those of the validation split it stays below a limit (limit_of). A CSV beside the
checkpoints of a run keeps the limits, the bandwidth across classes, and the reading within classes that is taken below
the limit ("": the run's own):

    level,limit,bandwidth,within,median,clouds
    coarse,0.156,0.2,calibrated,0.07,40
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from instance_seg.clustering.by_class import ByClass, read_readings
from instance_seg.clustering.config import ClusterConfig
from instance_seg.files import replacing
from instance_seg.options import Settings, shown
from instance_seg.structures import Task

ACROSS, AUTO = "across classes", "auto"  # names of readings
FILE_NAME, COLUMNS = "entropy.csv", ("level", "limit", "bandwidth", "within", "median", "clouds")
MARGIN = 1.2  # by which a limit is above the largest entropy of the validation split
MISTAKEN = 0.01  # share of clouds like those of the validation split that may be taken for unlike ones


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


def limit_of(entropies: Sequence[float], num_classes: int) -> float:
    """The mean entropy beyond which a cloud is unlike the validation clouds, MARGIN above the largest of theirs.

    One more cloud like them is beyond the largest of n with a probability of 1 / (n + 1), whatever the distribution. If
    that is more than MISTAKEN, n clouds are too few for their largest to be a limit alone: then it is no lower than the
    bound that a further draw from a log-normal distribution passes with the probability MISTAKEN, as far as n draws
    tell mean and spread (Student's t). It ends at log(num_classes), which no entropy passes: after two or three clouds
    none is unlike.

    Args:
        entropies: (nats) of n >= 1 validation clouds at a level.
        num_classes: of the level.
    """
    count, largest = len(entropies), MARGIN * max(entropies)
    if 1 / (count + 1) <= MISTAKEN:
        return largest
    highest = np.log(num_classes)
    if count == 1:
        return max(largest, highest)
    logs = np.log(np.maximum(entropies, np.finfo(np.float32).tiny))
    reach = stdtrit(count - 1, 1 - MISTAKEN) * np.sqrt(1 + 1 / count)
    return max(largest, np.exp(min(logs.mean() + reach * logs.std(ddof=1), np.log(highest))))


def write_limits(
    folder: pathlib.Path, task: Task, entropies: Mapping[str, Sequence[float]], bandwidth: float, within: str = ""
) -> pathlib.Path:
    """Writes the limits that follow from the mean entropies of validation clouds, level by level; gives the file."""
    classes = {level.name: len(level.classes) for level in task.levels}
    rows = [
        (name, limit_of(of, classes[name]), bandwidth, within, np.median(of), len(of)) for name, of in entropies.items()
    ]
    path = folder / FILE_NAME
    with replacing(path) as temporary:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(temporary, index=False, float_format="%.5g")
    return path


def read_across(folder: pathlib.Path, task: Task, within: Mapping[str, ClusterConfig]) -> dict[str, Across]:
    """The readings ACROSS and AUTO of a folder of checkpoints; none where it keeps no limits.

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
        table = pd.read_csv(path, keep_default_na=False).astype({"limit": float, "bandwidth": float, "within": str})
        if table["level"].tolist() != names or not (table["limit"] >= 0).all():
            raise ValueError(f"want a limit of 0 or more for each of {', '.join(names)}")
        bandwidth, name = float(table["bandwidth"][0]), table["within"][0]
        ClusterConfig(bandwidth=bandwidth)
        if name not in within:
            raise ValueError(f"there is no reading {shown(name)}")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}; calibrate the run again") from error
    limits = tuple(zip(names, table["limit"].tolist()))
    return {n: Across(within[name], bandwidth, each) for n, each in ((ACROSS, None), (AUTO, limits))}


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
