"""What an octree is made of: the one structure that the functions of this package exchange."""

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
