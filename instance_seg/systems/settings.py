"""Sizes and choices of a network: what presets, variants and flags set."""

from dataclasses import dataclass

from instance_seg.fusion.asis import SPACES
from instance_seg.fusion.semantic_assisted import GRADIENT_TO, HARD_IN, SemanticAssistedFusion
from instance_seg.fusion.two_direction import MODES
from instance_seg.heads.offset import FUSE_FROM, PLAIN_UNITS
from instance_seg.options import LARGEST_COUNT, Settings, option, shown

BACKBONES = ("octree_unet", "pointnet2")
EDGE_MODES = ("missing", "wrap")  # wrap: as the released program on a GPU (ocnn_tf_ops.octree_interpolation_table)
MAX_WIDTH, MAX_NEIGHBORS = 65_536, 65_536
FUSIONS = ("none", "own", "cross", "asis", "jsnet")


@dataclass(frozen=True)
class NetworkConfig(Settings):
    """Defaults: the paper's cross-level network with the released program's layers, heads and input signal."""

    backbone: str = option("octree_unet", "what gives the points their features", BACKBONES)
    depth: int = option(6, "finest depth of the octree", low=1, high=16)
    full_depth: int = option(2, "every octant down to this depth exists", low=1, high=16)
    channels: tuple[int, ...] = option(
        (64, 128, 256, 256, 256), "width of every depth of the U-Net, finest first", low=1, high=MAX_WIDTH
    )
    num_blocks: int = option(3, "residual blocks per stage of the U-Net", low=0, high=1000)
    head_width: int = option(128, "width of the hidden units of the heads", low=1, high=MAX_WIDTH)
    head_hidden: int = option(2, "hidden units of a head; 1 is the paper's two-layer MLP", low=0, high=1000)
    fusion: str = option(
        "cross", "no fusion, with a level's own probabilities, with all levels', or another paper's fusion", FUSIONS
    )
    stop_gradient: bool = option(True, "stop the gradient of the fusion into the probabilities")
    gradient_to: str = option("all", "without stop_gradient: which levels' probabilities get it", GRADIENT_TO)
    hard_assign: bool = option(False, "fuse with one-hot probabilities (a row of Table 4)")
    hard_in: str = option("both", "with hard_assign: in pooling and spreading, or in spreading alone", HARD_IN)
    transfer: bool = option(True, "a unit after each aggregation (released program; not in the paper)")
    fuse_from: str = option("hidden", "what is aggregated: hidden features (released) or F_ins (Fig. 2)", FUSE_FROM)
    concat_order: str = option("released", "order of the fused feature", SemanticAssistedFusion.ORDERS)
    baseline_unit: str = option("none", "without fusion: keep the unit behind it, on what input", PLAIN_UNITS)
    semantic_path: str = option("none", "a way from semantic to instance features (two-dir of Table 4)", MODES)
    semantic_path_gradient: bool = option(True, "that way carries gradient into the semantic decoder")
    asis_neighbors: int = option(
        30,
        "ASIS: neighbors whose semantic features are maximized, the point itself included",
        low=1,
        high=MAX_NEIGHBORS,
    )
    asis_space: str = option("features", "ASIS: where neighbors are near: instance features or shifted points", SPACES)
    asis_cutoff: float = option(0.1, "ASIS: farther shifted points are no neighbors; 0: off", low=0, high=100)
    pointnet2_points: tuple[int, ...] = option(
        (512, 128), "PointNet++: points of each abstraction", low=1, high=LARGEST_COUNT
    )
    pointnet2_samples: int = option(64, "PointNet++: neighbors of a point in its ball", low=1, high=MAX_NEIGHBORS)
    pointnet2_width: float = option(1.0, "PointNet++: factor on every width, for quick runs", above=0, high=100)
    pointnet2_normals: bool = option(False, "PointNet++: normals are input features too")
    abs_input: bool = option(True, "absolute value of the input signal (released program)")
    edge_mode: str = option("missing", "interpolation corners outside the cube of the octree", EDGE_MODES)

    def __post_init__(self):
        super().__post_init__()
        if self.full_depth > self.depth:
            raise ValueError(f"full_depth={self.full_depth}: want at most depth={self.depth}")
        stages = self.depth - self.full_depth + 1
        if self.backbone == "octree_unet" and not stages <= len(self.channels) <= self.depth:
            depths = f"depth={self.depth} to full_depth={self.full_depth} and at most for every depth above the root"
            raise ValueError(
                f"channels={shown(self.channels)}: want a width for each depth from {depths}: "
                f"{stages} to {self.depth} widths"
            )
        if self.semantic_path == "add" and self.fuse_from == "feature":
            raise ValueError("semantic_path=add needs the hidden features it adds to: set fuse_from=hidden")
        if len(self.pointnet2_points) != 2:
            raise ValueError(f"pointnet2_points={shown(self.pointnet2_points)}: want two numbers")
