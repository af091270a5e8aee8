"""Sizes and choices of the backbones."""

from dataclasses import dataclass

from instance_seg.options import LARGEST_COUNT, Settings, option, shown

EDGE_MODES = ("missing", "wrap")  # wrap: as the released program on a GPU (ocnn_tf_ops.octree_interpolation_table)
INPUTS = ("xyz", "xyz_features", "features")  # of PointNet++
MAX_WIDTH, MAX_NEIGHBORS = 65_536, 65_536


@dataclass(frozen=True)
class OctreeUNetSettings(Settings):
    """Defaults: the paper's U-Net (Appendix A) with the released program's input signal."""

    depth: int = option(6, "finest depth of the octree", low=1, high=16)
    full_depth: int = option(2, "every octant down to this depth exists", low=1, high=16)
    channels: tuple[int, ...] = option(
        (64, 128, 256, 256, 256), "width of every depth of the U-Net, finest first", low=1, high=MAX_WIDTH
    )
    num_blocks: int = option(3, "residual blocks per stage of the U-Net", low=0, high=1000)
    abs_input: bool = option(True, "absolute value of normal and displacement as input (released program)")
    half_edge: float = option(
        1.0,
        "of the octree's cube, in the unit of the points; beyond it they count to the outermost octants",
        above=0,
        high=1e6,
    )
    edge_mode: str = option("missing", "interpolation corners outside the cube of the octree", EDGE_MODES)

    def __post_init__(self):
        super().__post_init__()
        if self.full_depth > self.depth:
            raise ValueError(f"full_depth={self.full_depth}: want at most depth={self.depth}")
        stages = self.depth - self.full_depth + 1
        if not stages <= len(self.channels) <= self.depth:
            depths = f"depth={self.depth} to full_depth={self.full_depth} and at most for every depth above the root"
            raise ValueError(
                f"channels={shown(self.channels)}: want a width for each depth from {depths}: "
                f"{stages} to {self.depth} widths"
            )


@dataclass(frozen=True)
class SparseUNetSettings(Settings):
    """Defaults: PointGroup's sparse U-Net on rooms in meters; HAIS has twice the channels."""

    voxel_edge: float = option(0.02, "sparse U-Net: edge of a voxel, in the unit of the points", above=0, high=1e6)
    sparse_channels: tuple[int, ...] = option(
        (16, 32, 48, 64, 80, 96, 112), "sparse U-Net: width of every level, finest first", low=1, high=MAX_WIDTH
    )
    sparse_blocks: int = option(2, "sparse U-Net: residual blocks of a level, down and up", low=1, high=1000)
    attention_levels: int = option(
        0, "sparse U-Net: coarsest levels whose voxels attend to each other (DyCo3D: 2)", low=0, high=16
    )
    odd_extents: str = option("keep", "sparse U-Net: last voxels of an odd grid, drop: as spconv", ("keep", "drop"))

    def __post_init__(self):
        super().__post_init__()
        if not 1 <= len(self.sparse_channels) <= 16:
            raise ValueError(f"sparse_channels={shown(self.sparse_channels)}: want 1 to 16 widths")
        if self.attention_levels > len(self.sparse_channels):
            raise ValueError(
                f"attention_levels={self.attention_levels}: want at most the {len(self.sparse_channels)} levels of "
                f"sparse_channels={shown(self.sparse_channels)}"
            )


@dataclass(frozen=True)
class PointNet2Settings(Settings):
    """Defaults: PointNet++ as PartNet's networks have it. ASIS' four levels are in the preset `paper`."""

    pointnet2_points: tuple[int, ...] = option(
        (512, 128), "PointNet++: points of each abstraction, fine to coarse", low=1, high=LARGEST_COUNT
    )
    pointnet2_radii: tuple[float, ...] = option(
        (0.2, 0.4), "PointNet++: radius of the ball around each of them", above=0, high=1e6
    )
    pointnet2_channels: tuple[int, ...] = option(
        (64, 128), "PointNet++: width c of the MLP (c, c, 2 c) of each abstraction", low=1, high=MAX_WIDTH
    )
    pointnet2_samples: int = option(64, "PointNet++: neighbors of a point in its ball", low=1, high=MAX_NEIGHBORS)
    pointnet2_summary: bool = option(True, "PointNet++: a last abstraction describes the whole shape")
    pointnet2_inputs: str = option("xyz", "PointNet++: what is known of a point beside its neighborhood", INPUTS)
    pointnet2_width: float = option(1.0, "PointNet++: factor on every width, for quick runs", above=0, high=100)

    def __post_init__(self):
        super().__post_init__()
        sizes = {"points": self.pointnet2_points, "radii": self.pointnet2_radii, "channels": self.pointnet2_channels}
        if len({len(each) for each in sizes.values()}) > 1:
            given = ", ".join(f"pointnet2_{name}={shown(each)}" for name, each in sizes.items())
            raise ValueError(f"{given}: want a number for each abstraction")
        if len(self.pointnet2_points) + self.pointnet2_summary < 2:
            raise ValueError(f"pointnet2_points={shown(self.pointnet2_points)}: want two abstractions or more")


@dataclass(frozen=True)
class PointConvSettings(Settings):
    """Defaults: JSNet's on blocks in meters."""

    pointconv_points: tuple[int, ...] = option(
        (1024, 256, 64, 32), "JSNet: points of each of the four levels, fine to coarse", low=1, high=LARGEST_COUNT
    )
    pointconv_radii: tuple[float, ...] = option(
        (0.1, 0.2, 0.4, 0.8), "JSNet: radius of the ball of each: of neighbors, then of densities", above=0, high=1e6
    )
    pointconv_channels: tuple[int, ...] = option(
        (32, 64, 128, 256), "JSNet: width c of the layers (c, c, 2 c) of each level", low=1, high=MAX_WIDTH
    )
    pointconv_samples: int = option(32, "JSNet: neighbors of a sampled point", low=1, high=MAX_NEIGHBORS)
    pointconv_width: float = option(1.0, "JSNet: factor on every width, for quick runs", above=0, high=100)

    def __post_init__(self):
        super().__post_init__()
        for name in ("pointconv_points", "pointconv_radii", "pointconv_channels"):
            if len(getattr(self, name)) != 4:
                raise ValueError(f"{name}={shown(getattr(self, name))}: want four numbers")
