"""Searches in point sets, the bricks of PointNet++ and of feature-space neighborhoods.

Point sets of a batch lie one after the other; shape b owns the rows row_splits[b]:row_splits[b + 1] (int32 or int64),
and nothing is ever searched across shapes. Index -1 means "none" throughout. What is found (samples, neighbors,
weights) carries no gradient; what gather.py makes of it does.
"""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.precision import full_precision
from ocnn_tf_ops.python.splits import int32_splits

for _name in ("FarthestPoints", "BallQuery", "NearestNeighbors", "RadiusComponents"):
    tf.no_gradient(f"Ocnn>{_name}")


def farthest_points(xyz: tf.Tensor, row_splits: tf.Tensor, num_samples: int) -> tf.Tensor:
    """From each shape `num_samples` points, each the farthest from those before it; the first is the shape's first.

    Args:
        xyz: [N, 3] float32, finite.
        row_splits: [B + 1] int32 or int64; every shape needs a point. One with fewer distinct points repeats its first.

    Returns:
        [B * num_samples] int32, rows of xyz.
    """
    return tf_ops().ocnn_farthest_points(xyz, int32_splits(row_splits), num_samples=num_samples)


def ball_query(
    xyz: tf.Tensor,
    row_splits: tf.Tensor,
    queries: tf.Tensor,
    query_splits: tf.Tensor,
    radius: float,
    max_neighbors: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """For each query the first `max_neighbors` points, in the order of their rows, closer than `radius`.

    Args:
        xyz: [N, 3] float32, finite.
        queries: [Q, 3] float32, of the shapes that query_splits [B + 1] says.

    Returns:
        index [Q, max_neighbors] int32, rows of xyz; slots that remain repeat the first one found, or are -1 if there is
        none. count [Q] int32: how many were found.
    """
    splits, query_splits = int32_splits(row_splits), int32_splits(query_splits)
    found = tf_ops().ocnn_ball_query(xyz, splits, queries, query_splits, radius=radius, max_neighbors=max_neighbors)
    return found.index, found.count


def radius_components(
    xyz: tf.Tensor,
    labels: tf.Tensor,
    row_splits: tf.Tensor,
    radius: float,
    max_neighbors: int,
    min_points: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Connected components of near points of the same label, breadth first from seeds by row (PointGroup).

    A point's neighbors are the first `max_neighbors` points of its shape, in the order of their rows, itself included,
    that are closer than `radius`; those of its own label belong to its component. As points of other labels take part
    in the count, and those beyond it are not seen, the relation may be one-sided. For CPUs alone.

    Args:
        xyz: [N, 3] float32, finite.
        labels: [N] int32.
        row_splits: [B + 1] int32 or int64.
        min_points: smaller components are dropped.

    Returns:
        members [T] int32, rows of xyz; splits [C + 1] int32: component c has members[splits[c]:splits[c + 1]], in the
        order in which they were found.
    """
    found = tf_ops().ocnn_radius_components(
        xyz, labels, int32_splits(row_splits), radius=radius, max_neighbors=max_neighbors, min_points=min_points
    )
    return found.members, found.splits


def nearest_neighbors(
    x: tf.Tensor,
    row_splits: tf.Tensor,
    queries: tf.Tensor,
    query_splits: tf.Tensor,
    num_neighbors: int,
    norm: str = "l2",
) -> tuple[tf.Tensor, tf.Tensor]:
    """For each query the nearest rows of x in a space of any width, nearest first, ties by row.

    Compares all pairs of a shape in tiles: time Q N C, but never Q x N numbers in memory.

    Args:
        x: [N, C] float32 or half; rows with NaN are near nothing.
        queries: [Q, C] float32 or half.
        norm: "l1", or "l2".

    Returns:
        index [Q, num_neighbors] int32, rows of x; distance of the same shape, float32: L1, or SQUARED L2. Where a shape
        has too few points: -1 and infinity.
    """
    x, queries = full_precision(x), full_precision(queries)
    splits, query_splits = int32_splits(row_splits), int32_splits(query_splits)
    found = tf_ops().ocnn_nearest_neighbors(x, splits, queries, query_splits, num_neighbors=num_neighbors, norm=norm)
    return found.index, found.distance


def three_neighbors(
    xyz: tf.Tensor, row_splits: tf.Tensor, queries: tf.Tensor, query_splits: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The three nearest points of every query and their weights, inverse to the squared distance (PointNet++).

    Returns:
        index [Q, 3] int32, rows of xyz, -1 where a shape has fewer; weight [Q, 3] float32, 0 there, else summing to 1.
    """
    index, squared = nearest_neighbors(xyz, row_splits, queries, query_splits, 3)
    inverse = 1.0 / tf.maximum(squared, 1e-10)  # 0 at infinity
    return index, tf.math.divide_no_nan(inverse, tf.reduce_sum(inverse, axis=1, keepdims=True))
