"""What a network needs to see points as an octree, on NumPy arrays, with the kernels and without TensorFlow."""

import ctypes
from collections.abc import Sequence

import numpy as np

from ocnn_tf_ops.python.kernel_library import FLOAT32, call_kernel, thread_executor, workspace_bytes
from ocnn_tf_ops.python.structure import Octree

EDGE_MODES = ("missing", "wrap")
_int = ctypes.c_int32


def octree_build(
    xyz: np.ndarray, normals: np.ndarray | None, row_splits: np.ndarray, depth: int, full_depth: int = 2
) -> Octree:
    """The octrees of a batch, as `ocnn_tf_ops.octree_build` makes them.

    Args:
        xyz: [N, 3] float32; normals: the same, or None.
        row_splits: [B + 1] int32.

    Raises:
        ValueError: NaN or infinity, a shape without points, or a depth that is out of range.
    """
    stream, num_shapes = thread_executor(), len(row_splits) - 1
    sizes = (len(xyz), num_shapes, _int(depth))
    sorted_keys, order = np.empty(len(xyz), np.int64), np.empty(len(xyz), np.int32)
    scratch = np.empty(workspace_bytes("ocnn_octree_point_keys", len(xyz)), np.uint8)
    made = (sorted_keys, order, scratch, scratch.nbytes)
    call_kernel("ocnn_octree_point_keys_cpu", stream, xyz, row_splits, *sizes, *made)
    num_nodes, num_nonempty = np.empty(depth + 1, np.int64), np.empty(depth + 1, np.int64)
    call_kernel("ocnn_octree_count_cpu", stream, sorted_keys, *sizes, _int(full_depth), num_nodes, num_nonempty)
    keys, children = ([np.empty(n, dtype) for n in num_nodes] for dtype in (np.int64, np.int32))
    point_node = np.empty(len(xyz), np.int32)
    layers = (_pointers(keys), _pointers(children), point_node)
    call_kernel("ocnn_octree_nodes_cpu", stream, sorted_keys, *sizes, _int(full_depth), *layers)
    features = np.empty((num_nodes[depth], 4), np.float32)
    of_points = (xyz, normals, None, order, point_node, len(xyz))
    call_kernel("ocnn_octree_features_cpu", stream, *of_points, num_nodes[depth], 0, _int(depth), features)
    neighbors = _neighbors(children, num_shapes, full_depth, num_nonempty)
    return Octree(tuple(keys), tuple(children), neighbors, features)


def octree_conv(x: np.ndarray, weights: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """y[m] = sum over k of x[neighbors[m, k]] @ weights[k]: x [M, Cin], weights [K, Cin, Cout], both float32."""
    cells, width, channels = weights.shape
    y = np.empty((len(neighbors), channels), np.float32)
    sizes = (len(x), len(neighbors), _int(cells), _int(width), _int(channels))
    call_kernel("ocnn_octree_conv_cpu", thread_executor(), _int(FLOAT32), x, weights, neighbors, *sizes, y)
    return y


def octree_interpolation_table(
    xyz: np.ndarray, row_splits: np.ndarray, keys: np.ndarray, depth: int, edge_mode: str = "missing"
) -> tuple[np.ndarray, np.ndarray]:
    """The eight octants around each point, [N, 8] int32, -1 = none, and their weights [N, 8] float32."""
    index, weight = np.empty((len(xyz), 8), np.int32), np.empty((len(xyz), 8), np.float32)
    sizes = (len(xyz), len(row_splits) - 1, keys, len(keys), _int(depth), _int(EDGE_MODES.index(edge_mode)))
    call_kernel("ocnn_octree_interpolation_table_cpu", thread_executor(), xyz, row_splits, *sizes, index, weight)
    return index, weight


def weighted_gather(x: np.ndarray, index: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """y[q] = sum over k of weight[q, k] * x[index[q, k]], skipping index -1; all float32."""
    y = np.empty((len(index), x.shape[1]), np.float32)
    sizes = (*index.shape, *x.shape)
    call_kernel("ocnn_weighted_gather_cpu", thread_executor(), _int(FLOAT32), x, index, weight, *sizes, y)
    return y


def _neighbors(
    children: Sequence[np.ndarray], num_shapes: int, full_depth: int, num_nonempty: np.ndarray
) -> tuple[np.ndarray, ...]:
    """[M_d, 27] int32 of every depth."""
    tables, stream = [], thread_executor()
    for depth, layer in enumerate(children):
        table = np.empty((len(layer), 27), np.int32)
        if depth <= full_depth:
            call_kernel("ocnn_octree_full_neighbors_cpu", stream, num_shapes, _int(depth), table)
        else:
            above = (tables[-1], children[depth - 1], len(children[depth - 1]), num_nonempty[depth - 1])
            call_kernel("ocnn_octree_child_neighbors_cpu", stream, *above, table)
        tables.append(table)
    return tuple(tables)


def _pointers(arrays: Sequence[np.ndarray]) -> ctypes.Array:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
