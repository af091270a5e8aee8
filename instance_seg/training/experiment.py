"""One run from its settings: data, network, training, evaluation, results in the run's folder."""

import dataclasses
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.config import Config, make_config, variant_label
from instance_seg.data.batches import SampleConfig
from instance_seg.data.partnet.dataset import PartNetDataset
from instance_seg.data.partnet.taxonomy import Taxonomy, load_taxonomy
from instance_seg.data.pipeline import OctreeConfig, evaluation_dataset, training_dataset
from instance_seg.files import remove_temporary
from instance_seg.initializers import INITIALIZERS
from instance_seg.layers import separate_statistics
from instance_seg.report.describe import count_parameters
from instance_seg.report.results import SWEEP, build_results, write_results
from instance_seg.report.table import TABLE_NAME, measures_text, run_table, write_text
from instance_seg.schedule import Momentum
from instance_seg.structures import Points
from instance_seg.systems.build import build_system
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_network
from instance_seg.training.checkpoint_files import CHECKPOINTS, remove_unfinished, run_folder
from instance_seg.training.comparison import Comparison
from instance_seg.training.evaluate import Evaluation, evaluate_network, evaluate_sweep
from instance_seg.training.monitor import Monitor
from instance_seg.training.precision import computing_in
from instance_seg.training.provenance import provenance
from instance_seg.training.run_lock import holding
from instance_seg.training.run_log import event_files, require_whole_events
from instance_seg.training.run_record import history
from instance_seg.training.segment import Predictor
from instance_seg.training.strategy import make_strategy, worker_index
from instance_seg.training.trainer import Trainer

FOLDERS = (CHECKPOINTS, "predictions", "tensorboard")  # of a run
FILES = ("losses.csv", "results.json", "run.json", "run.lock", TABLE_NAME)


def octree_config(config: Config) -> OctreeConfig:
    """How the pipeline builds octrees for this network."""
    return OctreeConfig(config.network.depth, config.network.full_depth, config.network.edge_mode)


def run_taxonomy(config: Config) -> Taxonomy:
    """The classes of the run's category, of all levels or of the one that --level names."""
    taxonomy = load_taxonomy(config.data.category)
    return taxonomy.only(config.data.level - 1) if config.data.level else taxonomy


def make_network(config: Config, taxonomy: Taxonomy) -> keras.Model:
    """The network of a category, with initial weights that depend on initializer and seed alone; not built yet."""
    keras.utils.set_random_seed(config.run.seed)
    return build_system(config.network, taxonomy.num_classes, INITIALIZERS[config.schedule.initializer])


def build_network(config: Config, taxonomy: Taxonomy) -> keras.Model:
    """The network with its variables created, without any data: run once on a few points."""
    with computing_in(config.engine.mixed_precision):
        network = make_network(config, taxonomy)
        _create_variables(network, config)
    if not config.engine.sync_batch_norm:
        separate_statistics(network)
    return network


def _create_variables(network: keras.Model, config: Config) -> None:
    xyz = tf.constant(np.random.default_rng(0).uniform(-0.5, 0.5, (8, 3)), tf.float32)
    points = Points(xyz, tf.math.l2_normalize(xyz, axis=1), tf.constant([0, 8]))
    octree = ops.octree_build(*points, depth=config.network.depth, full_depth=config.network.full_depth)
    index, weight = ops.octree_interpolation_table(xyz, points.row_splits, octree.keys[-1], config.network.depth)
    network(points, octree, index, weight, training=False)


def restore_network(config: Config, taxonomy: Taxonomy, checkpoint: str) -> keras.Model:
    """The network with the weights of a run's folder or of a checkpoint prefix."""
    network = build_network(config, taxonomy)
    _checkpoints(config, network, pathlib.Path(checkpoint)).restore_weights(checkpoint)
    return network


def load_split(config: Config, split: str, limit: int) -> PartNetDataset:
    """A split of the category with the labels of the run's levels; ValueError naming --data_dir without one."""
    if not config.data.data_dir:
        raise ValueError(
            "--data_dir is needed: the folder with PartNet's ins_seg_h5 (tools/make_procedural.py makes one)"
        )
    category = config.data.category
    spilled = split != "train"  # evaluations go through their split in order, training all over the place
    data = PartNetDataset.load(config.data.data_dir, category, split, load_taxonomy(category), limit or None, spilled)
    return data.only(config.data.level - 1) if config.data.level else data


def train(config: Config) -> int:
    """Trains to the end, evaluates, writes results.json and table.md; returns the exit code.

    Raises:
        RunIsHeld: another process trains in the run's folder, or evaluates into it.
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
    taxonomy = run_taxonomy(config)
    data = load_split(config, "train", config.data.train_shapes)
    test = load_split(config, config.data.test_split, config.data.test_shapes)
    with strategy.scope():
        network = build_network(config, taxonomy)
    samples = SampleConfig(config.data.train_batch_size, config.run.seed, config.data.points_per_shape, config.augment)
    test_batches = evaluation_dataset(test, config.data.test_batch_size, octree_config(config))
    predictor = Predictor(network, test_batches.element_spec)
    arithmetic = config.metric.ap_arithmetic
    earlier_events = event_files(logdir / "tensorboard")
    monitor, is_chief = Monitor(taxonomy), worker_index(strategy) == 0
    comparison = Comparison(logdir / "tensorboard", config) if is_chief else None  # the chief alone evaluates

    def batches(first_step, parts, num_parts):
        workers = 2 * len(parts)
        return training_dataset(data, samples, octree_config(config), first_step, None, workers, parts, num_parts)

    def evaluate(step, final):
        predictions = logdir / "predictions" if final else None
        evaluation = evaluate_network(
            predictor, test_batches, taxonomy, config.cluster, predictions, config.run.picture_shapes, arithmetic
        )
        monitor.write(evaluation, step)
        comparison.write(evaluation, step)
        if final:
            require_whole_events(event_files(logdir / "tensorboard") - earlier_events)
            save_results(config, network, evaluation, trainer.checkpoints.progress, history(logdir, config))

    trainer = Trainer(config, network, batches, evaluate, strategy)
    return trainer.run()


def evaluate(config: Config) -> Evaluation:
    """Evaluates --ckpt, or the newest checkpoint of --logdir, and writes results.json and table.md to --logdir.

    Raises:
        RunIsHeld: another process works in --logdir.
    """
    logdir = writable_folder(config.run.logdir)
    with holding(logdir):
        remove_temporary(logdir)
        return _evaluate(config)


def _evaluate(config: Config) -> Evaluation:
    network, progress, batches, past = _restored(config)
    predictor, predictions = Predictor(network, batches.element_spec), pathlib.Path(config.run.logdir) / "predictions"
    arithmetic = config.metric.ap_arithmetic
    evaluation = evaluate_network(
        predictor, batches, run_taxonomy(config), config.cluster, predictions, arithmetic=arithmetic
    )
    save_results(config, network, evaluation, progress, past)
    return evaluation


def sweep(config: Config, settings: Sequence[str]) -> None:
    """Clusters the predictions of --ckpt, or of --logdir's newest checkpoint, in other ways, one setting at a time.

    Each "SETTING=VALUE" of the clustering leaves its results in LOGDIR/sweep/SETTING_VALUE.
    """
    swept = [_with_setting(config, setting) for setting in settings]
    with holding(writable_folder(config.run.logdir)):
        network, progress, batches, past = _restored(config)
        predictor = Predictor(network, batches.element_spec)
        clusterings = [each.cluster for each in swept]
        arithmetic = config.metric.ap_arithmetic
        evaluations = evaluate_sweep(predictor, batches, run_taxonomy(config), clusterings, arithmetic)
        for each, evaluation in zip(swept, evaluations):
            save_results(each, network, evaluation, progress, past)


def _restored(config: Config) -> tuple[keras.Model, Progress, tf.data.Dataset, dict[str, Any]]:
    """The network of a checkpoint, how far it was trained, the batches it is evaluated on, and its run's past."""
    trained = config.run.ckpt or config.run.logdir
    network = build_network(config, run_taxonomy(config))
    progress = _checkpoints(config, network, pathlib.Path(config.run.logdir)).restore_weights(trained)
    test = load_split(config, config.data.test_split, config.data.test_shapes)
    past = history(run_folder(trained), config)
    for difference in past["other_data"]:
        print(f"warning: the data set is not the one of the training; {difference}", file=sys.stderr)
    return network, progress, evaluation_dataset(test, config.data.test_batch_size, octree_config(config)), past


def _with_setting(config: Config, setting: str) -> Config:
    name, _, text = setting.partition("=")
    known = {field.name: field.type for field in dataclasses.fields(config.cluster)}
    if name not in known or not text:
        raise ValueError(f"--sweep={setting}: want SETTING=VALUE, with one of {', '.join(known)}")
    value = {"true": True, "false": False}.get(text.lower(), text) if known[name] is bool else text
    logdir = pathlib.Path(config.run.logdir) / SWEEP / f"{name}_{text}"
    try:
        return make_config(config.flat() | {name: value, "logdir": str(logdir)}, config.preset)
    except ValueError as error:
        raise ValueError(f"--sweep={setting}: {error}") from error


def _checkpoints(config: Config, network: keras.Model, logdir: pathlib.Path) -> Checkpoints:
    """For reading weights only: without an optimizer."""
    optimizer = Momentum([], config.schedule.momentum)
    description = describe_network(config.data.category, config.network, network.num_classes, config.data.level)
    return Checkpoints(logdir / CHECKPOINTS, network, optimizer, description)


def save_results(
    config: Config, network: keras.Model, evaluation: Evaluation, progress: Progress, past: Mapping[str, Any]
) -> None:
    """table.md and results.json in the run's folder; prints the measures.

    Args:
        past: what happened to the run on its way (run_record.history).
    """
    run = {
        "category": config.data.category,
        "variant": variant_label(config),
        "level": config.data.level,
        "parameters": count_parameters(network),
        "preset": config.preset,
        "seed": config.run.seed,
        "dataset": config.run.dataset or pathlib.Path(config.data.data_dir).name,
        "iterations": progress.step,
        "semantic_center_offset": config.cluster.semantic_center_offset,
        "bandwidth": config.cluster.bandwidth,
        "region_push": config.cluster.region_push,
        "ap_arithmetic": config.metric.ap_arithmetic,
        "seconds": {"train": progress.seconds, **evaluation.seconds},
        **past,
        **provenance(config),
    }
    results = build_results(run, evaluation.with_region_centers, evaluation.without_region_centers)
    table = pathlib.Path(config.run.logdir) / TABLE_NAME
    write_text(table, run_table(results))
    write_results(config.run.logdir, results)  # last: who sees it may take the run for finished
    print(f"{measures_text(results)}\n\nEvery part of every level: {table}")


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
