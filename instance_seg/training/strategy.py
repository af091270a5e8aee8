"""Who trains: one device, the GPUs of a machine, or several machines, each by TensorFlow's own strategy.

A strategy is a tf.distribute.Strategy. Every replica works on its part of the global batch; all of them hold the same
variables. Each machine of `multi_worker` is a process ("worker") with the same command; the first one is the chief.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping

import tensorflow as tf

from instance_seg.config import EngineConfig

_TF_CONFIG_EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, "task": {"type": "worker", "index": 0}}, '
    "index counting the machines"
)


class WorkerLost(RuntimeError):
    """Another worker of a training on several machines is gone, or cannot be reached."""


def make_strategy(config: EngineConfig) -> tf.distribute.Strategy:
    """The strategy of the settings; to be called before TensorFlow does anything else, once a process.

    Raises ValueError if there are no such devices, or TF_CONFIG is missing or malformed; names the flag.
    """
    if config.strategy != "one_device":
        tf.get_logger().setLevel("WARNING")  # it would tell of every sum over replicas
    if config.strategy == "mirrored":
        return tf.distribute.MirroredStrategy(_local_devices(config.num_replicas))
    if config.strategy == "multi_worker":
        return _multi_worker(config.num_replicas)
    return tf.distribute.get_strategy()


def num_workers(strategy: tf.distribute.Strategy) -> int:
    """Processes that train together."""
    return sum(map(len, _cluster(strategy).values())) or 1


def worker_index(strategy: tf.distribute.Strategy) -> int:
    """The place of this process among them, 0 being the chief, which alone writes files."""
    cluster, resolver = _cluster(strategy), strategy.cluster_resolver
    if not cluster:
        return 0
    return resolver.task_id + (len(cluster.get("chief", ())) if resolver.task_type == "worker" else 0)


def of_all_workers(strategy: tf.distribute.Strategy, number: int) -> list[int]:
    """The numbers that the workers call this with, in their order; all of them wait for each other here."""
    count = num_workers(strategy)
    if count == 1:
        return [number]
    row = tf.one_hot(worker_index(strategy), count, on_value=tf.constant(number, tf.int64))
    return strategy.reduce(tf.distribute.ReduceOp.SUM, row, axis=None).numpy().tolist()


def distribute(strategy: tf.distribute.Strategy, make_dataset: Callable[[range, int], tf.data.Dataset]):
    """The batches of the strategy's replicas, fetched to their devices ahead of time.

    `make_dataset`: called as make_dataset(parts, num_parts) for the replicas `parts` of this process among all
    `num_parts`; its elements are their batches in turn, without end.
    """

    def of_this_process(context):
        here = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * here
        dataset = make_dataset(range(first, first + here), context.num_replicas_in_sync)
        # Said to be endless: TensorFlow would ask all workers before every step whether any has run out.
        return dataset.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

    dataset = strategy.distribute_datasets_from_function(of_this_process)
    if isinstance(dataset, tf.data.Dataset) and tf.config.list_physical_devices("GPU"):
        return dataset.apply(tf.data.experimental.prefetch_to_device("/GPU:0"))
    return dataset


@contextlib.contextmanager
def naming_lost_workers(strategy: tf.distribute.Strategy):
    """Turns what TensorFlow raises when another worker dies, seconds after it did, into WorkerLost."""
    try:
        yield
    except tf.errors.OpError as error:
        kinds = tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError
        about_workers = isinstance(error, (*kinds, tf.errors.DeadlineExceededError))
        if num_workers(strategy) == 1 or not (about_workers or "Collective ops" in error.message):
            raise
        lines = (line.strip() for line in error.message.splitlines())
        told = [line for line in lines if line and not line.startswith(("Graph execution", "Detected at", "File "))]
        raise WorkerLost(
            "another worker is gone or cannot be reached; start all workers again with the same commands, and the "
            f"training goes on from its last checkpoint. TensorFlow says: {' '.join(told)[:300]}"
        ) from error


def _cluster(strategy) -> Mapping[str, list[str]]:
    resolver = strategy.cluster_resolver
    return resolver.cluster_spec().as_dict() if resolver else {}


def _local_devices(count: int) -> list[str]:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        _require_gpus(gpus, count)
        return [f"/GPU:{i}" for i in range(count or len(gpus))]
    if not count:
        raise ValueError("--strategy=mirrored: TensorFlow sees no GPU; --num_replicas=2 makes two devices of the CPU")
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    return [f"/CPU:{i}" for i in range(count)]


def _multi_worker(count: int) -> tf.distribute.Strategy:
    _check_tf_config(os.environ.get("TF_CONFIG", ""))
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        _require_gpus(gpus, count)
        tf.config.set_visible_devices(gpus[: count or None], "GPU")
    elif count > 1:
        raise ValueError(f"--num_replicas={count}: without a GPU a worker has one replica; start more workers")
    print("waiting for all workers of TF_CONFIG to come up", file=sys.stderr, flush=True)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise ValueError(f"--strategy=multi_worker: cannot join the workers of TF_CONFIG: {error.message}") from error


def _require_gpus(gpus, count):
    if count > len(gpus):
        raise ValueError(f"--num_replicas={count}: TensorFlow sees {len(gpus)} GPUs")


def _check_tf_config(text: str) -> None:
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        if not set(jobs) <= {"chief", "worker"}:
            raise ValueError(f"jobs are {sorted(jobs)}; only chief and worker take part")
        jobs[task["type"]][int(task["index"])]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        found = f"TF_CONFIG={text!r} ({type(error).__name__}: {error})" if text else "TF_CONFIG is not set"
        raise ValueError(f"--strategy=multi_worker: {found}; want {_TF_CONFIG_EXAMPLE}") from None
