"""A table of the layers of a network: shapes of their weights and parameter counts (`train --describe`)."""

import math

import keras
from tabulate import tabulate


def describe(model: keras.Model) -> str:
    """Every layer that owns weights, with the shapes of its weights and their number, then the totals."""
    layers = {}
    for variable in model.variables:
        layers.setdefault(variable.path.rpartition("/")[0], []).append(variable)
    rows = [
        (path, ", ".join(f"{v.name} {list(v.shape)}" for v in own), f"{_count(v for v in own if v.trainable):,}")
        for path, own in layers.items()
    ]
    table = tabulate(rows, headers=["layer", "weights", "trainable"], colalign=("left", "left", "right"))
    trainable, total = count_parameters(model), _count(model.variables)
    return f"{table}\n\ntrainable parameters {trainable:,}; with moving statistics {total:,}"


def count_parameters(model: keras.Model) -> int:
    """Trainable parameters of a built model."""
    return _count(model.trainable_variables)


def _count(variables) -> int:
    return sum(math.prod(v.shape) for v in variables)
