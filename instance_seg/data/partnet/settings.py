"""What of PartNet a run is about."""

from dataclasses import dataclass

from instance_seg.data.augment import AugmentConfig
from instance_seg.options import Settings, group, option


@dataclass(frozen=True)
class PartNetSettings(Settings):
    """A category, and its levels in one network or in one network each."""

    category: str = option("Chair", "PartNet category")
    level: int = option(
        0, "the only level of this network, 1 the coarsest; 0: all levels in one network", low=0, high=3
    )
    single_level: bool = option(False, "one network per level: --level is needed")
    augment: AugmentConfig = group(AugmentConfig)

    def __post_init__(self):
        super().__post_init__()
        if self.single_level and not self.level:
            raise ValueError("single_level: one network is trained per level: choose one by --level=1, 2 or 3")
