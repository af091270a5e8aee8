"""Outputs averaged over copies of a cloud that are mirrored and scaled along the axes, in evaluations (ours)."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from instance_seg.structures import LevelPrediction, Points

Network = Callable[[Points], tuple[LevelPrediction, ...]]


def averaged(
    network: Network, points: Points, copies: Sequence[Sequence[float]], num_levels: int, directions: int
) -> tuple[LevelPrediction, ...]:
    """One LevelPrediction per level: logits of the mean probabilities, and the means of the offsets mapped back.

    The network sees one copy after the other, so that it needs no more memory than for one.

    Args:
        network: points of a batch -> one LevelPrediction per level.
        points: of a batch.
        copies: of each the factors of x, y and z; none of them is 0.
        num_levels: of the network's outputs.
        directions: the features begin with so many normals.
    """

    def of_copy(factors):
        return tuple(
            LevelPrediction(tf.nn.log_softmax(level.logits), *(offset / factors for offset in level[1:]))
            for level in network(copied(points, factors, directions))
        )

    outputs = (LevelPrediction(tf.float32, tf.float32, tf.float32),) * num_levels
    every = tf.map_fn(of_copy, tf.constant(copies), parallel_iterations=1, fn_output_signature=outputs)
    return tuple(
        LevelPrediction(tf.reduce_logsumexp(level.logits, axis=0), *(tf.reduce_mean(x, axis=0) for x in level[1:]))
        for level in every
    )


def copied(points: Points, factors: tf.Tensor, directions: int) -> Points:
    """The points times `factors` [3]; normals, of unchanged length, by the inverse transpose."""
    *normals, others = tf.split(points.features, [3] * directions + [-1], axis=1)
    for i, normal in enumerate(normals):
        turned = normal / factors
        before, after = (tf.norm(x, axis=1, keepdims=True) for x in (normal, turned))
        normals[i] = turned * tf.math.divide_no_nan(before, after)
    return points._replace(xyz=points.xyz * factors, features=tf.concat([*normals, others], axis=1))
