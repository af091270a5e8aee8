"""What a run is, written when it starts and compared when it goes on: its settings and its data; where it was made."""

import dataclasses
import difflib
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from instance_seg.config import Config
from instance_seg.files import read_json, write_json

FILE_NAME = "run.json"
_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PROGRAM = ("instance_seg", "ocnn_tf_ops", "experiments/presets", "experiments/variants")  # what a result depends on
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


def history(run: pathlib.Path, data: Mapping[str, str], config: Config) -> dict[str, Any]:
    """What results say of the training of a run: an evaluation may have been given other settings.

    Args:
        run: its folder, or a file of weights that were trained by another program.
        data: the fingerprint of the data set of now.
        config: the settings of now, which stand for what is not known of the training.

    Returns:
        "begun_with": name of the checkpoint or file that the training began with, "" for random weights; "changes":
        what was changed in the course of the training, each with the step after which; "other_data": in what the data
        set of now differs from the one of the training, in words; both empty if nothing is known. "seed" and
        "schedule" are the training's.
    """
    path = run / FILE_NAME
    schedule = {**dataclasses.asdict(config.schedule), "train_batch_size": config.data.train_batch_size}
    if not path.exists():
        unknown = {"begun_with": run.name if run.is_file() else "", "changes": [], "other_data": []}
        return {**unknown, "seed": config.run.seed, "schedule": schedule}
    record = _read(path)
    settings = record["settings"]
    was = record[DATA]
    other = [f"{split}: {was[split]} there, {data.get(split)} here" for split in was if was[split] != data.get(split)]
    return {
        "begun_with": pathlib.Path(settings.get("ckpt", "")).name,
        "changes": record["changes"],
        "other_data": other,
        "seed": settings.get("seed", config.run.seed),
        "schedule": {name: settings.get(name, value) for name, value in schedule.items()},
    }


def provenance(config: Config) -> dict[str, Any]:
    """The keys "commit", "machine" and "engine" of results.json: what measures."""
    return {"commit": commit(_ROOT), "machine": machine(), "engine": dataclasses.asdict(config.engine)}


def commit(root: pathlib.Path) -> str | None:
    """The short hash of the commit the program at `root` is of.

    None if that cannot be told: without git, outside a repository (a package that was installed) or when the files that
    results depend on differ from the commit. It never raises.
    """
    changes = _git(root, "status", "--porcelain", "--", *_PROGRAM)
    tracked = _git(root, "ls-files", "--error-unmatch", "instance_seg/config.py")
    return (_git(root, "rev-parse", "--short", "HEAD") or None) if tracked and changes == "" else None


def machine() -> str:
    """Processors and GPUs that this process may use: "2 CPUs", "16 CPUs, 1 x NVIDIA H100"."""
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    names = [each.get("device_name", "GPU") for each in details]
    gpus = [f"{names.count(name)} x {name}" for name in dict.fromkeys(names)]
    return ", ".join([f"{len(os.sched_getaffinity(0))} CPUs", *gpus])


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


def _git(root: pathlib.Path, *arguments: str) -> str | None:
    """What git prints, None if it fails or is not there."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
