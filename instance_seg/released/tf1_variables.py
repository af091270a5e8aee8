"""Names and layouts of the released program's TF1 variables for every weight of our network.

The released program keeps a weight as a matrix or a vector under a scope of its graph; we keep convolutions as
[K, Cin, Cout] and dense layers as [Cin, Cout]. One function per layer type says where its weights stand there, and the
loops over depths, blocks and levels follow the structure of the model, whatever its sizes.

    convolution    [Cout, Cin * K]   column ci * K + k      K = 27 or 8 (stride 2)
    deconvolution  [Cin, Cout * 8]   column co * 8 + k
    1x1            [Cout, Cin], bias [Cout, 1]
    batch norm     gamma, beta, moving_mean, moving_variance: [C] each

A level's semantic scope carries its number of classes (`predict_6`). A level's transfer units are numbered like our
sources: its own level first (`convtransfer`), then the others ascending (`convtransfer_1`, `convtransfer_2`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from instance_seg.octree.units import UpUnit

SCOPE = "seg/"
DECODERS = ("seg", "offset")
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")

VECTOR = (0,)
COLUMN = (0, None)
DENSE = (1, 0)
CONV = (2, 1, 0)
DECONV = (1, 2, 0)


class Stored(NamedTuple):
    """One of our variables and how TF1 stores it."""

    variable: Any  # keras.Variable
    axes: tuple  # our axes in TF1's order: rows, then columns from slow to fast; None is an axis of length 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the variable in TF1."""
        rows, *columns = self._split_shape
        return (rows, int(np.prod(columns))) if columns else (rows,)

    @property
    def _split_shape(self):
        return tuple(1 if a is None else self.variable.shape[a] for a in self.axes)

    def from_tf1(self, value: np.ndarray) -> np.ndarray:
        """TF1's layout -> ours."""
        split = value.reshape([n for n, a in zip(self._split_shape, self.axes) if a is not None])
        order = [a for a in self.axes if a is not None]
        return np.ascontiguousarray(np.transpose(split, np.argsort(order)))


def tf1_variables(model) -> dict[str, Stored]:
    """TF1's name -> our variable, for every variable of a built `SemanticAssisted`.

    Raises ValueError if the network fuses in the paper's order, which no TF1 weight belongs to.
    """
    if model.settings.concat_order != "released":
        raise ValueError(
            f"concat_order={model.settings.concat_order!r}: TF1 weights belong to the released program's order; "
            "set concat_order=released"
        )
    return dict(_network(model))


def _network(model) -> Iterator[tuple[str, Stored]]:
    yield from _backbone(f"{SCOPE}ocnn_unet", model.backbone)
    for level, (classes, head) in enumerate(zip(model.task.num_classes, model.semantic_heads), 1):
        yield from _head(f"{SCOPE}level_{level}/predict_{classes}", head)
    for level, head in enumerate(model.offset_heads, 1):
        yield from _head(f"{SCOPE}level_{level}/predict_offset", head)


def _backbone(scope, backbone):
    for depth, stage in zip(range(backbone.depth, backbone.coarsest - 1, -1), backbone.encoder):
        yield from _stage(f"{scope}/encoder_d{depth}", stage)
    for name, decoder in zip(DECODERS, backbone.decoders):
        for depth, stage in enumerate(decoder, backbone.coarsest + 1):
            yield from _stage(f"{scope}/decoder_{name}_d{depth}", stage)


def _stage(scope, stage):
    yield from _octree_unit(scope, stage.entry)
    for j, block in enumerate(stage.blocks):
        yield from _unit(f"{scope}/resblock_{j}/1x1x1_a", block.reduce)
        yield from _octree_unit(f"{scope}/resblock_{j}/3x3x3", block.conv)
        yield from _unit(f"{scope}/resblock_{j}/1x1x1_b", block.expand)


def _head(scope, head):
    for i, unit in enumerate(head.hidden):
        yield from _unit(f"{scope}/conv{i}", unit)
    if getattr(head, "fusion", None):  # of offset heads
        for i, unit in enumerate(head.fusion.transfers):
            yield from _unit(f"{scope}/convtransfer_{i}" if i else f"{scope}/convtransfer", unit)
        yield from _unit(f"{scope}/convfusion", head.fusion_unit)
    yield from _linear(f"{scope}/conv{len(head.hidden)}", head.output_layer)


def _octree_unit(scope, unit):
    kind, axes = ("deconv", DECONV) if isinstance(unit, UpUnit) else ("conv", CONV)
    yield f"{scope}/{kind}_bn_relu/octree_{kind}/weights", Stored(unit.kernel, axes)
    yield from _batch_norm(f"{scope}/{kind}_bn_relu", unit.norm)


def _unit(scope, unit):
    yield from _linear(scope, unit.linear)
    yield from _batch_norm(scope, unit.norm)


def _linear(scope, linear):
    yield f"{scope}/conv2d_1x1/weights", Stored(linear.kernel, DENSE)
    if linear.bias is not None:
        yield f"{scope}/conv2d_1x1/bias", Stored(linear.bias, COLUMN)


def _batch_norm(scope, norm):
    for name in BATCH_NORM:
        yield f"{scope}/batch_normalization/{name}", Stored(getattr(norm, name), VECTOR)
