"""For code that runs once in every replica of a tf.distribute strategy: how many there are, and what they have in sum.

A replica works on its part of the global batch. Without a strategy, or outside of `strategy.run`, there is one replica
and everything here is the identity.
"""

import tensorflow as tf


def num_replicas() -> int:
    """Replicas among which the global batch of the current step is split."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context else 1


def sum_over_replicas(value: tf.Tensor) -> tf.Tensor:
    """The sum of a tensor over all replicas: the same in each of them, and differentiable.

    The gradient of every replica's loss flows back into every replica, as for the sum of all the losses.
    """
    if num_replicas() == 1:
        return value
    here = tf.identity(value)  # a tensor from outside of the replica has no device to be reduced on
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)


def sums_over_replicas(values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The sum of each float32 tensor, by one message for all of them; their shapes must be known."""
    if num_replicas() == 1:
        return values
    message = sum_over_replicas(tf.concat([tf.reshape(v, [-1]) for v in values], axis=0))
    parts = tf.split(message, [v.shape.num_elements() for v in values])
    return [tf.reshape(part, v.shape) for part, v in zip(parts, values)]


def share(value: tf.Tensor) -> tf.Tensor:
    """The part of a quantity all replicas agree on that one of them contributes to the sum over replicas."""
    count = num_replicas()
    return value if count == 1 else value / count


def assign_here(variable, value: tf.Tensor) -> None:
    """Sets this replica's copy of a tf.Variable or Keras variable; the caller sees to it that every replica agrees."""
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def average_here(variables) -> None:
    """Sets every variable to its average over the replicas, in each of them."""
    for variable, total in zip(variables, sums_over_replicas([tf.convert_to_tensor(v) for v in variables])):
        assign_here(variable, share(total))
