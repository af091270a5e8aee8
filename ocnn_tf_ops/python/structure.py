"""What an octree and sparse voxels are made of: the structures that the functions of this package exchange."""

from typing import Any, NamedTuple

Tensor = Any  # a tf.Tensor, or a np.ndarray in reference.py


class Octree(NamedTuple):
    """The octrees of a batch, merged; entry d of each tuple is the layer of depth d with M_d octants.

    The shape an octant belongs to is `keys // 2**48`, its Morton code the rest. Entry 9(dx + 1) + 3(dy + 1) + dz + 1 of
    a row of neighbors is the octant at offset (dx, dy, dz).
    """

    keys: tuple[Tensor, ...]  # [M_d] int64, ascending
    children: tuple[Tensor, ...]  # [M_d] int32: -1 = empty, else the running number among the non-empty octants
    neighbors: tuple[Tensor, ...]  # [M_d, 27] int32: neighboring octants, empty ones too; -1 = none
    features: Tensor  # [M_D, C] float32 of the finest depth D; 0 at empty octants


class SparseVoxels(NamedTuple):
    """The voxels of a batch that hold points; entry l of each tuple is about level l, whose V_l voxels are 2^l wide.

    The voxels of a level are sorted by shape, then by Morton code. Of L levels, `children` and `parents` have L - 1
    entries; each is the other one read backward. -1 = none.
    """

    features: Tensor  # [V_0, F], means over the points of a voxel
    point_voxel: Tensor  # [N] int32, the voxel of level 0 that a point lies in
    coordinates: tuple[Tensor, ...]  # [V_l, 3] int32
    row_splits: tuple[Tensor, ...]  # [B + 1] int32; shape b owns the voxels row_splits[l][b]:row_splits[l][b + 1]
    neighbors: tuple[Tensor, ...]  # [V_l, 27] int32: column 9(dx + 1) + 3(dy + 1) + dz + 1 has that at (dx, dy, dz)
    children: tuple[Tensor, ...]  # [V_(l+1), 8] int32: column 4x + 2y + z has the voxel of level l in that octant
    parents: tuple[Tensor, ...]  # [V_l, 8] int32: the voxel of level l + 1 in the column of the own octant
