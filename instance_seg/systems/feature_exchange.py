"""The network of two rows of Table 4: the fusion of ASIS or JSNet in place of ours, all else as in the paper."""

from instance_seg.fusion.asis import asis_exchange
from instance_seg.fusion.jsnet import jsnet_exchange
from instance_seg.heads.exchange import Exchange, ExchangeHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.structures import LevelPrediction, Points, Task
from instance_seg.systems.offset_system import OffsetSystem
from instance_seg.systems.settings import FeatureExchangeSettings


class FeatureExchange(OffsetSystem):
    """A head per level whose two branches exchange features. The paper trains one network per level."""

    Settings = FeatureExchangeSettings

    def __init__(self, settings: FeatureExchangeSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        self.heads = [
            ExchangeHead(
                make_exchange(settings, initializer),
                c,
                settings.head_width,
                settings.head_hidden,
                initializer=initializer,
                name=f"level_{k}",
            )
            for k, c in enumerate(task.num_classes)
        ]

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[LevelPrediction, ...]:
        """One LevelPrediction per level; `tables` are the backbone's."""
        semantic, instance = self.backbone.at_points(points, tables, training=training)
        return tuple(head(semantic, instance, points.xyz, points.row_splits, training=training) for head in self.heads)


def make_exchange(settings: FeatureExchangeSettings, initializer: Initializer = RELEASED) -> Exchange:
    """The exchange of one level; every level has weights of its own."""
    s = settings
    if s.exchange == "jsnet":
        return Exchange(*jsnet_exchange(s.head_width, initializer), unit_before_output=True)
    layers = asis_exchange(s.head_width, s.asis_neighbors, s.asis_space, s.asis_cutoff, initializer)
    return Exchange(*layers, unit_before_output=False)
