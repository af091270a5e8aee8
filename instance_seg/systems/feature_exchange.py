"""The network of two rows of Table 4: the fusion of ASIS or JSNet in place of ours, all else as in the paper."""

import keras

from instance_seg.fusion.asis import asis_exchange
from instance_seg.fusion.jsnet import jsnet_exchange
from instance_seg.heads.exchange import Exchange, ExchangeHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.systems.backbone import make_backbone
from instance_seg.systems.settings import NetworkConfig


def make_exchange(config: NetworkConfig, initializer: Initializer = RELEASED) -> Exchange:
    """The exchange of one level; every level has weights of its own."""
    if config.fusion == "jsnet":
        return Exchange(*jsnet_exchange(config.head_width, initializer), unit_before_output=True)
    layers = asis_exchange(config.head_width, config.asis_neighbors, config.asis_space, config.asis_cutoff, initializer)
    return Exchange(*layers, unit_before_output=False)


class FeatureExchangeNetwork(keras.Model):
    """(Points, Octree, interpolation table) -> one LevelPrediction per level.

    Args:
        config: sizes and choices; its fusion is asis or jsnet.
        num_classes: classes of every level, class 0 included. The paper trains one network per level.
        initializer: of all weights.
    """

    def __init__(
        self, config: NetworkConfig, num_classes: tuple[int, ...], initializer: Initializer = RELEASED, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.config, self.num_classes = config, tuple(num_classes)
        self.backbone = make_backbone(config, initializer)
        self.heads = [
            ExchangeHead(
                make_exchange(config, initializer),
                c,
                config.head_width,
                config.head_hidden,
                initializer=initializer,
                name=f"level_{k}",
            )
            for k, c in enumerate(num_classes)
        ]

    def call(self, points, octree, index, weight, training=False):
        """points: Points; octree: Octree of config.depth; index, weight [N, 8]: the octants around the points."""
        semantic, instance = self.backbone.at_points(points, octree, index, weight, training=training)
        return tuple(head(semantic, instance, points.xyz, points.row_splits, training=training) for head in self.heads)
