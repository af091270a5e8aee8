"""A table of the layers of a network: output shapes and parameter counts (`train --describe`)."""

import math

import keras
from tabulate import tabulate

from instance_seg.layers import layers_of


def describe(model: keras.Model) -> str:
    """Every layer that owns weights, with the shapes of its weights and their number, then the totals."""
    rows = []
    for layer in layers_of(model):
        if own := [v for v in layer.weights if v.path.rpartition("/")[0] == layer.path]:  # of no layer inside of it
            weights = ", ".join(f"{v.name} {list(v.shape)}" for v in own)
            rows.append((layer.path, type(layer).__name__, weights, f"{_count(v for v in own if v.trainable):,}"))
    table = tabulate(
        rows, headers=["layer", "kind", "weights", "trainable"], colalign=("left", "left", "left", "right")
    )
    trainable = _count(model.trainable_variables)
    statistics = _count(model.non_trainable_variables)
    return f"{table}\n\ntrainable parameters {trainable:,}; with moving statistics {trainable + statistics:,}"


def count_parameters(model: keras.Model) -> int:
    """Trainable parameters of a built model."""
    return _count(model.trainable_variables)


def _count(variables) -> int:
    return sum(math.prod(v.shape) for v in variables)
