"""The memory of the searches among 100,000 points: some rows for each thread, and never a matrix of distances."""

import numpy as np
import pytest
from kernels.points_calls import ball_query, farthest_points, nearest_neighbors

from instance_seg.benchmark.timing import added_memory_mb

POINTS, QUERIES = 100_000, 250  # all distances: 95 MB
XYZ = np.random.default_rng(0).uniform(0, 10, (POINTS, 3)).astype(np.float32)
SPLITS, QUERY_SPLITS = np.array([0, POINTS], np.int32), np.array([0, QUERIES], np.int32)


@pytest.mark.parametrize(
    "search",
    [
        lambda: farthest_points(XYZ, SPLITS, 20),
        lambda: ball_query(XYZ, SPLITS, XYZ[:QUERIES], QUERY_SPLITS, 0.5, 32),
        lambda: nearest_neighbors(XYZ, SPLITS, XYZ[:QUERIES], QUERY_SPLITS, 32),
        lambda: nearest_neighbors(XYZ, SPLITS, XYZ[:QUERIES], QUERY_SPLITS, 32, "l1"),
    ],
    ids=["farthest_points", "ball_query", "nearest_neighbors", "nearest_neighbors_l1"],
)
def test_no_matrix_of_distances(search):
    search()
    assert added_memory_mb(search) < 8
