"""Where a result comes from: the commit of the program, the schedule, the machine."""

import dataclasses
import os
import pathlib
import subprocess
from typing import Any

import tensorflow as tf

from instance_seg.config import Config

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PROGRAM = ("instance_seg", "ocnn_tf_ops", "experiments/presets", "experiments/variants")  # what a result depends on


def provenance(config: Config) -> dict[str, Any]:
    """The keys "commit", "machine", "schedule" and "engine" of results.json."""
    schedule = {**dataclasses.asdict(config.schedule), "train_batch_size": config.data.train_batch_size}
    engine = dataclasses.asdict(config.engine)
    return {"commit": commit(_ROOT), "machine": machine(), "schedule": schedule, "engine": engine}


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


def _git(root: pathlib.Path, *arguments: str) -> str | None:
    """What git prints, None if it fails or is not there."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
