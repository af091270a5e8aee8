"""Optimizers: one update of variables in place, inside a replica of a strategy or outside of any.

They are TensorFlow's own update kernels. A Keras optimizer would sum the gradients over the replicas once more, and
keeps the rate inside its momentum.
"""

from collections.abc import Sequence

import tensorflow as tf

from instance_seg.replicas import assign_here
from instance_seg.schedule import ScheduleConfig


class Momentum(tf.Module):
    """TF1's momentum: a <- momentum a + g; w <- w - rate a.

    Keras' SGD keeps the learning rate inside the accumulator, so after a drop of the rate the two differ for as long
    as the momentum remembers.

    Args:
        factors: of the rate, for each variable; none: 1.
    """

    def __init__(self, variables, momentum: float, factors: Sequence[float] = ()):
        super().__init__(name="momentum")
        self.momentum, self._factors = momentum, factors or [1.0] * len(variables)
        self.accumulators = [tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables]

    def apply(self, gradients, variables, rate: tf.Tensor) -> None:
        """One update of `variables` (tf.Variable, in the order of the constructor) in place."""
        for g, v, a, factor in zip(gradients, variables, self.accumulators, self._factors):
            tf.raw_ops.ResourceApplyMomentum(
                var=v.handle, accum=a.handle, lr=factor * rate, grad=g, momentum=self.momentum, use_nesterov=False
            )


class Adam(tf.Module):
    """Adam with the constants of Keras: beta 0.9 and 0.999, epsilon 1e-7. `factors` as of Momentum."""

    BETAS, EPSILON = (0.9, 0.999), 1e-7

    def __init__(self, variables, factors: Sequence[float] = ()):
        super().__init__(name="adam")
        self._factors = factors or [1.0] * len(variables)
        self.means, self.squares = (
            [tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in variables] for _ in range(2)
        )
        self.powers = [tf.Variable(beta, trainable=False) for beta in self.BETAS]  # of the update to come

    def apply(self, gradients, variables, rate: tf.Tensor) -> None:
        """One update of `variables` (tf.Variable, in the order of the constructor) in place."""
        for g, v, m, s, factor in zip(gradients, variables, self.means, self.squares, self._factors):
            powers = [tf.convert_to_tensor(power) for power in self.powers]
            tf.raw_ops.ResourceApplyAdam(
                var=v.handle, m=m.handle, v=s.handle, beta1_power=powers[0], beta2_power=powers[1], lr=factor * rate,
                beta1=self.BETAS[0], beta2=self.BETAS[1], epsilon=self.EPSILON, grad=g,
            )  # fmt: skip
        for power, beta in zip(self.powers, self.BETAS):
            assign_here(power, power * beta)


def make_optimizer(config: ScheduleConfig, variables, factors: Sequence[float] = ()) -> Momentum | Adam:
    """The optimizer of the settings, with its state for `variables` (tf.Variable); `factors` as of Momentum."""
    if config.optimizer == "momentum":
        return Momentum(variables, config.momentum, factors)
    return Adam(variables, factors)
