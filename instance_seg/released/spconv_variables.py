"""Names and layouts that the programs of PointGroup, HAIS and DyCo3D give the weights of our networks.

    sparse kernel   [k, k, k, Cin, Cout], our [k k k, Cin, Cout]; spconv 2 has [Cout, k, k, k, Cin]
    linear          [Cout, Cin], with a 1 behind where it is a convolution over points
    normalization   weight, bias, running_mean, running_var: [C] each

Level l of a U-Net has the prefix "unet" + ".u" * l.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from instance_seg.backbones.sparse_unet import SparseUNet
from instance_seg.systems.dyco3d import DyCo3D
from instance_seg.systems.hais import Hais
from instance_seg.systems.pointgroup import PointGroup

SAME, LINEAR, CONV1D, KERNEL = "same", "linear", "conv1d", "kernel"


class Stored(NamedTuple):
    """One of our variables and how it is stored there."""

    variable: Any  # keras.Variable
    kind: str

    @property
    def shape(self) -> tuple[int, ...]:
        """There."""
        own = tuple(self.variable.shape)
        if self.kind == KERNEL:  # a linear layer is a kernel of one cell
            cells, channels = (own[0], own[1:]) if len(own) == 3 else (1, own)
            return (round(cells ** (1 / 3)),) * 3 + channels
        return own if self.kind == SAME else own[::-1] + (1,) * (self.kind == CONV1D)

    def fits(self, value: np.ndarray) -> bool:
        """Whether it is of this shape, or of the one that spconv 2 has."""
        return value.shape in (self.shape, self._of_spconv_2())

    def from_torch(self, value: np.ndarray) -> np.ndarray:
        """Their layout -> ours."""
        if self.kind == KERNEL:
            value = np.moveaxis(value, 0, -1) if value.shape != self.shape else value
            return value.reshape(self.variable.shape)
        return value if self.kind == SAME else value.reshape(value.shape[:2]).T

    def _of_spconv_2(self):
        return (*self.shape[-1:], *self.shape[:-1]) if self.kind == KERNEL else self.shape


def spconv_variables(system) -> dict[str, Stored]:
    """Their name -> our variable, for all of a built system that they have, too; the paper's fusion is not among them.

    Raises:
        ValueError: there are no weights of such a network.
    """
    names = {PointGroup: _pointgroup, Hais: _hais, DyCo3D: _dyco3d}.get(type(system))
    if names is None or not isinstance(system.backbone, SparseUNet) or len(system.task.levels) != 1:
        raise ValueError(
            "weights of spconv's programs are those of pointgroup, hais and dyco3d, with backbone=sparse_unet and one "
            "level: this is another network"
        )
    backbone = system.backbone
    found = {"input_conv.0.weight": Stored(backbone.stem.kernel, KERNEL)}
    found |= dict(_unet("unet", backbone.encoder, backbone.decoders[0]))
    found |= dict(_norm("output_layer.0", backbone.norms[0]))
    return found | dict(names(system, system.semantic_heads[0], system.offset_heads[0]))


def _pointgroup(system, semantic, offset):
    yield from _linear("linear", semantic.output_layer)
    yield from _offset(offset)
    yield from _group_unet("score_unet", "score_outputlayer.0", system.judges[0])
    yield from _linear("score_linear", system.scores[0])


def _hais(system, semantic, offset):
    for name, head in (("semantic_linear", semantic), ("offset_linear", offset)):
        yield from _unit(f"{name}.0", f"{name}.1", head.hidden[0])
        yield from _linear(f"{name}.3", head.output_layer)
    judge = system.judges[0]
    yield from _group_unet("intra_ins_unet", "intra_ins_outputlayer.0", judge.unet)
    yield from _linear("score_linear", judge.score)
    yield from _linear("mask_linear.0", judge.mask_hidden)
    yield from _linear("mask_linear.2", judge.mask)


def _dyco3d(system, semantic, offset):
    for i, unit in enumerate(semantic.hidden):
        yield from _unit(f"linear.{3 * i}", f"linear.{3 * i + 1}", unit)
    yield from _linear("linear.6", semantic.output_layer)
    yield from _offset(offset)
    masks = system.mask_heads[0]
    yield from _group_unet("score_unet", "score_outputlayer.0", masks.unet)
    for i, unit in enumerate(masks.tower):
        yield from _unit(f"mask_tower.{i}.0", f"mask_tower.{i}.1", unit, CONV1D)
    yield from _linear(f"mask_tower.{len(masks.tower)}", masks.tower_output, CONV1D)
    yield from _unit("before_embedding_tower.0.0", "before_embedding_tower.0.1", masks.unit, CONV1D)
    yield from _linear("controller", masks.controller, CONV1D)


def _offset(head):
    yield from _unit("offset.0", "offset.1", head.hidden[0])
    yield from _linear("offset_linear", head.output_layer)


def _group_unet(name, output, net):
    yield from _unet(name, net.encoder, net.decoder)
    yield from _norm(output, net.norm)


def _unet(name, encoder, decoder) -> Iterator[tuple[str, Stored]]:
    for level, blocks in enumerate(encoder.blocks):
        here = name + ".u" * level
        yield from _blocks(f"{here}.blocks", blocks)
        if level < len(encoder.downs):
            yield from _norm_conv(f"{here}.conv", 0, encoder.downs[level])
            yield from _norm_conv(f"{here}.deconv", 0, decoder.ups[level])
            yield from _blocks(f"{here}.blocks_tail", decoder.blocks[level])
        if level in decoder.attention:
            yield from _attention(here, decoder.attention[level])


def _blocks(name, blocks):
    for i, block in enumerate(blocks):
        for j, conv in enumerate(block.convs):
            yield from _norm_conv(f"{name}.block{i}.conv_branch", 3 * j, conv)
        if block.shortcut is not None:
            yield f"{name}.block{i}.i_branch.0.weight", Stored(block.shortcut.kernel, KERNEL)


def _norm_conv(name, first, layer):
    yield from _norm(f"{name}.{first}", layer.norm)
    yield f"{name}.{first + 2}.weight", Stored(layer.conv.kernel, KERNEL)


def _attention(name, layer):
    yield from _linear(f"{name}.before_transformer_linear", layer.inner)
    yield from _linear(f"{name}.transformer.position_linear", layer.position)
    for i, block in enumerate(layer.blocks):
        here = f"{name}.transformer.layers.{i}"
        for j, norm in enumerate(block.norms, 1):
            yield from _layer_norm(f"{here}.norm_{j}", norm)
        for linear, theirs in (
            *((block.query, "attn_1.q_linear"), (block.key, "attn_1.k_linear"), (block.value, "attn_1.v_linear")),
            *((block.merge, "attn_1.out"), (block.hidden, "ff.linear_1"), (block.output_layer, "ff.linear_2")),
        ):
            yield from _linear(f"{here}.{theirs}", linear)
    yield from _layer_norm(f"{name}.transformer.norm", layer.norm)
    yield from _linear(f"{name}.after_transformer_linear", layer.outer)


def _layer_norm(name, norm):
    yield f"{name}.alpha", Stored(norm.alpha, SAME)
    yield f"{name}.bias", Stored(norm.bias, SAME)


def _unit(linear, norm, unit, kind=LINEAR):
    yield from _linear(linear, unit.linear, kind)
    yield from _norm(norm, unit.norm)


def _linear(name, linear, kind=LINEAR):
    yield f"{name}.weight", Stored(linear.kernel, kind)
    if linear.bias is not None:
        yield f"{name}.bias", Stored(linear.bias, SAME)


def _norm(name, norm):
    theirs = {"weight": norm.gamma, "bias": norm.beta}
    theirs |= {"running_mean": norm.moving_mean, "running_var": norm.moving_variance}
    for each, variable in theirs.items():
        yield f"{name}.{each}", Stored(variable, SAME)
