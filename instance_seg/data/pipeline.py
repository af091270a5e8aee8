"""From a data set in memory to batches of tensors with their octrees, prepared while the network works."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

import ocnn_tf_ops as ocnn
from instance_seg.data.batches import Sample, SampleConfig, evaluation_batch, training_batch
from instance_seg.data.partnet.dataset import PartNetDataset
from instance_seg.structures import LevelLabels, Points

Tensor = tf.Tensor


@dataclass(frozen=True)
class OctreeConfig:
    """How octrees are built.

    Attributes:
        depth: of the finest octants.
        full_depth: depth down to which all octants exist.
        edge_mode: what interpolation makes of corners outside of the cube: "missing", or "wrap" as the released code.
    """

    depth: int = 6
    full_depth: int = 2
    edge_mode: str = "missing"


class Batch(NamedTuple):
    """What the network is trained on or evaluated with."""

    points: Points  # the labelled points
    octree: ocnn.Octree  # of all points of the shapes
    labels: tuple[LevelLabels, ...]  # coarse to fine, of `points`
    shape_index: Tensor  # [B] int32, places in the data set
    index: Tensor  # [N, 8] int32, the finest octants around each of `points`, -1 = missing
    weight: Tensor  # [N, 8] float32, their trilinear weights, 0 where missing, summing to 1


def training_dataset(
    dataset: PartNetDataset,
    samples: SampleConfig,
    octree: OctreeConfig,
    start_step: int = 0,
    num_steps: int | None = None,
    num_workers: int = 2,
    parts: range = range(1),
    num_parts: int = 1,
) -> tf.data.Dataset:
    """Batches of steps start_step, start_step + 1, ... as tf.data; elements are `Batch`.

    Step s is the same batch whatever the start, the number of workers or the batches asked for before it.

    Args:
        num_steps: how many batches; None = no end.
        num_workers: batches prepared side by side.
        parts, num_parts: every batch is cut into `num_parts` of as many shapes each, for the replicas of a distributed
            training; elements are those of `parts` in turn, then those of the next step.

    Raises:
        ValueError: the batch cannot be cut so.
    """
    if samples.batch_size % num_parts:
        raise ValueError(f"train_batch_size={samples.batch_size} must be a multiple of the {num_parts} replicas")
    first = start_step * len(parts)
    end = tf.int64.max if num_steps is None else first + num_steps * len(parts)
    spec = _sample_spec(dataset.num_levels, samples.batch_size // num_parts)

    def make_sample(key: int) -> Sample:
        step, i = divmod(int(key), len(parts))
        return training_batch(dataset, samples, step, parts[i], num_parts)

    return _batches(tf.data.Dataset.range(first, end), make_sample, spec, octree, num_workers)


def evaluation_dataset(
    dataset: PartNetDataset, batch_size: int, octree: OctreeConfig, num_workers: int = 2
) -> tf.data.Dataset:
    """All shapes in their order, unaugmented, with all of their points; the last batch may be smaller."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    firsts = tf.data.Dataset.range(0, len(dataset), batch_size)
    spec = _sample_spec(dataset.num_levels, batch_size if len(dataset) % batch_size == 0 else None)
    return _batches(firsts, lambda first: evaluation_batch(dataset, int(first), batch_size), spec, octree, num_workers)


def build_batch(sample: Sample, config: OctreeConfig) -> Batch:
    """Builds the octree of a sample of tensors, and the interpolation table of its labelled points."""
    cloud, points = sample.cloud, sample.points
    octree = ocnn.octree_build(cloud.xyz, cloud.normals, cloud.row_splits, config.depth, config.full_depth)
    index, weight = ocnn.octree_interpolation_table(
        points.xyz, points.row_splits, octree.keys[config.depth], config.depth, config.edge_mode
    )
    return Batch(points, octree, sample.labels, sample.shape_index, index, weight)


def _batches(
    keys: tf.data.Dataset,
    make_sample: Callable[[int], Sample],
    spec: Sample,
    config: OctreeConfig,
    num_workers: int,
) -> tf.data.Dataset:
    """Samples for integer keys, in order, with their octrees."""

    def to_tensors(key: Tensor) -> Sample:
        dtypes = [tensor.dtype for tensor in tf.nest.flatten(spec)]
        flat = tf.numpy_function(lambda k: tf.nest.flatten(make_sample(k)), [key], dtypes)
        sample = tf.nest.pack_sequence_as(spec, flat)
        return tf.nest.map_structure(lambda tensor, want: tf.ensure_shape(tensor, want.shape), sample, spec)

    return (
        keys.map(to_tensors, num_parallel_calls=num_workers, deterministic=True)
        .map(lambda sample: build_batch(sample, config), num_parallel_calls=num_workers, deterministic=True)
        .prefetch(num_workers)
    )


def _sample_spec(num_levels: int, batch_size: int | None) -> Sample:
    """Shapes and dtypes of a sample; B is None when the last batch may be smaller."""
    vectors, ids = tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([None], tf.int32)
    row_splits = tf.TensorSpec([None if batch_size is None else batch_size + 1], tf.int32)
    points = Points(vectors, vectors, row_splits)
    levels = (LevelLabels(ids, ids, vectors, vectors),) * num_levels
    return Sample(points, points, levels, tf.TensorSpec([batch_size], tf.int32))
