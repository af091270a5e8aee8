"""Groups of points: connected components of one class among the points, as they are or shifted (PointGroup, HAIS)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.structures import Tensor


class Groups(NamedTuple):
    """Groups of points of a batch. They may overlap, and none is empty."""

    points: Tensor  # [T] int32, rows of the batch, group after group
    row_splits: Tensor  # [P + 1] int32; group p has points[row_splits[p]:row_splits[p + 1]]

    def of_entry(self) -> tf.Tensor:
        """[T] int32, the group each entry of `points` belongs to."""
        return splits_to_ids(self.row_splits)

    def first(self, count: int) -> "Groups":
        """At most so many of them."""
        row_splits = self.row_splits[: count + 1]
        return Groups(self.points[: row_splits[-1]], row_splits)


NO_GROUPS = Groups(np.zeros(0, np.int32), np.zeros(1, np.int32))  # no tensors: TensorFlow is not to start at import


def splits_to_ids(row_splits: tf.Tensor) -> tf.Tensor:
    """[B + 1] row splits -> [N] int32, which part each row belongs to."""
    return tf.repeat(tf.range(tf.size(row_splits) - 1), row_splits[1:] - row_splits[:-1])


def join(parts: Sequence[Groups]) -> Groups:
    """All groups of several, in their order."""
    sizes = tf.concat([part.row_splits[1:] - part.row_splits[:-1] for part in parts], axis=0)
    row_splits = tf.concat([[0], tf.cumsum(sizes)], axis=0)
    return Groups(tf.concat([part.points for part in parts], axis=0), row_splits)


def among(semantic: tf.Tensor, classes: Sequence[int]) -> tf.Tensor:
    """[N] bool, which of the classes [N] int32 are among these."""
    return tf.reduce_any(semantic[:, None] == tf.constant(classes, tf.int32), axis=1)


def component_groups(
    xyz: tf.Tensor,
    semantic: tf.Tensor,
    row_splits: tf.Tensor,
    things: Sequence[int],
    radius: float,
    max_neighbors: int,
    min_points: int,
) -> Groups:
    """The connected components among the points of the classes `things`, each of one class and one cloud.

    Args:
        xyz: [N, 3] float32, where the points are looked for.
        semantic: [N] int32.
        row_splits: [B + 1] int32.
        radius: of what is connected, in the unit of `xyz`.
        max_neighbors: of a point that are looked at, of whatever thing (`ocnn_tf_ops.radius_components`).
        min_points: smaller components are dropped.
    """
    rows = tf.cast(tf.where(among(semantic, things))[:, 0], tf.int32)
    splits = tf.searchsorted(rows, row_splits)
    members, group_splits = ops.radius_components(
        tf.stop_gradient(tf.gather(xyz, rows)), tf.gather(semantic, rows), splits, radius, max_neighbors, min_points
    )
    return Groups(tf.gather(rows, members), group_splits)
