"""Training in half precision: what computes in it, and a factor on the loss that keeps float16 gradients in range.

Under Keras' mixed policies variables stay float32; layers with a kernel compute in half precision, and what else has to
be float32 (statistics, probabilities, output layers, losses) is a matter of the layers.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from instance_seg.replicas import assign_here


@contextlib.contextmanager
def computing_in(mixed_precision: str):
    """Layers made inside compute in "float16" or "bfloat16", or, by "none", as they would anyway."""
    before = keras.config.dtype_policy()
    if mixed_precision != "none":
        keras.config.set_dtype_policy(f"mixed_{mixed_precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def make_loss_scale(mixed_precision: str) -> "FixedScale | DynamicScale":
    """What a precision needs: float16 has 5 bits of exponent, the others have float32's 8."""
    return DynamicScale() if mixed_precision == "float16" else FixedScale()


class Outcome(NamedTuple):
    """What became of an update."""

    scale: tf.Tensor  # [] float32, of the loss whose gradients these were
    applied: tf.Tensor  # [] bool


class FixedScale(tf.Module):
    """Scale 1: nothing is scaled, no step is left out."""

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss to differentiate."""
        return loss

    def apply(self, losses: tf.Tensor, gradients: Sequence[tf.Tensor], update: Callable) -> Outcome:
        """Hands the gradients of `scaled(loss)` to `update`."""
        update(gradients)
        return Outcome(tf.constant(1.0), tf.constant(True))


class DynamicScale(tf.Module):
    """As large a scale as float16 bears: halved when a number overflows, doubled after a long time without.

    A step with an overflow is left out. At scale 1 nothing more can be gained: the caller should give up then.
    """

    INITIAL, SMALLEST = 2.0**15, 1.0
    GROWTH_STEPS = 2000

    def __init__(self):
        super().__init__(name="loss_scale")
        self.scale = tf.Variable(self.INITIAL, trainable=False)
        self.good_steps = tf.Variable(0, trainable=False)  # since the scale last changed

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss to differentiate."""
        return loss * self.scale

    def apply(self, losses: tf.Tensor, gradients: Sequence[tf.Tensor], update: Callable) -> Outcome:
        """Hands the gradients of `scaled(loss)`, without the scale, to `update` if they and `losses` are finite.

        All replicas must come with the same numbers, those summed over replicas.
        """
        scale = tf.convert_to_tensor(self.scale)
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(x)) for x in (losses, *gradients)])

        def apply():
            update([g / scale for g in gradients])
            return tf.constant(True)

        applied = tf.cond(finite, apply, lambda: tf.constant(False))
        steps = tf.where(applied, self.good_steps + 1, 0)
        grows = steps == self.GROWTH_STEPS
        larger = tf.where(grows, scale * 2.0, scale)
        assign_here(self.scale, tf.where(applied, larger, tf.maximum(scale / 2.0, self.SMALLEST)))
        assign_here(self.good_steps, tf.where(grows, 0, steps))
        return Outcome(scale, applied)
