"""Neighbor tables, against the hand-made example and their own symmetry."""

import numpy as np
import pytest
from kernels import octree_calls as calls
from kernels import octree_example as example

from ocnn_tf_ops.python.kernel_library import call_kernel


def test_worked_example():
    octree = calls.build(example.XYZ, example.NORMALS, example.ROW_SPLITS, example.DEPTH)
    table = octree.neighbors[3]
    np.testing.assert_array_equal(table[0], example.dense(example.NEIGHBORS_0, 27, -1))
    np.testing.assert_array_equal(table[13], example.dense(example.NEIGHBORS_13, 27, -1))


def test_full_layer_of_the_second_shape_knows_nothing_of_the_first():
    table = np.zeros((16, 27), np.int32)
    call_kernel("ocnn_octree_full_neighbors_cpu", None, 2, calls.c_int(1), table)
    np.testing.assert_array_equal(np.sort(table[8][table[8] >= 0]), np.arange(8, 16))
    np.testing.assert_array_equal(table[:, 13], np.arange(16))


@pytest.mark.parametrize("depth", [2, 4, 6])
def test_tables_are_symmetric(depth):
    """If j is neighbor k of i, i is neighbor 26 - k of j: the gradient of the convolution relies on it."""
    xyz, _, row_splits = calls.random_points(depth, (300, 80))
    table = calls.build(xyz, None, row_splits, depth).neighbors[depth]
    rows, cells = np.nonzero(table >= 0)
    np.testing.assert_array_equal(table[table[rows, cells], 26 - cells], rows)


def child_table(parent_neighbors, parent_children, num_groups):
    table = np.zeros((8 * num_groups, 27), np.int32)
    parents = (parent_neighbors, parent_children, len(parent_children), num_groups)
    call_kernel("ocnn_octree_child_neighbors_cpu", None, *parents, table)


@pytest.mark.parametrize("neighbor,child", [(1, 0), (-2, 0), (0, 1), (0, -2)])
def test_indices_out_of_range(neighbor, child):
    parent_neighbors = np.full((1, 27), neighbor, np.int32)
    with pytest.raises(ValueError, match="out of range"):
        child_table(parent_neighbors, np.array([child], np.int32), 1)


def test_layer_without_octants():
    child_table(np.zeros((0, 27), np.int32), np.zeros(0, np.int32), 0)
