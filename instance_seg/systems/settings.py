"""Sizes and choices of the systems that predict semantics and two offsets a point."""

from dataclasses import dataclass

from instance_seg.backbones import BACKBONES
from instance_seg.backbones.settings import MAX_NEIGHBORS, MAX_WIDTH
from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.spacing import FROM_LABELS, PAIRED
from instance_seg.fusion import GRADIENT_TO, HARD_IN, ORDERS, PATHS, SPACES
from instance_seg.heads import FUSE_FROM, PLAIN_UNITS
from instance_seg.losses.config import LossConfig
from instance_seg.options import Settings, chosen, group, option

# Factors of x, y and z: as it is, flat, slim and small, each followed by its mirror image.
COPIES = tuple(
    (side * x, y, z)
    for x, y, z in ((1.0, 1.0, 1.0), (1.0, 0.85, 1.0), (0.85, 1.0, 0.85), (0.9, 0.9, 0.9))
    for side in (1, -1)
)


@dataclass(frozen=True)
class CopiesConfig(Settings):
    """How often a network sees a cloud in an evaluation; a training sees it once (ours)."""

    test_copies: int = option(
        1,
        "evaluations average the outputs over so many copies of a cloud, mirrored and scaled along the axes",
        low=1,
        high=len(COPIES),
    )


@dataclass(frozen=True)
class ReadingOrder(Settings):
    """Which of all readings is the default: that of `predict`, and of the prediction files of an evaluation."""

    first_reading: str = option(
        "",
        "a training measures bandwidth and lambda by class on its labels, and this reading with them comes first; "
        "empty: neither",
        ("", PAIRED, FROM_LABELS),
    )


@dataclass(frozen=True)
class LearningConfig(Settings):
    """Bandwidth and lambda of each class, learned together with the network in the last phase of a training (ours)."""

    learn_clustering: str = option(
        "none",
        "learn bandwidth and lambda of each class in the last phase: by the modes that instances have, or by pairs of "
        "points; none: not (the paper)",
        ("none", "modes", "pairs"),
    )
    clustering_weight: float = option(
        0.1, "weight of the loss of the clustering in the network; 0: it trains the values alone", low=0, high=1e6
    )
    clustering_rate: float = option(
        0.1, "rate of the logarithms of bandwidth and lambda, in units of the learning rate", low=0, high=1e6
    )


@dataclass(frozen=True)
class OffsetSettings(Settings):
    """What both have in common: a backbone with two decoders, heads, losses, mean-shift."""

    backbone: str = option("octree_unet", f"what gives the points their features: {', '.join(BACKBONES)}")
    backbone_settings: Settings = chosen("backbone", BACKBONES)
    head_width: int = option(128, "width of the hidden units of the heads", low=1, high=MAX_WIDTH)
    head_hidden: int = option(2, "hidden units of a head; 1 is the paper's two-layer MLP", low=0, high=1000)
    loss: LossConfig = group(LossConfig, of_weights=False)
    grouping: ClusterConfig = group(ClusterConfig, of_weights=False)
    learning: LearningConfig = group(LearningConfig, of_weights=False)
    order: ReadingOrder = group(ReadingOrder, of_weights=False)
    copies: CopiesConfig = group(CopiesConfig, of_weights=False)

    def __post_init__(self):
        super().__post_init__()
        kind = self.learning.learn_clustering
        if kind != "none" and self.grouping.region_push != "unit":
            raise ValueError(
                f"learn_clustering={kind} learns the length of a push, which region_push={self.grouping.region_push} "
                "cuts: set region_push=unit"
            )


@dataclass(frozen=True)
class SemanticAssistedSettings(OffsetSettings):
    """Defaults: the paper's cross-level network with the released program's layers and heads."""

    fusion: str = option(
        "cross", "whose probabilities a level fuses: nobody's, its own, or all levels'", ("none", "own", "cross")
    )
    stop_gradient: bool = option(True, "stop the gradient of the fusion into the probabilities")
    gradient_to: str = option("all", "without stop_gradient: which levels' probabilities get it", GRADIENT_TO)
    hard_assign: bool = option(False, "fuse with one-hot probabilities (a row of Table 4)")
    hard_in: str = option("both", "with hard_assign: in pooling and spreading, or in spreading alone", HARD_IN)
    transfer: bool = option(True, "a unit after each aggregation (released program; not in the paper)")
    fuse_from: str = option("hidden", "what is aggregated: hidden features (released) or F_ins (Fig. 2)", FUSE_FROM)
    concat_order: str = option("released", "order of the fused feature", ORDERS)
    baseline_unit: str = option("none", "without fusion: keep the unit behind it, on what input", PLAIN_UNITS)
    semantic_path: str = option("none", "a way from semantic to instance features (two-dir of Table 4)", PATHS)
    semantic_path_gradient: bool = option(True, "that way carries gradient into the semantic decoder")

    def __post_init__(self):
        super().__post_init__()
        if self.semantic_path == "add" and self.fuse_from == "feature":
            raise ValueError("semantic_path=add needs the hidden features it adds to: set fuse_from=hidden")


@dataclass(frozen=True)
class FeatureExchangeSettings(OffsetSettings):
    """The paper's layers and heads with another paper's fusion."""

    exchange: str = option("asis", "whose fusion takes the place of the paper's", ("asis", "jsnet"))
    asis_neighbors: int = option(
        30,
        "ASIS: neighbors whose semantic features are maximized, the point itself included",
        low=1,
        high=MAX_NEIGHBORS,
    )
    asis_space: str = option("features", "ASIS: where neighbors are near: instance features or shifted points", SPACES)
    asis_cutoff: float = option(0.1, "ASIS: farther shifted points are no neighbors; 0: off", low=0, high=100)
