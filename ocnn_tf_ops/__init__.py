"""Octree operations for TensorFlow 2: building, convolution, pooling, interpolation; point sets (see README.md).

Importing the package loads neither TensorFlow nor the compiled libraries; the first function asked for does.
"""

import importlib

_MODULES = {
    "loader": ("build_info",),
    "structure": ("Octree", "SparseVoxels"),
    "octree": ("octree_build", "octree_neighbors"),
    "conv": ("octree_conv", "octree_downsample_conv", "octree_upsample_conv", "gather_conv"),
    "sparse": ("sparse_voxels",),
    "gather": ("gather_rows", "octree_depad", "sum_rows", "neighbor_max", "weighted_gather"),
    "pool": ("octree_max_pool", "octree_max_unpool"),
    "dense": ("moments", "normalize"),
    "precision": ("full_precision",),
    "interpolate": ("octree_interpolation_table",),
    "points": (
        "farthest_points",
        "ball_query",
        "nearest_neighbors",
        "radius_components",
        "three_neighbors",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'ocnn_tf_ops' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"ocnn_tf_ops.python.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
