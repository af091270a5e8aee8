"""Sampling, neighbor search and gathering, against plain NumPy and by hand; serial and in threads."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from kernels import points_calls as calls

from ocnn_tf_ops.python import points_reference as reference
from ocnn_tf_ops.python.kernel_library import thread_executor

SIZES = (150, 1, 0, 277)


def random_sets(seed, sizes=SIZES, channels=3, whole=False):
    """Rows and splits; `whole` numbers make distances exact and ties many."""
    rng = np.random.default_rng(seed)
    shape = (sum(sizes), channels)
    x = rng.integers(-3, 4, shape) if whole else rng.uniform(-1, 1, shape)
    return x.astype(np.float32), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def test_farthest_points_by_hand():
    xyz = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0], [9, 9, 9], [9, 9, 9]], np.float32)
    splits = np.array([0, 3, 5], np.int32)
    np.testing.assert_array_equal(calls.farthest_points(xyz, splits, 4), [0, 2, 1, 0, 3, 3, 3, 3])


def test_farthest_points_equal_reference():
    xyz, splits = random_sets(0, (150, 1, 277))
    want = reference.farthest_points(xyz, splits, 20)
    for stream in (None, thread_executor(2)):
        np.testing.assert_array_equal(calls.farthest_points(xyz, splits, 20, stream), want)


def test_farthest_points_of_an_empty_shape():
    with pytest.raises(ValueError, match="without a single point"):
        calls.farthest_points(*random_sets(0), 4)


def test_ball_query_by_hand():
    xyz = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.4, 0], [0, 0, 0.1]], np.float32)
    queries = np.array([[0, 0, 0], [5, 5, 5]], np.float32)
    index, count = calls.ball_query(xyz, np.int32([0, 4]), queries, np.int32([0, 2]), 0.5, 4)
    np.testing.assert_array_equal(index, [[0, 2, 3, 0], [-1] * 4])  # 0.5 away is not within 0.5
    np.testing.assert_array_equal(count, [3, 0])
    index, count = calls.ball_query(xyz, np.int32([0, 4]), queries, np.int32([0, 2]), 0.5, 2)
    np.testing.assert_array_equal(index[0], [0, 2])


def test_ball_query_equals_reference():
    xyz, splits = random_sets(1)
    queries, query_splits = random_sets(2, (90, 3, 5, 140))
    want = reference.ball_query(xyz, splits, queries, query_splits, 0.4, 8)
    for stream in (None, thread_executor(2)):
        got = calls.ball_query(xyz, splits, queries, query_splits, 0.4, 8, stream)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(("channels", "k"), [(1, 3), (3, 1), (17, 30)])
def test_nearest_neighbors_equal_reference_ties_included(norm, channels, k):
    x, splits = random_sets(3, channels=channels, whole=True)
    queries, query_splits = random_sets(4, (70, 130, 4, 9), channels, whole=True)
    want = reference.nearest_neighbors(x, splits, queries, query_splits, k, norm)
    for stream in (None, thread_executor(2)):
        got = calls.nearest_neighbors(x, splits, queries, query_splits, k, norm, stream)
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


def test_nearest_neighbors_in_a_wide_feature_space():
    x, splits = random_sets(5, (600,), 128)
    got = calls.nearest_neighbors(x, splits, x, splits, 30, "l1")
    want = reference.nearest_neighbors(x, splits, x, splits, 30, "l1")
    np.testing.assert_array_equal(got[0][:, 0], np.arange(600))
    np.testing.assert_allclose(got[1], want[1], rtol=1e-5)


MEMORY_OF_A_SEARCH = """
import resource, sys
import numpy as np
sys.path[:0] = [sys.argv[1]]
from kernels import points_calls as calls
x, splits = np.random.default_rng(0).normal(size=(10_000, 16)).astype(np.float32), np.int32([0, 10_000])
calls.nearest_neighbors(x[:200], np.int32([0, 200]), x[:200], np.int32([0, 200]), 30, "l1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
index, _ = calls.nearest_neighbors(x, splits, x, splits, 30, "l1")
assert (index[:, 0] == np.arange(10_000)).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_nearest_neighbors_never_hold_a_matrix_of_all_pairs():
    command = [sys.executable, "-c", MEMORY_OF_A_SEARCH, pathlib.Path(__file__).parents[1]]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # KiB
    assert grown < 20_000  # 10,000 x 10,000 distances take 390,625, what is returned 2,344


def test_rows_that_are_not_numbers_are_near_nothing():
    x = np.array([[0], [np.nan], [2]], np.float32)
    index, distance = calls.nearest_neighbors(x, np.int32([0, 3]), x, np.int32([0, 3]), 3)
    np.testing.assert_array_equal(index, [[0, 2, -1], [-1, -1, -1], [2, 0, -1]])
    assert np.isinf(distance[:, 2]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gather_and_its_adjoint(dtype):
    x = np.arange(8, dtype=dtype).reshape(4, 2)
    index = np.int32([3, -1, 0, 3])
    np.testing.assert_array_equal(calls.gather_rows(x, index), [[6, 7], [0, 0], [0, 1], [6, 7]])
    grad = np.array([[1, 2], [100, 100], [3, 4], [5, 6]], dtype)
    for stream in (None, thread_executor(3)):
        got = calls.gather_rows_grad(grad, index, 4, stream)
        np.testing.assert_array_equal(got, [[3, 4], [0, 0], [0, 0], [6, 8]])


def test_neighbor_max_by_hand():
    x = np.array([[1.0, -5], [4, -6], [4, -7]])
    index = np.int32([[0, 1, 2], [2, -1, -1], [-1, -1, -1]])
    y, source = calls.neighbor_max(x, index)
    np.testing.assert_array_equal(y, [[4, -5], [4, -7], [0, 0]])
    np.testing.assert_array_equal(source, [[1, 0], [2, 2], [-1, -1]])
    grad = calls.neighbor_max_grad(np.array([[1.0, 2], [3, 4], [50, 60]]), source, 3)
    np.testing.assert_array_equal(grad, [[0, 2], [1, 0], [3, 4]])


def test_neighbor_max_equals_reference_and_does_not_depend_on_threads():
    rng = np.random.default_rng(6)
    x, index = rng.normal(size=(300, 7)), rng.integers(-1, 300, (900, 5)).astype(np.int32)
    y, source = calls.neighbor_max(x, index)
    np.testing.assert_array_equal(y, reference.neighbor_max(x, index))
    threaded = calls.neighbor_max(x, index, thread_executor(2))
    np.testing.assert_array_equal(source, threaded[1])
    grad = rng.normal(size=y.shape)
    alone, shared = (calls.neighbor_max_grad(grad, source, 300, s) for s in (None, thread_executor(3)))
    np.testing.assert_array_equal(alone, shared)
    np.testing.assert_allclose(np.sum(alone * x), np.sum(grad * y))


@pytest.mark.parametrize("bad", [-2, 4])
def test_index_out_of_range(bad):
    x, index = np.zeros((4, 2)), np.int32([0, bad])
    with pytest.raises(ValueError, match="out of range"):
        calls.gather_rows(x, index)
    with pytest.raises(ValueError, match="out of range"):
        calls.gather_rows_grad(x[:2], index, 4)
    with pytest.raises(ValueError, match="out of range"):
        calls.neighbor_max(x, index[None])


@pytest.mark.parametrize("splits", [[0, 6], [1, 5], [0, 4, 2, 5]])
def test_malformed_splits(splits):
    xyz, splits = np.zeros((5, 3), np.float32), np.int32(splits)
    with pytest.raises(ValueError, match="out of range"):
        calls.farthest_points(xyz, splits, 2)
    with pytest.raises(ValueError, match="out of range"):
        calls.ball_query(xyz, splits, xyz, splits, 1.0, 2)
    with pytest.raises(ValueError, match="out of range"):
        calls.nearest_neighbors(xyz, splits, xyz, splits, 2)


def test_impossible_sizes():
    xyz, splits = np.zeros((5, 3), np.float32), np.int32([0, 5])
    for call in (
        lambda: calls.farthest_points(xyz, splits, 0),
        lambda: calls.ball_query(xyz, splits, xyz, splits, 0.0, 2),
        lambda: calls.ball_query(xyz, splits, xyz, splits, 1.0, 0),
        lambda: calls.nearest_neighbors(xyz, splits, xyz, splits, 0),
        lambda: calls.nearest_neighbors(xyz, splits, xyz, splits, 1, "l3"),
    ):
        with pytest.raises(ValueError, match="out of range"):
            call()
