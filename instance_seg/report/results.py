"""results.json: what one run has measured, in percent; the only thing reports are made of.

    {"schema": 1,
     "run": {"category", "variant", "preset", "seed", "dataset", "iterations", "semantic_center_offset",
             "seconds": {"train", "predict", "cluster", "metrics"},
             "ap_arithmetic", "level", "parameters", "commit", "machine", "schedule", "engine"},
     "levels": {"1": {"AP25", "AP50", "AP75", "sAP50", "mIoU",
                      "per_part": {part name: {"AP25", "AP50", "AP75", "instances"}}}, ...},
     "mean": {"AP25", "AP50", "AP75", "sAP50", "mIoU"},
     "without_region_centers": {"levels", "mean"}}

Levels are those that exist in the category, "1" the coarsest. `without_region_centers` holds the same checkpoint
clustered with lambda = 0, the rows with a dagger in the paper. An undefined measure is null. "level" is the only level
of a network trained for it alone, 0 for a network of all levels; "parameters" counts its trainable parameters; "commit"
is that of the program that measured, null if it is not known. "ap_arithmetic" is in which average precision compared
recall with its levels (metrics/average_precision.py): "float32" as published; results without the key are older than it
and were measured in float64. More keys may follow, such as "bandwidth" and
"region_push" in "run".

A checkpoint measured again with other settings of the clustering is not another run: its files lie below the run, in
RUN/sweep/NAME/results.json, and say in "run" which bandwidth and lambda (semantic_center_offset) they are of.
"""

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instance_seg.files import read_json, write_json
from instance_seg.metrics.average_precision import ARITHMETICS
from instance_seg.metrics.partnet import LevelMetrics
from instance_seg.options import name_shown, shown

SCHEMA = 1
FILE_NAME = "results.json"
SWEEP = "sweep"  # folder of a run that holds the same checkpoint, clustered with other settings
MEASURES = ("AP25", "AP50", "AP75", "sAP50", "mIoU")
STAGES = ("train", "predict", "cluster", "metrics")
_MORE_MEASURES = ("mIoU_v1", "mIoU_v3")
_BEFORE_THE_KEY = "float64"  # arithmetic of results that do not say in which they were measured
_LARGEST = 10**15  # of the numbers that a run counts
_RUN_TYPES = {
    "category": str,
    "variant": str,
    "preset": str,
    "seed": int,
    "dataset": str,
    "iterations": int,
    "semantic_center_offset": float,
    "seconds": dict,
}
_MAY_BE_THERE = {"bandwidth": float, "region_push": str, "level": int, "ap_arithmetic": str}
_MAY_BE_NULL = {"parameters": int, "commit": str}


def build_results(
    run: Mapping[str, Any], levels: Mapping[int, LevelMetrics], without_region_centers: Mapping[int, LevelMetrics]
) -> dict[str, Any]:
    """Puts a run's measures into the schema.

    Args:
      run: the keys of "run"; what else it holds is kept.
      levels: level index (0 = coarsest) -> measures of that level.
      without_region_centers: the same for lambda = 0.

    Raises:
      ValueError: a key of "run" is missing or of the wrong type, or the two rows have different levels.
    """
    results = {
        "schema": SCHEMA,
        "run": dict(run),
        **row_of(levels),
        "without_region_centers": row_of(without_region_centers),
    }
    check_results(results, "results")
    return results


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
        raise ValueError(f"{where}: schema is {results.get('schema')!r}, this program reads {SCHEMA}")
    _check_run(_entry(results, "run", dict, where), where)
    _check_row(results, where, "")
    without = _entry(results, "without_region_centers", dict, where)
    _check_row(without, where, "without_region_centers.")
    if set(without["levels"]) != set(results["levels"]):
        raise ValueError(
            f"{where}: levels are {sorted(results['levels'])}, "
            f"without_region_centers.levels are {sorted(without['levels'])}; they must be the same"
        )


def arithmetic_of(run: Mapping[str, Any]) -> str:
    """In which arithmetic a run's average precisions were computed, from the "run" of its results."""
    return run.get("ap_arithmetic", _BEFORE_THE_KEY)


def row_of(levels: Mapping[int, LevelMetrics]) -> dict[str, Any]:
    """One row of a run from its measures by level index (0 = coarsest); see `levels_and_mean`."""
    return levels_and_mean({str(index + 1): _level_entry(levels[index]) for index in sorted(levels)})


def levels_and_mean(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One row of a run: its levels by number, and the mean of every measure over those where it is defined."""
    return {"levels": dict(entries), "mean": {name: _mean(entries.values(), name) for name in MEASURES}}


def _result_files(folder: str | os.PathLike) -> list[Path]:
    return sorted(Path(folder).rglob(FILE_NAME))


def _in_sweep(path: Path, folder: str | os.PathLike) -> bool:
    return SWEEP in path.relative_to(folder).parts


def _level_entry(metrics: LevelMetrics) -> dict[str, Any]:
    measures = {name: _json_number(getattr(metrics, name)) for name in MEASURES + _MORE_MEASURES}
    return {**measures, "per_part": {name: dict(part) for name, part in metrics.per_part.items()}}


def _mean(entries, name: str) -> float | None:
    values = [entry[name] for entry in entries if entry[name] is not None]
    return sum(values) / len(values) if values else None


def _json_number(value: float) -> float | None:
    """JSON knows no NaN."""
    return float(value) if math.isfinite(value) else None


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
    if arithmetic_of(run) not in ARITHMETICS:
        raise ValueError(f"{where}: run.ap_arithmetic is unknown; expected one of {', '.join(ARITHMETICS)}")


def _check_row(row: Mapping[str, Any], where: str, prefix: str) -> None:
    levels = _entry(row, "levels", dict, where, prefix)
    for key, level in levels.items():
        inside = f"{prefix}levels.{key}."
        if not re.fullmatch("[1-9][0-9]?", key):
            raise ValueError(f"{where}: {prefix}levels has the key {shown(key)}; levels are numbered from 1")
        _require(level, dict, where, inside[:-1])
        _check_measures(level, MEASURES, where, inside)
        for name, part in _entry(level, "per_part", dict, where, inside).items():
            path = f"{inside}per_part.{name_shown(name)}"
            _require(name, str, where, path)
            _require(part, dict, where, path)
            given = [each for each in ("AP25", "AP75") if each in part]
            _check_measures(part, ("AP50", *given), where, f"{path}.")
            _entry(part, "instances", int, where, f"{path}.")
    _check_measures(_entry(row, "mean", dict, where, prefix), MEASURES, where, f"{prefix}mean.")


def _check_measures(mapping: Mapping[str, Any], names: tuple[str, ...], where: str, prefix: str) -> None:
    for name in names:
        if name not in mapping or mapping[name] is not None:
            value = _entry(mapping, name, float, where, prefix)
            if not 0 <= value <= 100.001:
                raise ValueError(f"{where}: {prefix}{name} is {value}; expected a percentage")


def _entry(mapping: Mapping[str, Any], key: str, kind: type, where: str, prefix: str = "") -> Any:
    if key not in mapping:
        raise ValueError(f"{where}: {prefix}{key} is missing")
    return _require(mapping[key], kind, where, prefix + key)


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
