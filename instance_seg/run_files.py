"""The folder of a run: that it can be written to, and the results that it gets at the end."""

import pathlib
from collections.abc import Mapping
from typing import Any

from instance_seg.config import Config
from instance_seg.describe import count_parameters
from instance_seg.evaluation.evaluate import Evaluation
from instance_seg.evaluation.results import build_results, write_results
from instance_seg.evaluation.summary import TABLE_NAME, measures_text, run_table
from instance_seg.presets import variant_label
from instance_seg.systems.system import System
from instance_seg.tables import write_text
from instance_seg.training.checkpoint import Progress
from instance_seg.training.checkpoint_files import CHECKPOINTS
from instance_seg.training.run_record import provenance
from instance_seg.viewer.page import VIEWER

FOLDERS = (CHECKPOINTS, "predictions", "tensorboard")  # of a run
FILES = ("losses.csv", "results.json", "run.json", "run.lock", TABLE_NAME, VIEWER)


def writable_folder(logdir: str) -> pathlib.Path:
    """The run's folder, made if missing; ValueError naming --logdir if it cannot be written to."""
    if not logdir:
        raise ValueError("--logdir is needed: the folder for checkpoints, logs and results of this run")
    path = pathlib.Path(logdir)
    for name in FOLDERS:
        if (path / name).exists() and not (path / name).is_dir():
            raise ValueError(f"--logdir={logdir}: {path / name} is a file where a folder belongs; move it away")
    for name in FILES:
        if (path / name).is_dir():
            raise ValueError(f"--logdir={logdir}: {path / name} is a folder where a file belongs; move it away")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # other workers look here, too
    except OSError as error:
        raise ValueError(f"--logdir={logdir} cannot be written to: {error.strerror}") from error
    return path


def save_results(
    config: Config, system: System, evaluation: Evaluation, progress: Progress, past: Mapping[str, Any]
) -> None:
    """table.md and results.json in the run's folder; prints the measures.

    `past`: what happened to the run on its way (run_record.history).
    """
    run = {
        "task": config.data_set,
        "dataset": config.run.dataset or pathlib.Path(config.data.data_dir).name,
        "subset": system.task.subset,
        "variant": variant_label(config),
        "level": config.flat().get("level", 0),
        "parameters": count_parameters(system),
        "preset": config.preset,
        "iterations": progress.step,
        "ap_arithmetic": config.metric.ap_arithmetic,
        "clouds": evaluation.num_clouds,
        "seconds": {"train": progress.seconds, **evaluation.seconds},
        **past,
        **provenance(config),
    }
    copies = config.flat().get("test_copies", 1)
    beside = {"test_copies": copies} if copies > 1 else {}
    readings = {name: {**each, "settings": each["settings"] | beside} for name, each in evaluation.readings.items()}
    results = build_results(run, readings)
    table = pathlib.Path(config.run.logdir) / TABLE_NAME
    write_text(table, run_table(results))
    write_results(config.run.logdir, results)  # last: who sees it may take the run for finished
    print(f"{measures_text(results)}\n\nEvery class of every level: {table}")
