"""Batch normalization with shortcut and activation in one pass."""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.precision import wide_type


def moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and biased variance of every column of x [M, C]: [C], [C], float32 of a half x.

    `normalize` alone may be differentiated.
    """
    x = tf.convert_to_tensor(x)
    return tuple(tf_ops().ocnn_moments(x, U=wide_type(x.dtype)))


tf.no_gradient("Ocnn>Moments")


def normalize(
    x: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    mean: tf.Tensor,
    variance: tf.Tensor,
    epsilon: float,
    slope: float = 1.0,
    shortcut: tf.Tensor | None = None,
    batch_statistics: bool = False,
) -> tf.Tensor:
    """z = gamma (x - mean) / sqrt(variance + epsilon) + beta + shortcut; z where it is positive, slope z elsewhere.

    Args:
        x, shortcut: [M, C] float32, float64 or half.
        gamma, beta, mean, variance: [C] of the same type, float32 beside a half x.
        slope: of the activation: 0 is ReLU, 1 none.
        batch_statistics: mean and variance are moments(x), and the gradient in x knows it, in one pass; otherwise the
            gradient flows on into mean and variance, wherever they come from.

    Returns:
        [M, C].
    """
    shortcuts = [] if shortcut is None else [shortcut]
    return tf_ops().ocnn_normalize(
        x, gamma, beta, mean, variance, shortcuts, epsilon=epsilon, slope=slope, batch_statistics=batch_statistics
    )


@tf.RegisterGradient("Ocnn>Normalize")
def _normalize_gradient(op, grad):
    x, gamma, beta, mean, variance, *shortcuts = op.inputs
    names = ("epsilon", "slope", "batch_statistics")
    grads = tf_ops().ocnn_normalize_grad(
        *(grad, x, gamma, beta, mean, variance, [op.outputs[0]] if shortcuts else []),
        **{name: op.get_attr(name) for name in names},
    )
    statistics = [None, None] if op.get_attr("batch_statistics") else _statistics_gradient(op, grads)
    return [grads.grad_x, grads.grad_gamma, grads.grad_beta, *statistics, *grads.grad_shortcut]


def _statistics_gradient(op, grads):
    """Of z = gamma (x - mean) / sqrt(variance + epsilon) + ...: the sums over the rows are those of gamma and beta."""
    gamma, variance = op.inputs[1], op.inputs[4]
    square = 1.0 / (variance + op.get_attr("epsilon"))
    return [-gamma * tf.sqrt(square) * grads.grad_beta, -0.5 * gamma * square * grads.grad_gamma]
