"""Sizes and choices of ASIS and JSNet, with their fusion, ours, or none."""

from dataclasses import dataclass

from instance_seg.backbones import BACKBONES
from instance_seg.backbones.settings import MAX_NEIGHBORS, MAX_WIDTH
from instance_seg.options import Settings, chosen, group, option


@dataclass(frozen=True)
class EmbeddingLossSettings(Settings):
    """Weights of the terms of the loss; ASIS: 1, 1, 0.001, JSNet: no regularizer."""

    semantic_weight: float = option(1.0, "of the cross entropy", low=0, high=1e6)
    discriminative_weight: float = option(1.0, "of the variance and distance terms", low=0, high=1e6)
    regularizer_weight: float = option(0.001, "of the regularizer of the embedding", low=0, high=1e6)


@dataclass(frozen=True)
class EmbeddingGrouping(Settings):
    """How an embedding becomes instances of a cloud, and those of blocks instances of a room."""

    embedding_bandwidth: float = option(0.6, "radius of mean-shift's flat kernel in the embedding", low=1e-5, high=100)
    merge_quirks: bool = option(
        True, "BlockMerging: small clusters without an overlap fall into the first group (published program)"
    )
    min_share: float = option(
        0.25,
        "smaller instances, as a share of the mean training instance of the class, are dropped",
        low=0,
        high=1,
    )
    every_point: bool = option(
        False, "of a room cut into blocks: judge every point once, as the nearest sample, and not all samples (ours)"
    )
    clustering: str = option("native", "mean-shift by our kernel, or by scikit-learn", ("native", "sklearn"), free=True)
    clustering_device: str = option(
        "auto", "of our mean-shift kernel; auto: a GPU, if there is one", ("auto", "cpu", "gpu"), free=True
    )


@dataclass(frozen=True)
class EmbeddingSettings(Settings):
    """Defaults: ASIS."""

    backbone: str = option("pointnet2", f"what gives the points their features: {', '.join(BACKBONES)}")
    backbone_settings: Settings = chosen("backbone", BACKBONES)
    family: str = option("asis", "whose heads", ("asis", "jsnet"))
    fusion: str = option("theirs", "nothing, the family's own fusion, or the paper's", ("none", "theirs", "own"))
    head_width: int = option(128, "width of the units of the heads", low=1, high=MAX_WIDTH)
    embedding_size: int = option(5, "numbers of the embedding of a point", low=1, high=MAX_WIDTH)
    asis_neighbors: int = option(
        30, "ASIS: points nearest in the embedding, itself included", low=1, high=MAX_NEIGHBORS
    )
    asis_cutoff: float = option(0.5, "ASIS: farther points of the embedding are no neighbors", low=0, high=100)
    loss: EmbeddingLossSettings = group(EmbeddingLossSettings, of_weights=False)
    grouping: EmbeddingGrouping = group(EmbeddingGrouping, of_weights=False)
