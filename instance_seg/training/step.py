"""One update of a system: forward, losses, backward, optimizer; what trainer, benchmark and tests have in common."""

from collections.abc import Hashable
from typing import Any

import tensorflow as tf

from instance_seg.replicas import assign_here, average_here, sums_over_replicas
from instance_seg.structures import Batch
from instance_seg.systems.system import System
from instance_seg.training.precision import FixedScale, Outcome


class Step:
    """Updates a built system, with a state that lasts from one update to the next.

    Args:
        system: with its variables created.
        optimizer: of training.optimizers.
        loss_scale: of training.precision; none by default.
        average_statistics: each replica has moved its own copy of the moving statistics; make them equal again.
    """

    def __init__(self, system: System, optimizer: Any, loss_scale: Any = None, average_statistics: bool = False):
        self.system, self.optimizer, self.loss_scale = system, optimizer, loss_scale or FixedScale()
        self.average_statistics = average_statistics
        self.variables = [v.value for v in system.trainable_variables]  # TensorFlow's own, inside Keras'
        self.constrained = [v for v in system.trainable_variables if v.constraint is not None]

    def losses(self, batch: Batch, phase: Hashable, training: bool) -> dict[str, tf.Tensor]:
        """Forward: this replica's share of every term of the loss."""
        outputs = self.system(batch.points, batch.tables, phase=phase, training=training)
        return self.system.losses(outputs, batch) | self.system.phase_losses(outputs, batch, phase)

    def update(
        self, batch: Batch, rate: tf.Tensor, phase: Hashable = "", training: bool = True
    ) -> tuple[dict[str, tf.Tensor], Outcome]:
        """One replica's part of an update.

        Args:
            batch: this replica's part of it.
            rate: learning rate.
            phase: of the system.
            training: normalize with the statistics of the batch.

        Returns:
            "total" and the terms of the global loss, and what became of the update.
        """
        with tf.GradientTape() as tape:
            terms = self.losses(batch, phase, training)
            total = tf.add_n(list(terms.values()))
            scaled = self.loss_scale.scaled(total)
        gradients = tape.gradient(scaled, self.variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        losses, *gradients = sums_over_replicas([tf.stack([total, *terms.values()]), *gradients])
        outcome = self.loss_scale.apply(losses, gradients, lambda g: self.optimizer.apply(g, self.variables, rate))
        for variable in self.constrained:
            assign_here(variable, variable.constraint(variable))
        if self.average_statistics:
            average_here(self.system.non_trainable_variables)
        return dict(zip(["total", *terms], tf.unstack(losses))), outcome
