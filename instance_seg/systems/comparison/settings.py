"""Sizes and choices of the comparison methods."""

from dataclasses import dataclass

from instance_seg.backbones import BACKBONES
from instance_seg.clustering.comparison.group_merging import DEFAULT
from instance_seg.options import LARGEST_COUNT, Settings, chosen, group, option


@dataclass(frozen=True)
class SingleLevelSettings(Settings):
    """A backbone with one decoder, and branches behind it."""

    backbone: str = option("pointnet2", "what gives the points their features; PartNet's networks: pointnet2")
    backbone_settings: Settings = chosen("backbone", BACKBONES)
    branch_width: float = option(1.0, "factor on every width behind the backbone, for quick runs", above=0, high=100)

    def widths(self, *published: int) -> list[int]:
        """The published widths times the factor."""
        return [max(1, round(width * self.branch_width)) for width in published]


@dataclass(frozen=True)
class MaskReading(Settings):
    """How soft masks become instances."""

    mask_threshold: float = option(0.5, "probability above which a point belongs to a mask", low=0, below=1)
    mask_min_points: int = option(10, "a mask of at most so many points is none", low=0, high=LARGEST_COUNT)


@dataclass(frozen=True)
class PartMasksSettings(SingleLevelSettings):
    """Defaults: those of PartNet's script."""

    num_masks: int = option(200, "masks a shape is given, most of which stay empty", low=1, high=10_000)
    norm_weight: float = option(0.1, "weight of the L2,1 norm, which empties surplus masks", low=0, high=1e6)
    grouping: MaskReading = group(MaskReading, of_weights=False)

    def __post_init__(self):
        super().__post_init__()
        if self.backbone != "pointnet2" or not self.backbone_settings.pointnet2_summary:
            raise ValueError(f"backbone={self.backbone}: part masks need pointnet2 with a summary of whole shapes")


@dataclass(frozen=True)
class SgpnTraining(Settings):
    """Which part of SGPN's training a run is. The second one starts from a checkpoint of the first (--ckpt)."""

    stage: str = option(
        "instances",
        "semantics: classes alone; instances: everything, with the statistics of batch normalization at rest",
        ("semantics", "instances"),
    )
    similarity_epochs: float = option(
        6.0, "passes over the training shapes that learn the similarity alone", low=0, high=1e6
    )


@dataclass(frozen=True)
class SgpnReading(Settings):
    """How alike points of one instance are, in a class of which the validation shapes do not tell it."""

    unmeasured_threshold: float = option(
        DEFAULT,
        "in a class of which no validation shape has two instances: the threshold of the similarity (SGPN's); a large "
        "one makes the class one group (ours)",
        low=0,
        high=1e9,
    )


@dataclass(frozen=True)
class SgpnSettings(SingleLevelSettings):
    """SGPN as PartNet's program has it."""

    training: SgpnTraining = group(SgpnTraining, of_weights=False)
    grouping: SgpnReading = group(SgpnReading, of_weights=False)


@dataclass(frozen=True)
class GaussianReading(Settings):
    """How Gaussians become instances."""

    least_score: float = option(0.1, "points of at most this score are in no instance", low=0, high=1)
    least_seed_score: float = option(0.3, "points of at most this score begin no instance", low=0, high=1)
    least_similarity: float = option(0.5, "points less like the seed are not of its instance", low=0, high=1)
    least_points: int = option(10, "a group of at most so many points is none", low=0, high=LARGEST_COUNT)


@dataclass(frozen=True)
class ProbabilisticSettings(SingleLevelSettings):
    """Our reading of probabilistic embeddings."""

    anchors: int = option(64, "points of a shape that are compared with all others", low=1, high=LARGEST_COUNT)
    grouping: GaussianReading = group(GaussianReading, of_weights=False)
