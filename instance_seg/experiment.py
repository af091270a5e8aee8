"""One run from its settings: training, evaluation, and a sweep of readings, with results in the run's folder."""

import dataclasses
import functools
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from instance_seg.building import build_system, make_data_set, weights_of
from instance_seg.config import Config, make_config
from instance_seg.data.batches import SampleConfig, Split
from instance_seg.data.pipeline import training_dataset
from instance_seg.evaluation.evaluate import Evaluation
from instance_seg.evaluation.results import SWEEP
from instance_seg.evaluation.tensorboard import Comparison, write_evaluation
from instance_seg.evaluator import Evaluator
from instance_seg.files import remove_temporary
from instance_seg.presets import variant_label
from instance_seg.registry import load
from instance_seg.run_files import save_results, writable_folder
from instance_seg.systems import SYSTEMS
from instance_seg.systems.system import System
from instance_seg.training.checkpoint import Progress, describe_system
from instance_seg.training.checkpoint_files import CHECKPOINTS, checkpoint_folder, remove_unfinished, run_folder
from instance_seg.training.run_lock import holding
from instance_seg.training.run_log import event_files, require_whole_events
from instance_seg.training.run_record import history
from instance_seg.training.strategy import make_strategy, worker_index
from instance_seg.training.trainer import Trainer


def train(config: Config) -> int:
    """Trains to the end, evaluates, writes results.json and table.md; returns the exit code.

    Raises RunIsHeld if another process trains in the run's folder, or evaluates into it.
    """
    strategy = make_strategy(config.engine)
    logdir = writable_folder(config.run.logdir)
    if worker_index(strategy) > 0:  # the chief holds the folder for all workers
        return _train(config, strategy, logdir)
    with holding(logdir):
        remove_temporary(logdir)
        remove_unfinished(logdir / CHECKPOINTS)
        return _train(config, strategy, logdir)


def _train(config: Config, strategy: tf.distribute.Strategy, logdir: pathlib.Path) -> int:
    data_set = make_data_set(config)
    task, data = data_set.task(), config.data
    clouds = data_set.split(data.data_dir, "train", data.train_shapes or None)
    test = data_set.split(data.data_dir, data.test_split, data.test_shapes or None)
    system = build_system(config, task, strategy)
    calibration = system.calibrate(clouds)
    split = Split(clouds, task, system.targets)
    samples = SampleConfig(data.train_batch_size, config.run.seed, data.points_per_shape, data_set.augmentation)
    evaluator = Evaluator(config, data_set, system, test)
    fingerprint = data_set.fingerprint(data.data_dir)
    earlier_events = event_files(logdir / "tensorboard")
    is_chief = worker_index(strategy) == 0  # the chief alone evaluates
    comparison = Comparison(logdir / "tensorboard", _compared(config)) if is_chief else None
    pose = functools.partial(data_set.pose, config.run.seed)
    system.prepare_readings(logdir / CHECKPOINTS if is_chief else None, clouds, pose)

    def batches(first_step, parts, num_parts):
        return training_dataset(split, samples, system.tables, first_step, None, 2 * len(parts), parts, num_parts)

    def evaluate(done: Progress, final: bool) -> None:
        system.store_learned(logdir / CHECKPOINTS)
        readings = system.all_readings(config.network, logdir / CHECKPOINTS)
        evaluation = evaluator.run(readings, logdir if final else None, config.run.picture_shapes)
        write_evaluation(evaluation, done.step, {"up": data_set.up, **data_set.picture})
        comparison.write(evaluation, done.step)
        if final:
            require_whole_events(event_files(logdir / "tensorboard") - earlier_events)
            past = history(logdir, fingerprint, config) | ({"calibration": calibration} if calibration else {})
            save_results(config, system, evaluation, done, past)

    def settle() -> None:
        if system.settled_on:
            clouds = data_set.split(data.data_dir, system.settled_on, data.test_shapes or None)
            system.settle(Evaluator(config, data_set, system, clouds).readouts())

    description = describe_system(config, task)
    return Trainer(config, system, description, fingerprint, batches, settle, evaluate, strategy).run()


def evaluate(config: Config) -> Evaluation:
    """Evaluates --ckpt, or the newest checkpoint of --logdir, and writes results.json and table.md to --logdir.

    Raises RunIsHeld if another process works in --logdir.
    """
    logdir = writable_folder(config.run.logdir)
    with holding(logdir):
        remove_temporary(logdir)
        system, progress, evaluator, past = _restored(config)
        folder = checkpoint_folder(config.run.ckpt or config.run.logdir)
        evaluation = evaluator.run(system.all_readings(config.network, folder), logdir)
        save_results(config, system, evaluation, progress, past)
        return evaluation


def sweep(config: Config, settings: Sequence[str]) -> None:
    """Reads the predictions of --ckpt, or of --logdir's newest checkpoint, in other ways, one setting at a time.

    Each "SETTING=VALUE" of a reading leaves its results in LOGDIR/sweep/SETTING_VALUE.
    """
    swept = [_with_setting(config, setting) for setting in settings]
    with holding(writable_folder(config.run.logdir)):
        system, progress, evaluator, past = _restored(config)
        of = [system.readings(each.network) for each in swept]
        together = {f"{i} {name}": reading for i, readings in enumerate(of) for name, reading in readings.items()}
        evaluation = evaluator.run(together)
        for i, (each, readings) in enumerate(zip(swept, of)):
            found = {name: evaluation.readings[f"{i} {name}"] for name in readings}
            save_results(each, system, evaluation._replace(readings=found), progress, past)


def _restored(config: Config) -> tuple[System, Progress, Evaluator, dict[str, Any]]:
    """The system of a checkpoint, how far it was trained, what measures it, and its run's past."""
    trained = config.run.ckpt or config.run.logdir
    data_set = make_data_set(config)
    system = build_system(config, data_set.task())
    progress = weights_of(config, system, pathlib.Path(config.run.logdir)).restore_weights(trained)
    clouds = data_set.split(config.data.data_dir, config.data.test_split, config.data.test_shapes or None)
    past = history(run_folder(trained), data_set.fingerprint(config.data.data_dir), config)
    for difference in past["other_data"]:
        print(f"warning: the data set is not the one of the training; {difference}", file=sys.stderr)
    return system, progress, Evaluator(config, data_set, system, clouds), past


def _with_setting(config: Config, setting: str) -> Config:
    name, _, text = setting.partition("=")
    kind = load(SYSTEMS, "system", config.system)
    known = {f.name: f.type for reading in kind.readings(config.network).values() for f in dataclasses.fields(reading)}
    if name not in known or not text:
        raise ValueError(f"--sweep={setting}: want SETTING=VALUE, with one of {', '.join(known)}")
    value = {"true": True, "false": False}.get(text.lower(), text) if known[name] is bool else text
    value = int(text) if known[name] is int and text.isdigit() else value
    logdir = pathlib.Path(config.run.logdir) / SWEEP / f"{name}_{text}"
    try:
        return make_config(config.flat() | {name: value, "logdir": str(logdir)}, config.preset)
    except ValueError as error:
        raise ValueError(f"--sweep={setting}: {error}") from error


def _compared(config: Config) -> dict[str, Any]:
    """What tells runs apart in TensorBoard: what the network is, and what its schedule."""
    given = config.flat()
    plain = {
        o.name: given[o.name] if isinstance(given[o.name], (bool, int, float, str)) else str(given[o.name])
        for o in config.options()
        if o.group.split(".")[0] in ("source", "network", "schedule")
    }
    return {"variant": variant_label(config), "preset": config.preset, "seed": config.run.seed, **plain}
