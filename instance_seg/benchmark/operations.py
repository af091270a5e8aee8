"""Counts the multiplications of the network, layer by layer, from its settings and the sizes of an octree.

A multiplication and its addition are two operations. Only matrix products count (linear layers and convolutions, at the
neighbors that exist); batch normalization, activations and interpolation are left out, so a fraction of the machine's
matrix-product rate is what remains to gain at most.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from instance_seg.systems.semantic_assisted import source_levels
from instance_seg.systems.settings import SemanticAssistedSettings

INPUT_CHANNELS = 4


class Layer(NamedTuple):
    """One layer: `products` rows times a [cin, cout] matrix."""

    name: str
    kind: str  # conv, down, up or linear
    depth: int  # of the octants that come in; -1 = points
    products: int  # pairs of rows multiplied, such as the octants' neighbors that exist
    cin: int
    cout: int
    differentiable: bool = True  # a gradient is wanted for what comes in

    @property
    def forward(self) -> int:
        """Operations of the forward pass."""
        return 2 * self.products * self.cin * self.cout

    @property
    def step(self) -> int:
        """Operations of forward and backward: each gradient costs as much as the forward pass."""
        return self.forward * (3 if self.differentiable else 2)


def network_layers(config: SemanticAssistedSettings, num_classes: tuple[int, ...], octree, num_points: int) -> list[Layer]:
    """Every layer with weights of the SemanticAssistedNetwork on this octree (NumPy or tensors)."""
    return [*_backbone(config, _Sizes(octree)), *_heads(config, num_classes, num_points)]


class _Sizes:
    """Octants and existing neighbors of every depth."""

    def __init__(self, octree):
        self.octants = [int(keys.shape[0]) for keys in octree.keys]
        self.nonempty = [int(np.count_nonzero(np.asarray(c) >= 0)) for c in octree.children]
        self.pairs = [int(np.count_nonzero(np.asarray(n) >= 0)) for n in octree.neighbors]


def _backbone(config: SemanticAssistedSettings, sizes: _Sizes) -> Iterator[Layer]:
    width = {config.backbone_settings.depth - i: c for i, c in enumerate(config.backbone_settings.channels)}
    finest, coarsest = config.backbone_settings.depth, config.backbone_settings.depth - len(config.backbone_settings.channels) + 1
    yield Layer("entry", "conv", finest, sizes.pairs[finest], INPUT_CHANNELS, width[finest], differentiable=False)
    yield from _blocks("encoder", config, sizes, finest, width[finest])
    for d in range(finest - 1, coarsest - 1, -1):
        yield Layer(f"down_{d}", "down", d + 1, sizes.octants[d + 1], width[d + 1], width[d])
        yield from _blocks("encoder", config, sizes, d, width[d])
    for i in range(2):
        for d in range(coarsest + 1, finest + 1):
            yield Layer(f"up{i}_{d}", "up", d - 1, sizes.octants[d], width[d - 1], width[d])
            yield from _blocks(f"decoder{i}", config, sizes, d, width[d])


def _blocks(name: str, config: SemanticAssistedSettings, sizes: _Sizes, depth: int, channels: int) -> Iterator[Layer]:
    octants, narrow = sizes.octants[depth], channels // 4
    for i in range(config.backbone_settings.num_blocks):
        yield Layer(f"{name}_{depth}/{i}/reduce", "linear", depth, octants, channels, narrow)
        yield Layer(f"{name}_{depth}/{i}/conv", "conv", depth, sizes.pairs[depth], narrow, narrow)
        yield Layer(f"{name}_{depth}/{i}/expand", "linear", depth, octants, narrow, channels)


def _heads(config: SemanticAssistedSettings, num_classes: tuple[int, ...], points: int) -> Iterator[Layer]:
    for k, classes in enumerate(num_classes):
        yield from _hidden(f"semantic_{k}", config, points)
        yield Layer(f"semantic_{k}/logits", "linear", -1, points, config.head_width, classes)
    for k in range(len(num_classes)):
        yield from _instance_head(k, config, num_classes, points)


def _instance_head(k: int, config: SemanticAssistedSettings, num_classes: tuple[int, ...], points: int) -> Iterator[Layer]:
    """The linear part of a transfer acts on a few class features and is not counted."""
    direct = config.fusion != "none" and config.fuse_from == "feature"
    if not direct:
        yield from _hidden(f"offset_{k}", config, points)
    width = config.backbone_settings.channels[0] if direct else config.head_width
    sources = source_levels(config.fusion, k, len(num_classes))
    for r in sources:
        yield Layer(f"offset_{k}/regions_{r}", "linear", -1, points, num_classes[r], width)
        yield Layer(f"offset_{k}/spread_{r}", "linear", -1, points, num_classes[r], config.head_width)
    if sources:
        fused = width + len(sources) * (config.head_width if config.transfer else width) + 3
        yield Layer(f"offset_{k}/fusion", "linear", -1, points, fused, config.head_width)
    elif config.baseline_unit != "none":
        plain = width + (3 if config.baseline_unit == "features_xyz" else 0)
        yield Layer(f"offset_{k}/unit", "linear", -1, points, plain, config.head_width)
    yield Layer(f"offset_{k}/offsets", "linear", -1, points, config.head_width, 6)


def _hidden(name: str, config: SemanticAssistedSettings, points: int) -> Iterator[Layer]:
    cin = config.backbone_settings.channels[0]
    for i in range(config.head_hidden):
        yield Layer(f"{name}/hidden_{i}", "linear", -1, points, cin, config.head_width)
        cin = config.head_width
