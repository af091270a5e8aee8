"""results.json: what one run has measured; the only thing reports are made of.

    {"schema": 2,
     "run": {"task", "dataset", "subset", "variant", "preset", "seed", "iterations",
             "seconds": {"train", "predict", "cluster", "metrics"},
             "level", "parameters", "ap_arithmetic", "commit", "machine", "schedule", "engine"},
     "readings": {reading: {"settings": {setting: value},
                            "levels": {level: {measure: value,
                                               "per_class": {class: {measure: value, "instances"}}}},
                            "mean": {measure: value}}}}

"task" is the kind of the data set ("partnet"), "dataset" the name of this one, "subset" its part ("Chair"; "" where a
data set has none). A reading is one way to make instances of a network's outputs, with the settings that tell it from
the others; a run has one or more, all with the same levels. The names of readings, levels and measures are those of the
system, the task and the metrics; levels come coarse to fine. A value is a number, or null where nothing could be
measured; "mean" is the mean over the levels where it could.

"level" is the number of the only level of a network trained for it alone, 0 for a network of all levels; "parameters"
counts its trainable parameters; "commit" is that of the program that measured, null if it is not known. "ap_arithmetic"
is in which average precision compared recall with its levels (metrics/average_precision.py). More keys may follow.

A checkpoint measured again with other settings is not another run: its files lie below the run, in
RUN/sweep/NAME/results.json, with readings of their own.
"""

import math
import os
from collections.abc import Iterable, Mapping
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
_LARGEST = 10**15  # of all numbers
_RUN_TYPES = {
    "task": str,
    "dataset": str,
    "subset": str,
    "variant": str,
    "preset": str,
    "seed": int,
    "iterations": int,
    "seconds": dict,
}
_MAY_BE_THERE = {"level": int, "ap_arithmetic": str}
_MAY_BE_NULL = {"parameters": int, "commit": str}


def build_results(run: Mapping[str, Any], readings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Puts a run's measures into the schema.

    Args:
      run: the keys of "run"; what else it holds is kept.
      readings: {name: {"settings", "levels"}} as in the schema; a measure that is not finite becomes null.

    Raises:
      ValueError: a key of "run" is missing or of the wrong type, or the readings have different levels.
    """
    built = {}
    for name, reading in readings.items():
        levels = {level: _with_nulls(entry) for level, entry in reading["levels"].items()}
        built[name] = {"settings": dict(reading["settings"]), "levels": levels, "mean": mean_over_levels(levels)}
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

    Raises:
      ValueError: there is none, or one of them is malformed.
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
    _require(results, dict, where, "the file")
    if results.get("schema") != SCHEMA:
        raise ValueError(
            f"{where}: schema is {shown(results.get('schema'))}, this program reads {SCHEMA}; evaluate the run again"
        )
    _check_run(_entry(results, "run", dict, where), where)
    readings = _entry(results, "readings", dict, where)
    if not readings:
        raise ValueError(f"{where}: readings is empty; a run has at least one")
    for name, reading in readings.items():
        _check_name(name, where, "readings")
        _check_reading(_require(reading, dict, where, f"readings.{name_shown(name)}"), where, name_shown(name))
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


def _check_run(run: Mapping[str, Any], where: str) -> None:
    for name, kind in _RUN_TYPES.items():
        _entry(run, name, kind, where, "run.")
    for name, kind in (_MAY_BE_THERE | _MAY_BE_NULL).items():
        if name in run and (name in _MAY_BE_THERE or run[name] is not None):
            _entry(run, name, kind, where, "run.")
    for stage in STAGES:
        _entry(run["seconds"], stage, float, where, "run.seconds.")
    if not run["variant"].strip():
        raise ValueError(f"{where}: run.variant is empty; expected the name of a network")
    if run.get("ap_arithmetic", ARITHMETICS[0]) not in ARITHMETICS:
        raise ValueError(f"{where}: run.ap_arithmetic is unknown; expected one of {', '.join(ARITHMETICS)}")


def _check_reading(reading: Mapping[str, Any], where: str, name: str) -> None:
    here = f"readings.{name}."
    for setting, value in _entry(reading, "settings", dict, where, here).items():
        path = f"{here}settings.{name_shown(setting)}"
        _check_name(setting, where, f"{here}settings")
        if not isinstance(value, bool):
            _require(value, str if isinstance(value, str) else float, where, path)
    mean = _entry(reading, "mean", dict, where, here)
    levels = _entry(reading, "levels", dict, where, here)
    if not levels:
        raise ValueError(f"{where}: {here}levels is empty; a reading has at least one")
    for level, entry in levels.items():
        inside = f"{here}levels.{name_shown(level)}"
        _check_name(level, where, f"{here}levels")
        _check_measures(_require(entry, dict, where, inside), mean, where, inside)
        for part, measured in _entry(entry, PER_CLASS, dict, where, f"{inside}.").items():
            path = f"{inside}.{PER_CLASS}.{name_shown(part)}"
            _check_name(part, where, f"{inside}.{PER_CLASS}")
            _check_measures(_require(measured, dict, where, path), (), where, path)
            _entry(measured, INSTANCES, int, where, f"{path}.")
    _check_measures(mean, mean_over_levels(levels), where, f"{here}mean")


def _check_measures(mapping: Mapping[str, Any], wanted: Iterable[str], where: str, prefix: str) -> None:
    """The wanted measures are there, and every measure is a number or null."""
    for name in dict.fromkeys([*wanted, *mapping]):
        _check_name(name, where, prefix)
        if name != PER_CLASS and (name not in mapping or mapping[name] is not None):
            _entry(mapping, name, float, where, f"{prefix}.")


def _check_name(name: str, where: str, of: str) -> None:
    """A key that tables print: text that is not blank."""
    if not _require(name, str, where, of).strip():
        raise ValueError(f"{where}: {of} has an empty key; expected a name")


def _entry(mapping: Mapping[str, Any], key: str, kind: type, where: str, prefix: str = "") -> Any:
    path = prefix + name_shown(key)
    if key not in mapping:
        raise ValueError(f"{where}: {path} is missing")
    return _require(mapping[key], kind, where, path)


def _require(value: Any, kind: type, where: str, key: str) -> Any:
    """The value, if it is of a kind; a float may be written as an integer, but true is no number."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where}: {key} is {type(value).__name__}, expected {kind.__name__}")
    if kind in (int, float) and not -_LARGEST <= value <= _LARGEST:  # nor is NaN or infinity
        raise ValueError(f"{where}: {key} is {shown(value)}, expected a number of at most {_LARGEST:.0e}")
    if kind is str and any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError(f"{where}: {key} is {shown(value)}, which is no text: half of a surrogate pair")
    return value
