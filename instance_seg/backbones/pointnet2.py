"""PointNet++ with single-scale grouping as PartNet's networks and ASIS have it, with several decoders.

Set abstractions sample and group the points, level after level; a last one may summarize each shape; each decoder
carries features back by interpolation. Shapes keep their differing numbers of points: nothing is padded, so nothing has
to be masked. The published units have a bias before batch normalization, which that cancels; ours have none.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.settings import PointNet2Settings
from instance_seg.layers import Composite, Unit, side_by_side
from instance_seg.structures import Points, Tensor

SUMMARY_WIDTHS = (256, 512, 1024)
COARSE_WIDTHS, FINE_WIDTHS = (256, 256), ((256, 128), (128, 128, 128))  # of propagations, coarse to fine


class PointLevel(NamedTuple):
    """A batch of point sets with features."""

    xyz: Tensor  # [N, 3] float32
    features: Tensor  # [N, C] float32 or half
    row_splits: Tensor  # [B + 1] int32


class Mlp(Composite):
    """Units with ReLU, one after the other: [..., C] -> [..., widths[-1]]."""

    def __init__(self, widths: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.units = [Unit(w, "relu", initializer=self.initializer, name=f"unit_{i}") for i, w in enumerate(widths)]

    def call(self, x, training=False):
        for unit in self.units:
            x = unit(x, training=training)
        return x


class SetAbstraction(Composite):
    """Samples points and describes each by the neighbors in a ball around it: the maximum of what an MLP says of them.

    Args:
        num_points: sampled from each shape.
        radius, num_samples: of the ball, and the neighbors taken in it.
        mlp: on [neighbor - center, features of the neighbor].
    """

    def __init__(self, num_points: int, radius: float, num_samples: int, mlp: Mlp, **kwargs):
        super().__init__(**kwargs)
        self.num_points, self.radius, self.num_samples, self.mlp = num_points, radius, num_samples, mlp

    def call(self, level, training=False):
        """PointLevel -> PointLevel of num_points points per shape."""
        centers = ops.gather_rows(level.xyz, ops.farthest_points(level.xyz, level.row_splits, self.num_points))
        splits = tf.range(tf.size(level.row_splits)) * self.num_points
        index, _ = ops.ball_query(level.xyz, level.row_splits, centers, splits, self.radius, self.num_samples)
        relative = ops.gather_rows(level.xyz, index) - centers[:, None]
        grouped = side_by_side([relative, ops.gather_rows(level.features, index)])
        described = self.mlp(tf.reshape(grouped, [-1, grouped.shape[2]]), training=training)
        groups = tf.reshape(described, [-1, self.num_samples, described.shape[1]])
        return PointLevel(centers, tf.reduce_max(groups, axis=1), splits)


class PointNet2(Composite):
    """Features of every point, once per decoder: [N, 128] times the factor on the widths.

    Args:
        num_points, radii, channels: of the abstractions, fine to coarse: points sampled from each shape, radius of the
            ball, and the width c of the MLP (c, c, 2 c).
        num_samples: neighbors in a ball.
        summary: an abstraction of the whole shape follows.
        inputs: features of the points beside their places relative to a center: INPUTS.
        width_factor: multiplies every width.
        num_decoders: decoders, each with weights of its own.
    """

    def __init__(
        self,
        num_points=(512, 128),
        radii=(0.2, 0.4),
        channels=(64, 128),
        num_samples=64,
        summary=True,
        inputs="xyz",
        width_factor=1.0,
        num_decoders=2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.inputs = inputs

        def mlp(widths, name):
            return Mlp([max(1, round(w * width_factor)) for w in widths], initializer=self.initializer, name=name)

        self.abstractions = [
            SetAbstraction(n, radius, num_samples, mlp((c, c, 2 * c), "mlp"), name=f"abstraction_{i}")
            for i, (n, radius, c) in enumerate(zip(num_points, radii, channels, strict=True))
        ]
        self.summary = mlp(SUMMARY_WIDTHS, "summary") if summary else None
        propagations = [COARSE_WIDTHS] * (len(num_points) + summary - len(FINE_WIDTHS)) + [*FINE_WIDTHS]
        self.decoders = [
            [mlp(widths, f"decoder{d}_{i}") for i, widths in enumerate(propagations)] for d in range(num_decoders)
        ]

    @classmethod
    def from_settings(cls, settings: PointNet2Settings, directions: int = 0, **kwargs) -> "PointNet2":
        """The backbone of these settings; directions are features as others are, further arguments as above."""
        own = {field.name.removeprefix("pointnet2_"): getattr(settings, field.name) for field in fields(settings)}
        names = {"points": "num_points", "samples": "num_samples", "width": "width_factor"}
        return cls(**{names.get(name, name): value for name, value in own.items()}, **kwargs)

    def tables(self, cloud: Points, points: Points) -> tuple[()]:
        """None: samples and neighbors are found on the way."""
        return ()

    def at_points(self, points: Points, tables: tuple[()], training=False):
        """The features at the points: [N, C] per decoder."""
        return self(points, training=training)

    def call(self, points: Points, training=False, with_summary=False):
        """Points -> one [N, C] tensor per decoder; `with_summary`: and what describes each shape, [B, C]."""
        parts = [points.xyz] * self.inputs.startswith("xyz") + [points.features] * self.inputs.endswith("features")
        levels = [PointLevel(points.xyz, tf.concat(parts, axis=1), points.row_splits)]
        for abstraction in self.abstractions:
            levels.append(abstraction(levels[-1], training=training))
        tables = [
            ops.three_neighbors(coarse.xyz, coarse.row_splits, fine.xyz, fine.row_splits)
            for fine, coarse in zip(levels, levels[1:])
        ]
        whole = spread = None
        if self.summary is not None:
            whole = self._summarize(levels[-1], training)
            spread = tf.repeat(whole, self.abstractions[-1].num_points, axis=0)
        features = tuple(self._decode(decoder, levels, tables, spread, training) for decoder in self.decoders)
        return (features, whole) if with_summary else features

    def _summarize(self, coarsest, training):
        """One description of each shape: [B, C]."""
        described = self.summary(side_by_side([coarsest.xyz, coarsest.features]), training=training)
        shapes = tf.reshape(described, [-1, self.abstractions[-1].num_points, described.shape[1]])
        return tf.reduce_max(shapes, axis=1)

    def _decode(self, decoder, levels, tables, spread, training):
        """Up the levels: interpolate, put the level's features beside it, MLP. The finest level adds its xyz again."""
        mlps, x, finest = list(decoder), levels[-1].features, levels[0]
        skips = [level.features for level in levels]
        if self.inputs.startswith("xyz"):
            skips[0] = tf.concat([finest.xyz, finest.features], axis=1)
        if spread is not None:
            x = mlps.pop(0)(side_by_side([spread, x]), training=training)
        for mlp, table, skip in zip(mlps, tables[::-1], skips[-2::-1], strict=True):
            x = mlp(side_by_side([ops.weighted_gather(x, *table), skip]), training=training)
        return x
