"""results.json: what one run has measured; the only thing reports are made of.

    {"schema": 2,
     "run": {"task", "dataset", "subset", "variant", "preset", "seed", "iterations",
             "seconds": {"train", "predict", "cluster", "metrics"},
             "level", "parameters", "ap_arithmetic", "commit", "machine", "schedule", "engine"},
     "readings": {reading: {"settings": {setting: value},
                            "levels": {level: {measure: value,
                                               "per_class": {class: {measure: value, "instances"}}}},
                            "misses": {level: {class: {outcome: instances, what: value}}},
                            "mean": {measure: value}}}}

"task" is the kind of the data set ("partnet"), "dataset" the name of this one, "subset" its part ("Chair"; "" where a
data set has none). A reading is one way to make instances of a network's outputs, with the settings that tell it from
the others; a run has one or more, all with the same levels. The names of readings, levels and measures are those of the
system, the task and the metrics; levels come coarse to fine. A value is a number, or null where nothing could be
measured; "mean" is the mean over the levels where it could. A reading whose bandwidth and lambda differ from class to
class has {level: {class: {"bandwidth", "lambda"}}} as its setting "by_class". "misses" says what became of the true
instances and their points (metrics/diagnosis.py); results of earlier versions lack it.

"level" is the number of the only level of a network trained for it alone, 0 for a network of all levels; "parameters"
counts its trainable parameters; "clouds" those that were evaluated; "begun_with" is the name of the checkpoint or file
that the training began with, "" for random weights; "commit" is that of the program that measured, null if it is not
known. "ap_arithmetic" is in which average precision compared recall with its levels (metrics/average_precision.py).
More keys may follow.

A checkpoint measured again with other settings is not another run: its files lie below the run, in
RUN/sweep/NAME/results.json, with readings of their own.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from instance_seg.files import read_json, write_json
from instance_seg.metrics.average_precision import ARITHMETICS
from instance_seg.options import name_shown, shown

SCHEMA = 2
FILE_NAME = "results.json"
SWEEP = "sweep"  # folder of a run that holds the same checkpoint, read with other settings
STAGES = ("train", "predict", "cluster", "metrics")
PER_CLASS, INSTANCES = "per_class", "instances"
COUNTS = (INSTANCES, "rooms", "proposals", "union")  # of a class: no measures, but what measures are means over
_LARGEST = 10**15  # of all numbers
_MEASURE = (float, None)
# A mapping has the keys that stand here, those with a ? perhaps; other keys have any name and the values of `...`, or
# are left alone. Of several types any will do; None is null.
_FORM = {
    "run": {
        **dict.fromkeys(("task", "dataset", "subset", "variant", "preset"), str),
        **dict.fromkeys(("seed", "iterations", "level?"), int),
        "seconds": dict.fromkeys(STAGES, float),
        "ap_arithmetic?": str,
        "parameters?": (int, None),
        "clouds?": int,
        "begun_with?": str,
        "commit?": (str, None),
    },
    "readings": {
        ...: {
            "settings": {"by_class?": {...: {...: {"bandwidth": float, "lambda": float}}}, ...: (float, str, bool)},
            "levels": {...: {PER_CLASS: {...: {INSTANCES: int, ...: _MEASURE}}, ...: _MEASURE}},
            "misses?": {...: {...: {...: _MEASURE}}},
            "mean": {...: _MEASURE},
        }
    },
}


def build_results(run: Mapping[str, Any], readings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Puts a run's measures into the schema.

    Args:
      run: the keys of "run"; what else it holds is kept.
      readings: {name: {"settings", "levels", "misses"}} as in the schema, "misses" may be left out; a measure that is
        not finite becomes null.

    Raises:
      ValueError: a key of "run" is missing or of the wrong type, or the readings have different levels.
    """
    built = {}
    for name, reading in readings.items():
        levels = {level: _with_nulls(entry) for level, entry in reading["levels"].items()}
        built[name] = {"settings": dict(reading["settings"]), "levels": levels, "mean": mean_over_levels(levels)}
        if "misses" in reading:
            built[name]["misses"] = {
                level: {part: {what: _plain(value) for what, value in found.items()} for part, found in classes.items()}
                for level, classes in reading["misses"].items()
            }
    results = {"schema": SCHEMA, "run": dict(run), "readings": built}
    check_results(results, "results")
    return results


def mean_over_levels(levels: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """Every measure, averaged over the levels where it is defined."""
    means = {}
    for measure in dict.fromkeys(name for entry in levels.values() for name in entry if name != PER_CLASS):
        values = [value for value in (_plain(entry.get(measure)) for entry in levels.values()) if value is not None]
        means[measure] = sum(values) / len(values) if values else None
    return means


def write_results(folder: str | os.PathLike, results: Mapping[str, Any]) -> Path:
    """Writes results.json into the folder of a run, whole or not at all; returns its path."""
    path = Path(folder) / FILE_NAME
    check_results(results, str(path))
    write_json(path, results, indent=1)
    return path


def read_results(path: str | os.PathLike) -> dict[str, Any]:
    """Reads and checks a results.json. Raises ValueError naming the file and the key for what is amiss."""
    results = read_json(path)
    check_results(results, str(path))
    return results


def find_results(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Reads every results.json at or below a folder, in the order of their paths; those of sweeps are left out.

    Raises ValueError if there is none, or one of them is malformed.
    """
    if not Path(folder).is_dir():
        raise ValueError(f"{folder}: no such folder; name the one that holds the runs")
    paths = [path for path in _result_files(folder) if not _in_sweep(path, folder)]
    if not paths:
        raise ValueError(f"{folder}: no {FILE_NAME} at or below it; train and evaluate a run there first")
    return [read_results(path) for path in paths]


def find_sweep(folder: str | os.PathLike) -> list[dict[str, Any]]:
    """Reads every RUN/sweep/NAME/results.json below a folder; there may be none."""
    return [read_results(path) for path in _result_files(folder) if _in_sweep(path, folder)]


def check_results(results: Any, where: str) -> None:
    """Raises ValueError naming `where` and the key unless `results` follows the schema."""
    _require(results, (dict,), where, "the file")
    if results.get("schema") != SCHEMA:
        raise ValueError(
            f"{where}: schema is {shown(results.get('schema'))}, this program reads {SCHEMA}; evaluate the run again"
        )
    _check(results, _FORM, where, "")
    run, readings = results["run"], results["readings"]
    if not run["variant"].strip():
        raise ValueError(f"{where}: run.variant is empty; expected the name of a network")
    if run.get("ap_arithmetic", ARITHMETICS[0]) not in ARITHMETICS:
        raise ValueError(f"{where}: run.ap_arithmetic is unknown; expected one of {', '.join(ARITHMETICS)}")
    if not readings:
        raise ValueError(f"{where}: readings is empty; a run has at least one")
    for name, reading in readings.items():
        here, levels, mean = f"readings.{name_shown(name)}", reading["levels"], reading["mean"]
        if not levels:
            raise ValueError(f"{where}: {here}.levels is empty; a reading has at least one")
        for level, entry in levels.items():
            _require_keys(entry, mean, where, f"{here}.levels.{name_shown(level)}.")
        _require_keys(mean, mean_over_levels(levels), where, f"{here}.mean.")
    first, *others = readings
    for other in others:
        levels = [list(readings[name]["levels"]) for name in (first, other)]
        if levels[0] != levels[1]:
            raise ValueError(
                f"{where}: levels of reading {name_shown(first)} are {shown(levels[0])}, of reading "
                f"{name_shown(other)} {shown(levels[1])}; they must be the same"
            )


def _result_files(folder: str | os.PathLike) -> list[Path]:
    return sorted(Path(folder).rglob(FILE_NAME))


def _in_sweep(path: Path, folder: str | os.PathLike) -> bool:
    return SWEEP in path.relative_to(folder).parts


def _with_nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One level's measures as JSON has them: plain numbers, and null for NaN."""
    measures = {name: _plain(value) for name, value in entry.items() if name != PER_CLASS}
    of_classes = {
        name: {measure: _plain(value) for measure, value in measured.items()}
        for name, measured in entry[PER_CLASS].items()
    }
    return {**measures, PER_CLASS: of_classes}


def _plain(value: Any) -> int | float | None:
    if value is None or not math.isfinite(value):
        return None
    return int(value) if isinstance(value, Integral) else float(value)


def _check(value: Any, form: Any, where: str, path: str) -> None:
    """Raises ValueError unless a value, found at `path`, has a form as in _FORM."""
    if not isinstance(form, dict):
        _require(value, form if isinstance(form, tuple) else (form,), where, path)
        return
    _require(value, (dict,), where, path)
    prefix = f"{path}." if path else ""
    _require_keys(value, [name for name in form if name is not ... and not name.endswith("?")], where, prefix)
    for name, inside in value.items():
        if ... in form and not _require(name, (str,), where, path).strip():
            raise ValueError(f"{where}: {path} has an empty key; expected a name")
        inner = next((form[key] for key in (name, f"{name}?", ...) if key in form), None)
        if inner is not None:
            _check(inside, inner, where, prefix + name_shown(name))


def _require_keys(mapping: Mapping[str, Any], names: Iterable[str], where: str, prefix: str) -> None:
    for name in names:
        if name not in mapping:
            raise ValueError(f"{where}: {prefix}{name_shown(name)} is missing")


def _require(value: Any, kinds: Sequence[type | None], where: str, key: str) -> Any:
    """The value, if it is of a kind; a float may be written as an integer, but true is no number."""
    accepted = (*(type(None) if kind is None else kind for kind in kinds), *[int] * (float in kinds))
    if not isinstance(value, accepted) or isinstance(value, bool) and bool not in kinds:
        raise ValueError(f"{where}: {key} is {type(value).__name__}, expected {kinds[0].__name__}")
    if isinstance(value, (int, float)) and not -_LARGEST <= value <= _LARGEST:  # nor is NaN or infinity
        raise ValueError(f"{where}: {key} is {shown(value)}, expected a number of at most {_LARGEST:.0e}")
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(f"{where}: {key} is {shown(value)}, which is no text: half of a surrogate pair")
    return value
