"""From a split to batches of tensors with the tables of a backbone, prepared while the network works."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from instance_seg.data.batches import Sample, SampleConfig, Split, evaluation_batch, training_batch
from instance_seg.structures import Batch, Points

Tables = Callable[[Points, Points], Any]  # all points of the clouds, the labeled ones -> a nest of tensors


def training_dataset(
    split: Split,
    samples: SampleConfig,
    tables: Tables,
    start_step: int = 0,
    num_steps: int | None = None,
    num_workers: int = 2,
    parts: range = range(1),
    num_parts: int = 1,
) -> tf.data.Dataset:
    """Batches of steps start_step, start_step + 1, ... as tf.data; elements are `Batch`.

    Step s is the same batch whatever the start, the number of workers or the batches asked for before it.

    Args:
        tables: of the backbone.
        num_steps: how many batches; None = no end.
        num_workers: batches prepared side by side.
        parts, num_parts: every batch is cut into `num_parts` of as many clouds each, for the replicas of a distributed
            training; elements are those of `parts` in turn, then those of the next step.

    Raises:
        ValueError: the batch cannot be cut so.
    """
    if samples.batch_size % num_parts:
        raise ValueError(f"train_batch_size={samples.batch_size} must be a multiple of the {num_parts} replicas")
    first = start_step * len(parts)
    end = tf.int64.max if num_steps is None else first + num_steps * len(parts)
    size = samples.batch_size // num_parts

    def make_sample(key: int) -> Sample:
        step, i = divmod(int(key), len(parts))
        return training_batch(split, samples, step, parts[i], num_parts)

    return _batches(tf.data.Dataset.range(first, end), make_sample, _specs(split.whole(0), size), tables, num_workers)


def evaluation_dataset(split: Split, batch_size: int, tables: Tables, num_workers: int = 2) -> tf.data.Dataset:
    """All clouds in their order, unaugmented, with all of their points; the last batch may be smaller."""
    firsts = tf.data.Dataset.range(0, len(split), batch_size)
    specs = _specs(split.whole(0), batch_size if len(split) % batch_size == 0 else None)
    return _batches(firsts, lambda first: evaluation_batch(split, int(first), batch_size), specs, tables, num_workers)


def build_batch(sample: Sample, tables: Tables) -> Batch:
    """The batch of a sample of tensors."""
    return Batch(sample.points, tables(sample.cloud, sample.points), sample.labels, sample.targets, sample.index)


def _batches(
    keys: tf.data.Dataset, make_sample: Callable[[int], Sample], specs: Sample, tables: Tables, num_workers: int
) -> tf.data.Dataset:
    """Samples for integer keys, in order, with their tables."""

    def to_tensors(key: tf.Tensor) -> Sample:
        dtypes = [tensor.dtype for tensor in tf.nest.flatten(specs)]
        flat = tf.numpy_function(lambda k: tf.nest.flatten(make_sample(k)), [key], dtypes)
        sample = tf.nest.pack_sequence_as(specs, flat)
        return tf.nest.map_structure(lambda tensor, want: tf.ensure_shape(tensor, want.shape), sample, specs)

    options = tf.data.Options()
    # Nothing is tuned here, and on a busy machine the tuner may hold up the end of a run for its period of a minute.
    options.autotune.enabled = False
    return (
        keys.map(to_tensors, num_parallel_calls=num_workers, deterministic=True)
        .map(lambda sample: build_batch(sample, tables), num_parallel_calls=num_workers, deterministic=True)
        .prefetch(num_workers)
        .with_options(options)
    )


def _specs(example: Sample, batch_size: int | None) -> Sample:
    """Shapes and dtypes of samples like `example`; the batch size is None when the last batch may be smaller."""
    specs = tf.nest.map_structure(lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), example)
    row_splits = tf.TensorSpec([None if batch_size is None else batch_size + 1], tf.int32)
    return specs._replace(
        cloud=specs.cloud._replace(row_splits=row_splits),
        points=specs.points._replace(row_splits=row_splits),
        index=tf.TensorSpec([batch_size], tf.int32),
    )
