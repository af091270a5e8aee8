"""How the scenes of ScanNet are varied."""

from dataclasses import dataclass

from instance_seg.data.scene_augment import SceneAugmentConfig
from instance_seg.options import Settings, group


@dataclass(frozen=True)
class ScanNetSettings(Settings):
    """The benchmark's classes are fixed; there is nothing to choose but the variation of the scenes."""

    augment: SceneAugmentConfig = group(SceneAugmentConfig)
