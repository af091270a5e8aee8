"""Counts the operations of a network's matrix products, by asking every layer while the network is called.

A multiplication and its addition are two operations. Only matrix products count (linear layers, convolutions at the
neighbors that exist, pooling and spreading of class features); batch normalization, activations and interpolation are
left out, so a fraction of the machine's matrix-product rate is what remains to gain at most.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from instance_seg.layers import Layer, layers_of


class Call(NamedTuple):
    """One call of a layer that multiplies."""

    layer: Layer
    shapes: tuple[tuple[int, ...], ...]  # of its first input, or of the parts of it
    others: tuple  # its other inputs
    multiplications: int
    differentiable: bool  # a gradient is wanted for what comes in

    @property
    def forward(self) -> int:
        """Operations of the forward pass."""
        return 2 * self.multiplications

    @property
    def step(self) -> int:
        """Operations of forward and backward: each gradient costs as much as the forward pass."""
        return self.forward * (3 if self.differentiable else 2)


def count(network: keras.Model, run: Callable[[], Any]) -> list[Call]:
    """The calls that `run` makes of layers of the network, which are built; what the first one gets are data."""
    calls: list[Call] = []

    def note(layer: Layer, inputs: tuple) -> None:
        first, *others = inputs
        multiplications = layer.multiplications(*inputs)
        if multiplications:
            shapes = tuple(tuple(part.shape) for part in tf.nest.flatten(first))
            calls.append(Call(layer, shapes, tuple(others), multiplications, differentiable=bool(calls)))

    layers = [layer for layer in layers_of(network) if isinstance(layer, Layer)]
    for layer in layers:
        layer.observer = note
    try:
        run()
    finally:
        for layer in layers:
            layer.observer = None
    return calls
