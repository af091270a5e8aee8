"""JSNet's backbone (Zhao and Tao, AAAI 2020): PointConv between a PointNet++ abstraction and a PointNet++ propagation.

The first level is a set abstraction; three PointConv encodings follow; each decoder has three depthwise decodings and
one propagation. A point's features are those of the last three levels of a decoder: its own and the first level's side
by side, plus the second level's.
"""

from dataclasses import fields

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.pointconv_layers import Decoding, Encoding, neighborhood
from instance_seg.backbones.pointnet2 import Mlp, PointLevel, SetAbstraction
from instance_seg.backbones.settings import PointConvSettings
from instance_seg.layers import Composite, side_by_side
from instance_seg.structures import Points

DECODING_WIDTHS = ((512, 512), (256, 256), (256, 128))  # coarse to fine
PROPAGATION_WIDTHS = (128, 128, 128)
DECODING_NEIGHBORS = 16


class PointConvNet(Composite):
    """Features of every point, once per decoder: [N, 256] times the factor on the widths.

    Args:
        num_points, radii, channels: of the four levels, fine to coarse: points sampled from each shape, radius of the
            ball (of the first level for its neighbors, of the others for densities), and c of the widths (c, c, 2 c).
        num_samples: neighbors of a sampled point.
        width_factor: multiplies every width.
        num_decoders: decoders, each with weights of its own.
    """

    def __init__(
        self,
        num_points=(1024, 256, 64, 32),
        radii=(0.1, 0.2, 0.4, 0.8),
        channels=(32, 64, 128, 256),
        num_samples=32,
        width_factor=1.0,
        num_decoders=2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        of = {"initializer": self.initializer}

        def scaled(*widths):
            return [max(1, round(w * width_factor)) for w in widths]

        first, *others = zip(num_points, radii, [scaled(c, c, 2 * c) for c in channels], strict=True)
        abstraction = Mlp(first[2], name="mlp", **of)
        self.abstraction = SetAbstraction(first[0], first[1], num_samples, abstraction, name="abstraction")
        self.encodings = [
            Encoding(n, radius, num_samples, widths, name=f"encoding_{i}", **of)
            for i, (n, radius, widths) in enumerate(others)
        ]
        decoding, propagation = [scaled(*widths) for widths in DECODING_WIDTHS], scaled(*PROPAGATION_WIDTHS)
        decoding[-2][-1] = (
            decoding[-1][-1] + propagation[-1]
        )  # the sum of features needs it, however widths are rounded
        self.decodings = [
            [Decoding(widths, name=f"decoder{d}_{i}", **of) for i, widths in enumerate(decoding)]
            for d in range(num_decoders)
        ]
        self.propagations = [Mlp(propagation, name=f"propagation{d}", **of) for d in range(num_decoders)]

    @classmethod
    def from_settings(cls, settings: PointConvSettings, directions: int = 0, **kwargs) -> "PointConvNet":
        """The backbone of these settings; directions are features as others are, further arguments as above."""
        own = {field.name.removeprefix("pointconv_"): getattr(settings, field.name) for field in fields(settings)}
        names = {"points": "num_points", "samples": "num_samples", "width": "width_factor"}
        return cls(**{names.get(name, name): value for name, value in own.items()}, **kwargs)

    def tables(self, cloud: Points, points: Points) -> tuple[()]:
        """None: samples and neighbors are found on the way."""
        return ()

    def at_points(self, points: Points, tables: tuple[()], training=False):
        """The features at the points: [N, C] per decoder."""
        return self(points, training=training)

    def call(self, points: Points, training=False):
        """Points -> one [N, C] tensor per decoder."""
        levels = [PointLevel(points.xyz, points.features, points.row_splits)]
        for layer in (self.abstraction, *self.encodings):
            levels.append(layer(levels[-1], training=training))
        tables = [_three(fine, coarse) for fine, coarse in zip(levels, levels[1:])]
        near = [
            neighborhood(level.xyz, level.row_splits, level.xyz, level.row_splits, DECODING_NEIGHBORS)
            for level in levels[1:-1]
        ]
        to_points = _three(levels[0], levels[2])
        found = []
        for decodings, propagation in zip(self.decodings, self.propagations):
            x, decoded = levels[-1].features, []
            for layer, table, around, level in zip(decodings, tables[:0:-1], near[::-1], levels[-2:0:-1], strict=True):
                x = layer(x, table, around, level.features, training=training)
                decoded.append(x)
            first = ops.weighted_gather(x, *tables[0])
            own = propagation(side_by_side([first, levels[0].features]), training=training)
            found.append(side_by_side([own, first]) + ops.weighted_gather(decoded[-2], *to_points))
        return tuple(found)


def _three(fine: PointLevel, coarse: PointLevel) -> tuple[tf.Tensor, tf.Tensor]:
    """What interpolates from a level to a finer one."""
    return ops.three_neighbors(coarse.xyz, coarse.row_splits, fine.xyz, fine.row_splits)
