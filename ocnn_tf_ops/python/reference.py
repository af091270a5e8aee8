"""The functions of this package in plain NumPy: same names, arguments and results, no compiled code, no TensorFlow.

Written to be read and compared with, not to be fast: every octant is looked up by its key, every layer is built from
the points anew. Shapes and conventions are documented at the compiled functions.
"""

import numpy as np

from ocnn_tf_ops.python import points_reference as points
from ocnn_tf_ops.python.structure import Octree, SparseVoxels

SHAPE_SHIFT = 48
OFFSETS = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)])
CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])


def encode(voxel: np.ndarray, shape: np.ndarray, depth: int) -> np.ndarray:
    """Keys [M] int64 of the voxels [M, 3] at `depth` of the shapes [M]."""
    key = np.zeros(len(voxel), np.int64)
    for bit in range(depth):
        x, y, z = ((voxel[:, axis].astype(np.int64) >> bit) & 1 for axis in range(3))
        key |= (4 * x + 2 * y + z) << (3 * bit)
    return key | (np.asarray(shape, np.int64) << SHAPE_SHIFT)


def decode(keys: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Voxels [M, 3] and shapes [M] of the keys [M]."""
    bits = [[(keys >> (3 * bit + 2 - axis)) & 1 for bit in range(depth)] for axis in range(3)]
    voxel = [sum((b << bit for bit, b in enumerate(axis_bits)), np.zeros_like(keys)) for axis_bits in bits]
    return np.stack(voxel, axis=1), keys >> SHAPE_SHIFT


def octree_build(xyz, normals, row_splits, depth, full_depth=2, features=None) -> Octree:
    """The octree of a batch of shapes, layer by layer; `features` of the points are averaged behind the first four."""
    xyz = np.asarray(xyz, np.float32)
    shape = np.repeat(np.arange(len(row_splits) - 1), np.diff(row_splits))
    voxel = np.clip(np.floor(_voxel_units(xyz, depth)), 0, 2**depth - 1).astype(np.int64)
    keys, children = [], []
    for d in range(depth + 1):
        occupied = np.unique(encode(voxel >> (depth - d), shape, d))
        nodes = _layer(voxel >> (depth - d), shape, d, full_depth, len(row_splits) - 1)
        nonempty = np.isin(nodes, occupied) | (d < full_depth)
        keys.append(nodes)
        children.append(np.where(nonempty, np.cumsum(nonempty) - 1, -1).astype(np.int32))
    node = np.searchsorted(keys[depth], encode(voxel, shape, depth))
    values = _point_features(xyz, normals, features, voxel, node, len(keys[depth]), depth)
    return Octree(tuple(keys), tuple(children), octree_neighbors(children, full_depth, keys), values)


def _voxel_units(xyz, depth):
    return (xyz + np.float32(1)) * np.float32(2.0 ** (depth - 1))


def _layer(voxel, shape, depth, full_depth, num_shapes):
    if depth <= full_depth:
        return ((np.arange(num_shapes)[:, None] << SHAPE_SHIFT) + np.arange(8**depth)).ravel()
    pairs = np.unique(np.column_stack([shape, voxel >> 1]), axis=0)
    siblings = (2 * pairs[:, None, 1:] + CORNERS).reshape(-1, 3)
    return np.sort(encode(siblings, np.repeat(pairs[:, 0], 8), depth))


def _mean(values, node, num_nodes):
    """Mean [num_nodes, C] of the points' values [N, C], 0 where there is no point."""
    total = np.zeros((num_nodes, values.shape[1]))
    np.add.at(total, node, values)
    return total / np.maximum(np.bincount(node, minlength=num_nodes), 1)[:, None]


def _point_features(xyz, normals, features, voxel, node, num_nodes, depth):
    occupied = np.bincount(node, minlength=num_nodes) > 0
    displacement = _mean(_voxel_units(xyz, depth).astype(np.float64) - voxel - 0.5, node, num_nodes)
    if normals is None:
        columns = [displacement, np.full((num_nodes, 1), 1.1547) * occupied[:, None]]
    else:
        normal = _mean_normal(np.asarray(normals, np.float64), node, num_nodes)
        columns = [normal, 1.1547 * np.sum(displacement * normal, axis=1, keepdims=True)]
    if features is not None:
        columns.append(_mean(np.asarray(features, np.float64), node, num_nodes))
    return np.concatenate(columns, axis=1).astype(np.float32)


def _mean_normal(normals, node, num_nodes):
    total = np.zeros((num_nodes, 3))
    np.add.at(total, node, normals)
    occupied, first = np.unique(node, return_index=True)
    short = np.linalg.norm(total[occupied], axis=1) < 1e-6
    total[occupied[short]] = normals[first[short]]
    return total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-30)


def octree_neighbors(children, full_depth=2, keys=None):
    """As the compiled function; `keys` of every depth spares deriving them from the children."""
    keys = _keys_of(children, full_depth) if keys is None else keys
    tables = []
    for depth, layer in enumerate(keys):
        voxel, shape = decode(layer, depth)
        moved = voxel[:, None] + OFFSETS
        inside = np.all((moved >= 0) & (moved < 2**depth), axis=-1)
        table = find_octants(layer, encode(moved.reshape(-1, 3), np.repeat(shape, 27), depth)).reshape(-1, 27)
        tables.append(np.where(inside, table, -1).astype(np.int32))
    return tuple(tables)


def _keys_of(children, full_depth):
    num_shapes = len(children[0])
    keys = [_layer(None, None, d, full_depth, num_shapes) for d in range(full_depth + 1)]
    for layer in children[full_depth:-1]:
        parents = keys[-1][np.asarray(layer) >= 0]
        shape_bits = parents >> SHAPE_SHIFT << SHAPE_SHIFT
        first = ((parents - shape_bits) << 3) + shape_bits
        keys.append((first[:, None] + np.arange(8)).ravel())
    return keys


def find_octants(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Position of each wanted key among the sorted keys, -1 where it is not there."""
    position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[position] == wanted, position, -1).astype(np.int32)


def octree_conv(x, weights, neighbors):
    return np.einsum("mkc,kcd->md", points.gather_rows(x, neighbors), weights)


def gather_conv(x, weights, table, adjoint=None):
    return octree_conv(x, weights, table)


def octree_downsample_conv(x, weights, parent_children):
    return points.gather_rows(np.einsum("gkc,kcd->gd", x.reshape(-1, 8, x.shape[1]), weights), parent_children)


def octree_upsample_conv(x, weights, children):
    return np.einsum("hc,kcd->hkd", octree_depad(x, children), weights).reshape(-1, weights.shape[2])


def octree_depad(x, children):
    return x[children >= 0]


def octree_max_pool(x, parent_children):
    groups = x.reshape(-1, 8, x.shape[1])
    mask = np.argmax(groups, axis=1) + 8 * np.arange(len(groups))[:, None]
    return points.gather_rows(groups.max(axis=1), parent_children), mask.astype(np.int32)


def octree_max_unpool(x, mask, parent_children):
    y = np.zeros((8 * len(mask), x.shape[1]), x.dtype)
    np.put_along_axis(y, mask, octree_depad(x, parent_children), axis=0)
    return y


def octree_interpolation_table(xyz, row_splits, keys, depth, edge_mode="missing"):
    """The 8 finest octants around each point (index [N, 8], -1 = missing) and their weights [N, 8]."""
    shape = np.repeat(np.arange(len(row_splits) - 1), np.diff(row_splits))
    side = 2**depth
    units = _voxel_units(np.asarray(xyz, np.float32), depth)
    units = (np.clip(units, 0, side) if edge_mode == "missing" else units) - np.float32(0.5)
    base = np.floor(units)
    t = (units - base)[:, None]
    weight = np.prod(np.where(CORNERS == 1, t, 1 - t), axis=2)
    corner = (base if edge_mode == "missing" else np.maximum(base, 0))[:, None].astype(np.int64) + CORNERS
    inside = np.all((corner >= 0) & (corner < side), axis=2) | (edge_mode == "wrap")
    wanted = encode((corner % side).reshape(-1, 3), np.repeat(shape, 8), depth)
    index = np.where(inside, find_octants(keys, wanted).reshape(-1, 8), -1)
    weight = np.where(index >= 0, weight, 0)
    return index, (weight / (weight.sum(axis=1, keepdims=True) + 1e-10)).astype(np.float32)


def sparse_voxels(voxels, row_splits, depth, num_levels, features, extent=None) -> SparseVoxels:
    """As the compiled function; every voxel is looked up by its key, every level is made of the points anew."""
    shape = np.repeat(np.arange(len(row_splits) - 1), np.diff(row_splits))
    extent = np.full(3, 2**depth) if extent is None else np.asarray(extent)
    levels = [_sparse_level(voxels >> level, shape, extent >> level, depth) for level in range(num_levels)]
    keys, coordinates, shapes = zip(*levels)
    neighbors = [_look_up(k, (c[:, None] + OFFSETS), s, depth) for k, c, s in levels]
    children = [_look_up(k, 2 * c[:, None] + CORNERS, s, depth) for k, (_, c, s) in zip(keys, levels[1:])]
    parents = []
    for coarse, (_, c, s) in zip(keys[1:], levels):
        own = np.all((c & 1)[:, None] == CORNERS, axis=2)
        parents.append(np.where(own, _look_up(coarse, (c >> 1)[:, None], s, depth), -1).astype(np.int32))
    point_voxel = _look_up(keys[0], voxels[:, None], shape, depth)[:, 0]
    splits = [np.searchsorted(s, np.arange(len(row_splits))).astype(np.int32) for s in shapes]
    means = _mean(np.asarray(features, np.float64), point_voxel, len(keys[0]))
    coordinates = tuple(c.astype(np.int32) for c in coordinates)
    return SparseVoxels(means, point_voxel, coordinates, *map(tuple, (splits, neighbors, children, parents)))


def _sparse_level(voxels, shape, extent, depth):
    """Keys [V], voxels [V, 3] and shapes [V] of those that hold points and are inside."""
    inside = np.all(voxels < extent, axis=1)
    keys = np.unique(encode(voxels[inside], shape[inside], depth))
    return keys, *decode(keys, depth)


def _look_up(keys, voxels, shape, depth):
    """Rows [M, K] of the voxels [M, K, 3], -1 where there is none."""
    inside = np.all((voxels >= 0) & (voxels < 2**depth), axis=2)
    if len(keys) == 0:
        return np.full(voxels.shape[:2], -1, np.int32)
    wanted = encode(voxels.reshape(-1, 3), np.repeat(shape, voxels.shape[1]), depth)
    return np.where(inside, find_octants(keys, wanted).reshape(inside.shape), -1).astype(np.int32)


def moments(x):
    return x.mean(axis=0), x.var(axis=0)


def normalize(x, gamma, beta, mean, variance, epsilon, slope=1.0, shortcut=None, batch_statistics=False):
    """`batch_statistics` concerns the gradient alone."""
    z = gamma * (x - mean) / np.sqrt(variance + epsilon) + beta + (0 if shortcut is None else shortcut)
    return np.where(z > 0, z, slope * z)
