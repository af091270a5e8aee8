"""The octree kernels on NumPy arrays, with the memory a caller has to bring."""

import ctypes

import numpy as np

from ocnn_tf_ops.python.kernel_library import FLOAT32, FLOAT64, Executor, call_kernel
from ocnn_tf_ops.python.kernel_library import workspace_bytes as scratch_bytes
from ocnn_tf_ops.python.structure import Octree

c_int = ctypes.c_int32
EDGE_MODES = ("missing", "wrap")


def dtype_of(array: np.ndarray) -> ctypes.c_int32:
    return c_int({"float32": FLOAT32, "float64": FLOAT64}[array.dtype.name])


def sort_points(xyz, row_splits, depth, stream=None, workspace_bytes=None):
    """sorted_keys [N] int64, order [N] int32."""
    workspace = np.zeros(scratch_bytes("ocnn_octree_point_keys", len(xyz)) // 4, np.int32)
    keys, order = np.full(len(xyz), -7, np.int64), np.full(len(xyz), -7, np.int32)
    num_bytes = workspace.nbytes if workspace_bytes is None else workspace_bytes
    shapes = len(row_splits) - 1
    call_kernel(
        "ocnn_octree_point_keys_cpu",
        *(stream, xyz, row_splits, len(xyz), shapes, c_int(depth), keys, order, workspace, num_bytes),
    )
    return keys, order


def count(sorted_keys, num_shapes, depth, full_depth):
    """num_nodes, num_nonempty, both [depth + 1] int64."""
    nodes, nonempty = np.zeros(depth + 1, np.int64), np.zeros(depth + 1, np.int64)
    sizes = (len(sorted_keys), num_shapes, c_int(depth), c_int(full_depth))
    call_kernel("ocnn_octree_count_cpu", None, sorted_keys, *sizes, nodes, nonempty)
    return nodes, nonempty


def build(xyz, normals, row_splits, depth, full_depth=2, features=None, stream: Executor | None = None) -> Octree:
    num_shapes, extra = len(row_splits) - 1, 0 if features is None else features.shape[1]
    sorted_keys, order = sort_points(xyz, row_splits, depth, stream)
    num_nodes, num_nonempty = count(sorted_keys, num_shapes, depth, full_depth)
    keys = [np.full(n, -7, np.int64) for n in num_nodes]
    children = [np.full(n, -7, np.int32) for n in num_nodes]
    point_node = np.full(len(xyz), -7, np.int32)
    call_kernel(
        "ocnn_octree_nodes_cpu",
        *(stream, sorted_keys, len(xyz), num_shapes, c_int(depth), c_int(full_depth)),
        *(_pointers(keys), _pointers(children), point_node),
    )
    values = np.full((num_nodes[depth], 4 + extra), np.nan, np.float32)
    call_kernel(
        "ocnn_octree_features_cpu",
        *(stream, xyz, normals, features, order, point_node, len(xyz), num_nodes[depth], extra, c_int(depth), values),
    )
    neighbors = neighbor_tables(children, num_shapes, full_depth, num_nonempty, stream)
    return Octree(tuple(keys), tuple(children), neighbors, values)


def _pointers(arrays):
    return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


def neighbor_tables(children, num_shapes, full_depth, num_nonempty, stream=None):
    tables = []
    for depth, layer in enumerate(children):
        table = np.full((len(layer), 27), -7, np.int32)
        if depth <= full_depth:
            call_kernel("ocnn_octree_full_neighbors_cpu", stream, num_shapes, c_int(depth), table)
        else:
            parents = (tables[-1], children[depth - 1], len(children[depth - 1]), num_nonempty[depth - 1])
            call_kernel("ocnn_octree_child_neighbors_cpu", stream, *parents, table)
        tables.append(table)
    return tuple(tables)


def depad(x, children, num_nonempty, stream=None):
    y = np.full((num_nonempty, x.shape[1]), np.nan, x.dtype)
    sizes = (len(children), num_nonempty, x.shape[1])
    call_kernel("ocnn_octree_depad_cpu", stream, dtype_of(x), x, children, *sizes, y)
    return y


def max_pool(x, stream=None):
    y = np.full((len(x) // 8, x.shape[1]), np.nan, x.dtype)
    mask = np.full(y.shape, -7, np.int32)
    call_kernel("ocnn_octree_max_pool_cpu", stream, dtype_of(x), x, *y.shape, y, mask)
    return y, mask


def max_unpool(x, mask, stream=None):
    y = np.full((8 * len(x), x.shape[1]), np.nan, x.dtype)
    call_kernel("ocnn_octree_max_unpool_cpu", stream, dtype_of(x), x, mask, *mask.shape, y)
    return y


def max_pick(x, mask, stream=None):
    y = np.full(mask.shape, np.nan, x.dtype)
    call_kernel("ocnn_octree_max_pick_cpu", stream, dtype_of(x), x, mask, *mask.shape, y)
    return y


def interpolation_table(xyz, row_splits, keys, depth, edge_mode="missing", stream=None):
    index, weight = np.full((len(xyz), 8), -7, np.int32), np.full((len(xyz), 8), np.nan, np.float32)
    call_kernel(
        "ocnn_octree_interpolation_table_cpu",
        *(stream, xyz, row_splits, len(xyz), len(row_splits) - 1, keys, len(keys), c_int(depth)),
        *(c_int(EDGE_MODES.index(edge_mode)), index, weight),
    )
    return index, weight


def interpolate(x, index, weight, stream=None):
    y = np.full((len(index), x.shape[1]), np.nan, x.dtype)
    sizes = (*index.shape, *x.shape)
    call_kernel("ocnn_weighted_gather_cpu", stream, dtype_of(x), x, index, weight.astype(x.dtype), *sizes, y)
    return y


def interpolate_grad(grad, index, weight, num_nodes, stream=None):
    grad_x = np.full((num_nodes, grad.shape[1]), np.nan, grad.dtype)
    sizes = (*index.shape, *grad_x.shape)
    weight = weight.astype(grad.dtype)
    call_kernel("ocnn_weighted_gather_grad_cpu", stream, dtype_of(grad), grad, index, weight, *sizes, grad_x)
    return grad_x


def random_points(seed: int, sizes: tuple[int, ...], spread: float = 1.0):
    """xyz inside [-spread, spread], unit normals, row_splits: points on a few planes, so that octants share points."""
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-spread, spread, (sum(sizes), 3))
    xyz[:, 2] = np.round(xyz[:, 2] * 4) / 4 * 0.98 + 0.01
    normals = rng.normal(size=xyz.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    row_splits = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return xyz.astype(np.float32), normals.astype(np.float32), row_splits
