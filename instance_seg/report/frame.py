"""The results of many runs as one pandas DataFrame, from which all tables are made: a row for each figure.

    task, dataset, subset, variant, preset, seed, arithmetic      as in results.json
    reading, settings       name of the reading, and its settings as text; each setting has a column of its own as well
    level, class, measure   class is "" where the measure is of the whole level; bandwidth and lambda are measures of a
                            class where a reading has them by class
    value                   NaN where nothing could be measured
    run, swept              number of the run; whether it is a sweep of a checkpoint, read with other settings
    network                 the level of a network trained for it alone, 0 for a network of all levels
    iterations, seconds, parameters, commit                       of this network; the seconds are those of training
    start                   "scratch": the training began with random weights; "weights": with given ones
    milliseconds            from a cloud to its instances, without reading it; NaN where the number of clouds is unknown

RUNS_DIR/table.csv is this frame.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from instance_seg.evaluation.results import PER_CLASS
from instance_seg.report.descriptions import description_of

COLUMNS = [
    *("task", "dataset", "subset", "variant", "preset", "seed", "arithmetic", "reading", "settings"),
    *("level", "class", "measure", "value"),
    *("run", "swept", "network", "iterations", "seconds", "parameters", "commit", "start", "milliseconds"),
]
BY_CLASS = "by_class"  # among the settings of a reading
_COPIED = ("task", "dataset", "subset", "variant", "preset", "seed", "iterations", "parameters", "commit")
_SAME = ("task", "dataset", "subset", "variant", "preset", "seed", "ap_arithmetic")


def make_frame(runs: Iterable[Mapping[str, Any]], sweep: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """The frame of runs (find_results) and of sweeps of their checkpoints (find_sweep), in this order.

    Networks of one level each that differ in nothing but their level are one run; of two of the same level the first
    counts. Networks that the paper trains for all levels together are another variant when they are trained for each.
    """
    rows, first, seen = [], {}, set()
    found = [(results, False) for results in runs] + [(results, True) for results in sweep]
    for number, (results, swept) in enumerate(found):
        network = results["run"].get("level", 0)
        settings = json.dumps([_same_for_all(reading["settings"]) for reading in results["readings"].values()])
        key = (swept, settings, *map(results["run"].get, _SAME)) if network else number
        run = first.setdefault(key, number)
        if (run, network) not in seen:
            seen.add((run, network))
            rows += [{**row, "run": run, "swept": swept, "network": network} for row in _rows(results)]
    frame = pd.DataFrame(rows).astype({"value": float}).sort_values("run", kind="stable", ignore_index=True)
    return frame[[*COLUMNS, *frame.columns.difference(COLUMNS, sort=False)]]


def levels_of(frame: pd.DataFrame) -> list[str]:
    """The levels that occur, coarse to fine as far as the runs tell: those of the run with the most levels first."""
    by_run = frame.groupby("run", sort=False)["level"].unique()
    return list(dict.fromkeys(level for levels in sorted(by_run, key=len, reverse=True) for level in levels))


def rows_by(frame: pd.DataFrame, keys: list[str]) -> dict[tuple, pd.DataFrame]:
    """Values of the keys -> the figures of whole levels; of a subset and seed those of the first run alone."""
    frame = frame[frame["class"] == ""]
    cell = [*keys, "subset", "seed"]
    frame = frame[frame["run"] == frame.groupby(cell)["run"].transform("min")]
    return dict(list(frame.drop_duplicates([*cell, "level", "measure"]).groupby(keys, sort=False)))


def _rows(results: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    run = results["run"]
    about = {name: run.get(name) for name in _COPIED}
    about |= {"arithmetic": run.get("ap_arithmetic", ""), "seconds": run["seconds"]["train"]}
    about["start"] = "weights" if run.get("begun_with") else "scratch"
    seconds, clouds = run["seconds"], run.get("clouds")
    about["milliseconds"] = 1000 * (seconds["predict"] + seconds["cluster"]) / clouds if clouds else float("nan")
    one_per_level = description_of(run["task"]).get("one_network_per_level", ())
    if run.get("level") and run["variant"].split()[0] not in one_per_level:
        about["variant"] += " per level"
    for name, reading in results["readings"].items():
        settings = _same_for_all(reading["settings"])
        by_class = reading["settings"].get(BY_CLASS, {})
        text = ", ".join(f"{key}={value}" for key, value in [*settings.items(), *[(BY_CLASS, "yes")] * bool(by_class)])
        here = {**settings, **about, "reading": name, "settings": text}  # no setting takes the place of a column
        for level, entry in reading["levels"].items():
            whole = {key: value for key, value in entry.items() if key != PER_CLASS}
            for part, measured in [("", whole), *entry[PER_CLASS].items(), *by_class.get(level, {}).items()]:
                for measure, value in measured.items():
                    yield {**here, "level": level, "class": part, "measure": measure, "value": value}


def _same_for_all(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are not the classes' own, which runs of a row share."""
    return {key: round(x, 6) if isinstance(x, float) else x for key, x in settings.items() if key != BY_CLASS}
