"""One run from its settings: data, system, training, evaluation, results in the run's folder."""

import contextlib
import dataclasses
import functools
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from instance_seg.clustering.across import chosen_reading
from instance_seg.config import Config, make_config
from instance_seg.data import DATA_SETS
from instance_seg.data.batches import SampleConfig, Split
from instance_seg.data.data_set import DataSet
from instance_seg.data.pipeline import evaluation_dataset, training_dataset
from instance_seg.describe import count_parameters
from instance_seg.evaluation.evaluate import Evaluation, Measured, make_assembler
from instance_seg.evaluation.evaluate import evaluate as evaluate_readings
from instance_seg.evaluation.gallery import Gallery
from instance_seg.evaluation.predictor import Predictor
from instance_seg.evaluation.results import SWEEP, build_results, write_results
from instance_seg.evaluation.summary import TABLE_NAME, measures_text, run_table
from instance_seg.evaluation.tensorboard import Comparison, write_evaluation
from instance_seg.files import remove_temporary, replacing_folder
from instance_seg.initializers import INITIALIZERS
from instance_seg.layers import separate_statistics
from instance_seg.options import Settings
from instance_seg.presets import variant_label
from instance_seg.registry import load
from instance_seg.structures import UPRIGHT, Cloud, Labels, Points, Segmented, Task
from instance_seg.systems import SYSTEMS
from instance_seg.systems.system import System
from instance_seg.tables import write_text
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_system
from instance_seg.training.checkpoint_files import (
    CHECKPOINTS,
    checkpoint_folder,
    described_config,
    remove_unfinished,
    run_folder,
)
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.precision import computing_in
from instance_seg.training.run_lock import holding
from instance_seg.training.run_log import event_files, require_whole_events
from instance_seg.training.run_record import history, provenance
from instance_seg.training.strategy import make_strategy, worker_index
from instance_seg.training.trainer import Trainer
from instance_seg.viewer.page import VIEWER, write_viewer

FOLDERS = (CHECKPOINTS, "predictions", "tensorboard")  # of a run
FILES = ("losses.csv", "results.json", "run.json", "run.lock", TABLE_NAME, VIEWER)


def make_data_set(config: Config) -> DataSet:
    """The data set of the settings."""
    return load(DATA_SETS, "data_set", config.data_set)(config.source)


def build_system(config: Config, task: Task, strategy: tf.distribute.Strategy | None = None) -> System:
    """The system with its variables created, without any data: run once on a few points.

    Its initial weights depend on initializer and seed alone. The variables are those of `strategy`; to be called
    outside of its scope.
    """
    # Names of layers count from the beginning, as those in a checkpoint do. It would end a scope.
    keras.utils.clear_session()
    scope = strategy.scope() if strategy else contextlib.nullcontext()
    with scope, computing_in(config.engine.mixed_precision):
        keras.utils.set_random_seed(config.run.seed)
        kind = load(SYSTEMS, "system", config.system)
        system = kind(config.network, task, initializer=INITIALIZERS[config.schedule.initializer])
        xyz = tf.constant(np.random.default_rng(0).uniform(-0.5, 0.5, (8, 3)), tf.float32)
        features = tf.tile(tf.math.l2_normalize(xyz, axis=1), [1, 1 + task.num_features // 3])[:, : task.num_features]
        points = Points(xyz, features, tf.constant([0, 8]))
        system(points, system.tables(points, points), training=False)
    if not config.engine.sync_batch_norm:
        separate_statistics(system)
    return system


def restore_system(config: Config, task: Task, checkpoint: str) -> System:
    """The system with the weights of a run's folder or of a checkpoint prefix."""
    system = build_system(config, task)
    _checkpoints(config, system, pathlib.Path(checkpoint)).restore_weights(checkpoint)
    return system


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
    if is_chief:
        system.store_readings(logdir / CHECKPOINTS, clouds, functools.partial(data_set.pose, config.run.seed))

    def batches(first_step, parts, num_parts):
        return training_dataset(split, samples, system.tables, first_step, None, 2 * len(parts), parts, num_parts)

    def evaluate(done: Progress, final: bool) -> None:
        readings = system.all_readings(config.network, logdir / CHECKPOINTS)
        evaluation = evaluator.run(readings, logdir if final else None, config.run.picture_shapes)
        write_evaluation(evaluation, done.step, {"up": data_set.up, **data_set.picture})
        comparison.write(evaluation, done.step)
        if final:
            require_whole_events(event_files(logdir / "tensorboard") - earlier_events)
            past = history(logdir, fingerprint) | ({"calibration": calibration} if calibration else {})
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


class CloudSegmenter:
    """Segments point clouds of one's own by the system of a checkpoint, which is loaded once.

    Args:
        checkpoint: run folder or checkpoint prefix.
        settings: of the system, in place of those the run had.
        reading: as chosen_reading (clustering/across.py) takes it.

    Raises:
        ValueError: no such checkpoint, setting or reading.
    """

    def __init__(self, checkpoint: str, settings: Mapping[str, Any], reading: str = "auto"):
        self._config = described_config(checkpoint, settings)
        self._data_set = make_data_set(self._config)
        self.task = self._data_set.task()
        self._system = restore_system(self._config, self.task, checkpoint)
        readings = self._system.all_readings(self._config.network, checkpoint_folder(checkpoint))
        self._reading = chosen_reading(readings, reading)
        self._predictor = None  # knows the batches of any cloud by those of the first

    def __call__(
        self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None
    ) -> tuple[Segmented, ...]:
        """One Segmented per level; shifted points are y up.

        Args:
            points: [N, 3], any position and scale, y up; float64 keeps the digits of coordinates far from 0.
            normals: [N, 3] float32, y up.
            colors: [N, 3] uint8, where they are known.

        Raises:
            ValueError: the points can be no cloud of the data set.
        """
        portions = self._data_set.portions(self._data_set.foreign(points, normals, colors))
        clouds = _posed(self._config, self._data_set, portions)
        batches = evaluation_dataset(clouds, self._config.data.test_batch_size, self._system.tables)
        self._predictor = self._predictor or Predictor(self._system, batches.element_spec)
        assemble = functools.partial(self._data_set.assembler, portions)
        assembler, wholes = make_assembler(self._system, self._reading, assemble), []
        for batch in batches:
            seen = tf.nest.map_structure(lambda x: x.numpy(), batch.points)
            wholes += assembler(seen, (), self._system.segment(self._predictor(batch), seen, self._reading))[2]
        (levels,) = wholes
        turn = UPRIGHT[self._data_set.up].T
        return tuple(
            found if found.shifted is None else found._replace(shifted=np.float32(found.shifted @ turn))
            for found in levels
        )


def _posed(config: Config, data_set: DataSet, clouds: Sequence[Cloud]) -> Split:
    """The clouds as an evaluation sees them."""
    return Split(clouds, data_set.task(), pose=functools.partial(data_set.pose, config.run.seed))


class Evaluator:
    """Measures a system on a split, as often as it is asked to."""

    def __init__(self, config: Config, data_set: DataSet, system: System, clouds: Sequence[Cloud]):
        self.config, self.data_set, self.clouds = config, data_set, clouds
        self.metrics = config.metric.metrics or data_set.metrics
        Measured(system.task, self.metrics, config.metric)  # what it refuses is better refused before a training
        self.batches = evaluation_dataset(_posed(config, data_set, clouds), config.data.test_batch_size, system.tables)
        self.predictor = Predictor(system, self.batches.element_spec)

    def readouts(self) -> Iterator[tuple[Any, Points, Sequence[Labels]]]:
        """What the system says of each batch, with its points and labels (NumPy)."""
        for batch in self.batches:
            yield self.predictor(batch), *tf.nest.map_structure(lambda x: x.numpy(), (batch.points, batch.labels))

    def run(
        self, readings: Mapping[str, Settings], logdir: pathlib.Path | None = None, num_samples: int = 0
    ) -> Evaluation:
        """`logdir`: gets the predictions, where the data set has files for them, and the viewer of some clouds."""
        gallery = None if logdir is None else Gallery(self.data_set.task())
        with contextlib.ExitStack() as stack:
            writer = None
            if logdir is not None and self.data_set.prediction_writer:
                folder = stack.enter_context(replacing_folder(logdir / "predictions"))
                writer = stack.enter_context(self.data_set.prediction_writer(folder, self.clouds))
            assemble = functools.partial(self.data_set.assembler, self.clouds)
            evaluation = evaluate_readings(
                self.predictor,
                self.batches,
                readings,
                self.metrics,
                self.config.metric,
                writer,
                num_samples,
                assemble,
                gallery,
            )
        if gallery and (shapes := gallery.shapes()):
            task, title = self.data_set.task(), f"{variant_label(self.config)}, preset {self.config.preset}"
            write_viewer(logdir / VIEWER, f"{task.subset or task.dataset} - {title}", task, shapes, self.data_set.up)
        return evaluation


def _restored(config: Config) -> tuple[System, Progress, Evaluator, dict[str, Any]]:
    """The system of a checkpoint, how far it was trained, what measures it, and its run's past."""
    trained = config.run.ckpt or config.run.logdir
    data_set = make_data_set(config)
    system = build_system(config, data_set.task())
    progress = _checkpoints(config, system, pathlib.Path(config.run.logdir)).restore_weights(trained)
    clouds = data_set.split(config.data.data_dir, config.data.test_split, config.data.test_shapes or None)
    past = history(run_folder(trained), data_set.fingerprint(config.data.data_dir))
    for difference in past["other_data"]:
        print(f"warning: the data set is not the one of the training; {difference}", file=sys.stderr)
    return system, progress, Evaluator(config, data_set, system, clouds), past


def _checkpoints(config: Config, system: System, logdir: pathlib.Path) -> Checkpoints:
    """For reading weights only: without an optimizer."""
    optimizer = make_optimizer(config.schedule, [])
    return Checkpoints(logdir / CHECKPOINTS, system, optimizer, describe_system(config, system.task))


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
        "seed": config.run.seed,
        "iterations": progress.step,
        "ap_arithmetic": config.metric.ap_arithmetic,
        "clouds": evaluation.num_clouds,
        "seconds": {"train": progress.seconds, **evaluation.seconds},
        **past,
        **provenance(config),
    }
    results = build_results(run, evaluation.readings)
    table = pathlib.Path(config.run.logdir) / TABLE_NAME
    write_text(table, run_table(results))
    write_results(config.run.logdir, results)  # last: who sees it may take the run for finished
    print(f"{measures_text(results)}\n\nEvery class of every level: {table}")


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
