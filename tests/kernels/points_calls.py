"""The point kernels on NumPy arrays, with the memory a caller has to bring."""

import ctypes

import numpy as np
from kernels.octree_calls import dtype_of

from ocnn_tf_ops.python.kernel_library import call_kernel

NORMS = {"l1": 1, "l2": 2}


def farthest_points(xyz, row_splits, num_samples, stream=None):
    num_shapes = len(row_splits) - 1
    index, workspace = np.full(num_shapes * num_samples, -7, np.int32), np.full(len(xyz), np.nan, np.float32)
    sizes = (len(xyz), num_shapes, num_samples)
    call_kernel("ocnn_farthest_points_cpu", stream, xyz, row_splits, *sizes, workspace, index)
    return index


def ball_query(xyz, row_splits, queries, query_splits, radius, max_neighbors, stream=None):
    index, count = np.full((len(queries), max_neighbors), -7, np.int32), np.full(len(queries), -7, np.int32)
    call_kernel(
        "ocnn_ball_query_cpu",
        *(stream, xyz, row_splits, len(xyz), queries, query_splits, len(queries), len(row_splits) - 1),
        *(ctypes.c_float(radius), max_neighbors, index, count),
    )
    return index, count


def nearest_neighbors(x, row_splits, queries, query_splits, num_neighbors, norm="l2", stream=None):
    index = np.full((len(queries), num_neighbors), -7, np.int32)
    distance = np.full(index.shape, np.nan, np.float32)
    call_kernel(
        "ocnn_nearest_neighbors_cpu",
        *(stream, x, row_splits, len(x), queries, query_splits, len(queries), len(row_splits) - 1, x.shape[1]),
        *(ctypes.c_int32(NORMS.get(norm, 3)), num_neighbors, index, distance),
    )
    return index, distance


def gather_rows(x, index, stream=None):
    y = np.full((len(index), x.shape[1]), np.nan, x.dtype)
    call_kernel("ocnn_gather_rows_cpu", stream, dtype_of(x), x, index, len(index), *x.shape, y)
    return y


def gather_rows_grad(grad, index, num_points, stream=None):
    grad_x = np.full((num_points, grad.shape[1]), np.nan, grad.dtype)
    call_kernel("ocnn_gather_rows_grad_cpu", stream, dtype_of(grad), grad, index, len(index), *grad_x.shape, grad_x)
    return grad_x


def neighbor_max(x, index, stream=None):
    y, source = np.full((len(index), x.shape[1]), np.nan, x.dtype), np.full((len(index), x.shape[1]), -7, np.int32)
    call_kernel("ocnn_neighbor_max_cpu", stream, dtype_of(x), x, index, *index.shape, *x.shape, y, source)
    return y, source


def neighbor_max_grad(grad, source, num_points, stream=None):
    grad_x = np.full((num_points, grad.shape[1]), np.nan, grad.dtype)
    arguments = (dtype_of(grad), grad, source, len(source), *grad_x.shape, grad_x)
    call_kernel("ocnn_neighbor_max_grad_cpu", stream, *arguments)
    return grad_x
