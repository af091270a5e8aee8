"""Sizes and choices of the systems that propose instances and judge each proposal."""

from dataclasses import dataclass

from instance_seg.backbones import BACKBONES
from instance_seg.backbones.settings import MAX_WIDTH
from instance_seg.options import LARGEST_COUNT, Settings, chosen, group, option


@dataclass(frozen=True)
class GroupConfig(Settings):
    """How points become groups, the same in training and evaluation. Defaults: PointGroup on ScanNet, meters."""

    prepare_iter: int = option(
        38_400, "iterations that train classes and offsets alone, before there are proposals", low=0, high=LARGEST_COUNT
    )
    group_radius: float = option(0.03, "points closer than this are neighbors, m", above=0, high=100)
    group_neighbors: int = option(1000, "neighbors of a point that are looked at", low=1, high=LARGEST_COUNT)
    group_min_points: int = option(50, "groups of fewer points are dropped", low=1, high=LARGEST_COUNT)
    grid_size: int = option(14, "cells along an axis of the grid of a group", low=2, high=64)
    grid_scale: float = option(50.0, "most cells per m of the grid of a group", above=0, high=1e6)
    grid_seed: int = option(
        567, "seed of where a group lies in its grid, which depends on the points as well", low=0, high=LARGEST_COUNT
    )


@dataclass(frozen=True)
class ProposalSettings(Settings):
    """What they have in common: a backbone with one decoder, heads, and the paper's fusion or none."""

    backbone: str = option("sparse_unet", f"what gives the points their features: {', '.join(BACKBONES)}")
    backbone_settings: Settings = chosen("backbone", BACKBONES)
    fusion: str = option(
        "none", "own: the paper's fusion of a level's own probabilities into its offsets", ("none", "own")
    )


@dataclass(frozen=True)
class PointGroupReading(Settings):
    """Which proposals are instances."""

    proposal_score: float = option(0.09, "proposals must score more", low=0, high=1)
    proposal_points: int = option(100, "proposals must have more points", low=0, high=LARGEST_COUNT)
    proposal_overlap: float = option(
        0.3, "a proposal removes worse ones of larger intersection over union", low=0, high=1
    )


@dataclass(frozen=True)
class PointGroupSettings(ProposalSettings):
    """Defaults: the released program on ScanNet."""

    head_width: int = option(16, "width of the heads and of the network that scores groups", low=1, high=MAX_WIDTH)
    groups: GroupConfig = group(GroupConfig, of_weights=False)
    grouping: PointGroupReading = group(PointGroupReading, of_weights=False)


@dataclass(frozen=True)
class HaisGroupConfig(GroupConfig):
    """Defaults: HAIS on ScanNet, whose class sizes are those of its 18 classes with instances."""

    prepare_iter: int = option(
        30_000, "iterations that train classes and offsets alone, before there are proposals", low=0, high=LARGEST_COUNT
    )
    filter_iter: int = option(
        60_000,
        "iterations after which scores and overlaps are of the points in the mask alone",
        low=0,
        high=LARGEST_COUNT,
    )
    group_min_points: int = option(1, "groups of fewer points are dropped", low=1, high=LARGEST_COUNT)
    group_limit: int = option(200, "proposals of a training batch, the others are left out", low=1, high=LARGEST_COUNT)
    grid_size: int = option(20, "cells along an axis of the grid of a group", low=2, high=64)
    class_points: tuple[float, ...] = option(
        (3917, 12056, 2303, 8331, 3948, 3166, 5629, 11719, 1003, 3317, 4912, 10221, 3889, 4136, 2120, 945, 3967, 2589),
        "mean number of points of an instance of each class that has instances; empty: measured on the training clouds",
        above=0,
        high=1e9,
    )
    class_radius: tuple[float, ...] = option(
        (
            *(0.7048, 1.1733, 0.3964, 1.0115, 0.7260, 0.8675, 0.8375, 1.0454, 0.3288),
            *(1.1955, 0.8629, 1.0416, 0.6603, 0.8541, 0.3806, 0.3012, 0.7421, 0.4474),
        ),
        "mean radius of an instance of each class that has instances, m; empty: measured on the training clouds",
        above=0,
        high=1e6,
    )


@dataclass(frozen=True)
class HaisReading(Settings):
    """Which proposals are instances, and which of their points."""

    mask_logit: float = option(-0.5, "points whose mask has a larger logit belong to the instance", low=-100, high=100)
    proposal_score: float = option(0.09, "proposals must score more", low=0, high=1)
    proposal_points: int = option(100, "proposals must keep at least so many points", low=0, high=LARGEST_COUNT)


@dataclass(frozen=True)
class HaisSettings(ProposalSettings):
    """Defaults: the released program on ScanNet."""

    head_width: int = option(32, "width of the heads and of the network that judges groups", low=1, high=MAX_WIDTH)
    groups: HaisGroupConfig = group(HaisGroupConfig, of_weights=False)
    grouping: HaisReading = group(HaisReading, of_weights=False)


@dataclass(frozen=True)
class DyCo3DGroupConfig(GroupConfig):
    """Defaults: DyCo3D on ScanNet."""

    prepare_iter: int = option(
        6000, "iterations that train classes and offsets alone, before there are proposals", low=0, high=LARGEST_COUNT
    )
    group_radius: float = option(0.02, "points closer than this are neighbors, m", above=0, high=100)
    group_limit: int = option(
        70, "proposals of a replica's training batch, the others are left out", low=1, high=LARGEST_COUNT
    )


@dataclass(frozen=True)
class DyCo3DReading(PointGroupReading):
    """Which proposals are instances, and which points of their clouds belong to each."""

    mask_logit: float = option(0.0, "points whose mask has a larger logit belong to the instance", low=-100, high=100)
    proposal_score: float = option(0.19, "proposals must score more (published: never less than 0.5)", low=0, high=1)


@dataclass(frozen=True)
class DyCo3DSettings(ProposalSettings):
    """Defaults: the released program on ScanNet."""

    head_width: int = option(16, "width of the heads and of the network that makes masks", low=1, high=MAX_WIDTH)
    groups: DyCo3DGroupConfig = group(DyCo3DGroupConfig, of_weights=False)
    grouping: DyCo3DReading = group(DyCo3DReading, of_weights=False)
