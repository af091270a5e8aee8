"""Less memory in a training step: what a few cheap layers compute is computed again where its gradient is wanted."""

from collections.abc import Callable

import tensorflow as tf


def recomputed(function: Callable[..., tf.Tensor], *inputs: tf.Tensor) -> tf.Tensor:
    """function(*inputs), and the gradients of the inputs and of the variables it reads, which may be none.

    Of all that the function computes nothing is kept for the backward pass, which calls it again. TensorFlow leaves out
    what no gradient needs, such as a last product. tf.recompute_grad does not wait for the gradient to arrive: in a
    compiled step it computes everything at once, or finds that it has it already and keeps that.

    Args:
        function: of these tensors. It must change no variable, and read no other tensor that a gradient is wanted of.
    """

    @tf.custom_gradient
    def call(*inputs):
        def gradient(grad, variables=()):
            with tf.control_dependencies([grad]):
                later = [tf.identity(x) for x in inputs]
            with tf.GradientTape() as tape:
                tape.watch(later)
                again = function(*later)
            of_inputs, of_variables = tape.gradient(again, [later, list(variables)], grad)
            return (of_inputs, of_variables) if variables else of_inputs

        return function(*inputs), gradient

    return call(*inputs)
