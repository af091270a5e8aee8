"""What a run is, written when it starts and compared when it goes on: its settings and its data."""

import difflib
import pathlib
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from instance_seg.config import Config
from instance_seg.files import read_json, write_json

FILE_NAME = "run.json"
DATA = "data"  # stands for the data set in --allow_changed


class Change(NamedTuple):
    """A setting that is not what it was; `step` iterations were done before."""

    setting: str
    was: Any
    now: Any
    step: int


def keep_record(logdir: pathlib.Path, config: Config, data: Mapping[str, str], step: int) -> None:
    """Writes what the run is, or compares it with what was written when it started.

    Settings count that change a result (options.option, `free`), and the files of the data set. Those that changed and
    may, by --allow_changed, are written down with the step.

    Args:
        data: the fingerprint of the data set.
        step: iterations that the run has done; 0: it starts, and what an attempt before it wrote is void.

    Raises:
        ValueError: something else changed, with the list and the ways out; --allow_changed names no setting; or
            run.json is damaged.
    """
    path, now = logdir / FILE_NAME, _record(config, data)
    unknown = [name for name in config.run.allow_changed if name not in (*now["settings"], DATA)]
    if unknown:
        near = difflib.get_close_matches(unknown[0], [*now["settings"], DATA], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"--allow_changed: {unknown[0]!r} is no setting that a run is bound to{hint}")
    if step and not path.exists():
        print(f"warning: {path} is missing, so how {logdir} was trained up to here is not known", file=sys.stderr)
    stored = _read(path) if step and path.exists() else now
    found = _changes(stored, now, step, config)
    refused = [change for change in found if change.setting not in config.run.allow_changed]
    if refused:
        listed = "; ".join(f"{c.setting} was {c.was!r} and is {c.now!r}" for c in refused)
        names = ",".join(c.setting for c in refused)
        raise ValueError(
            f"--logdir={logdir} is a run of {step} iterations with other settings: {listed}. Give those it was started "
            f"with, or --allow_changed={names}, or another --logdir"
        )
    write_json(path, now | {"changes": [*stored["changes"], *(change._asdict() for change in found)]}, indent=1)


def history(run: pathlib.Path, data: Mapping[str, str]) -> dict[str, list]:
    """What results say of the past of a run; `data` is the fingerprint of the data set of now.

    Returns:
        "changes": what was changed in the course of the training, each with the step after which; "other_data": in what
        the data set of now differs from the one of the training, in words. Empty lists if nothing is known.
    """
    path = run / FILE_NAME
    if not path.exists():
        return {"changes": [], "other_data": []}
    record = _read(path)
    was = record[DATA]
    other = [f"{split}: {was[split]} there, {data.get(split)} here" for split in was if was[split] != data.get(split)]
    return {"changes": record["changes"], "other_data": other}


def _record(config: Config, data: Mapping[str, str]) -> dict[str, Any]:
    given = config.flat()
    settings = {o.name: given[o.name] for o in config.options() if not o.free}
    settings = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    return {"settings": settings, DATA: dict(data), "changes": []}


def _changes(stored: dict, now: dict, step: int, config: Config) -> list[Change]:
    """A setting that the record lacks is younger than the run, which then had its default."""
    defaults = {o.name: list(o.default) if isinstance(o.default, tuple) else o.default for o in config.options()}
    before = {name: stored["settings"].get(name, defaults[name]) for name in now["settings"]}
    found = [
        Change(name, before[name], value, step) for name, value in now["settings"].items() if value != before[name]
    ]
    return found + ([Change(DATA, stored[DATA], now[DATA], step)] if stored[DATA] != now[DATA] else [])


def _read(path: pathlib.Path) -> dict[str, Any]:
    record = read_json(path)
    kinds = {"settings": dict, DATA: dict, "changes": list}
    if not isinstance(record, dict) or not all(isinstance(record.get(name), kind) for name, kind in kinds.items()):
        raise ValueError(f"{path}: is damaged; remove it if you are sure of the settings, or start in another --logdir")
    return record
