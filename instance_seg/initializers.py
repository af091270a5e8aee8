"""The weights a training starts from: a value that a network hands to all of its layers.

Before batch normalization the size of a weight does not matter to what a layer computes, but to how fast it learns: the
same step turns a small weight further than a large one (docs/studies/short_training.md, "Initial weights").
"""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Initializer:
    """Every weight is uniform between minus and plus a limit, which each field gives for a kind of weight."""

    linear: Callable[[int, int], float]  # (inputs, outputs)
    bias: Callable[[int, int], float]  # (inputs, outputs) of the linear layer the bias belongs to
    convolution: Callable[[int, int, int], float]  # (cells of the kernel, inputs, outputs)
    transposed: Callable[[int, int, int], float]  # the same of a transposed convolution


def xavier(fan_in: int, fan_out: int) -> float:
    """Xavier's limit; also called Glorot's."""
    return math.sqrt(6.0 / (fan_in + fan_out))


def _inverse_root(fan_in: int, fan_out: int) -> float:
    return 1.0 / math.sqrt(fan_in)


def _xavier_of_all_cells(cells: int, inputs: int, outputs: int) -> float:
    return xavier(cells * inputs, cells * outputs)


# The released program: Xavier on the matrices that TF1 O-CNN stores, which are [Cout, 27 Cin] for a convolution,
# [Cin, 8 Cout] for a transposed one, and [Cout, 1] for a bias.
RELEASED = Initializer(
    linear=xavier,
    bias=lambda inputs, outputs: xavier(1, outputs),
    convolution=lambda cells, inputs, outputs: xavier(cells * inputs, outputs),
    transposed=lambda cells, inputs, outputs: xavier(inputs, cells * outputs),
)

# As with PyTorch: linear layers and their biases as torch.nn.Linear has them, convolutions by Xavier with both fans
# counted over all cells, as the PyTorch library of O-CNN has them.
FAN_IN = Initializer(
    linear=_inverse_root,
    bias=_inverse_root,
    convolution=_xavier_of_all_cells,
    transposed=_xavier_of_all_cells,
)

# PointGroup and its heirs: PyTorch's linear layers; spconv's kernels [k, k, k, Cin, Cout] by a function that takes all
# but the first axis for the fan, which is k * k * Cin * Cout then.
SPCONV = Initializer(
    linear=_inverse_root,
    bias=_inverse_root,
    convolution=lambda cells, inputs, outputs: 1.0 / math.sqrt(round(cells ** (2 / 3)) * inputs * outputs),
    transposed=lambda cells, inputs, outputs: 1.0 / math.sqrt(round(cells ** (2 / 3)) * inputs * outputs),
)

# PartNet's, ASIS' and JSNet's programs: Xavier, and biases of 0.
XAVIER = Initializer(
    linear=xavier,
    bias=lambda inputs, outputs: 0.0,
    convolution=_xavier_of_all_cells,
    transposed=_xavier_of_all_cells,
)

INITIALIZERS = {"released": RELEASED, "fan_in": FAN_IN, "spconv": SPCONV, "xavier": XAVIER}
