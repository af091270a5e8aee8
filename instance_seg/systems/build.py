"""From settings to a network: which system a choice of fusion belongs to."""

import keras

from instance_seg.initializers import RELEASED, Initializer
from instance_seg.systems.feature_exchange import FeatureExchangeNetwork
from instance_seg.systems.semantic_assisted import SemanticAssistedNetwork
from instance_seg.systems.settings import NetworkConfig

_SYSTEMS = {
    "none": SemanticAssistedNetwork,
    "own": SemanticAssistedNetwork,
    "cross": SemanticAssistedNetwork,
    "asis": FeatureExchangeNetwork,
    "jsnet": FeatureExchangeNetwork,
}


def build_system(
    config: NetworkConfig, num_classes: tuple[int, ...], initializer: Initializer = RELEASED
) -> keras.Model:
    """The network of these settings: (Points, Octree, interpolation table) -> one LevelPrediction per level."""
    return _SYSTEMS[config.fusion](config, num_classes, initializer)
