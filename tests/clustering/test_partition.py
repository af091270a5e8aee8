"""Partitions by hand: ids, majorities, and the proposals they are."""

import numpy as np
import pytest

from instance_seg.clustering.partition import as_proposals, compact_ids, contingency, find_instances, mean_score
from instance_seg.structures import Proposals


@pytest.mark.parametrize("ids", [[3, -1, 3, 7], [0], [], [10**9, -(10**9), 5, 5], [2, 2, 2]])
def test_compact_ids_is_unique_with_inverse(ids):
    ids = np.array(ids, np.int32)
    distinct, index = compact_ids(ids)
    expected = np.unique(ids, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected[0])
    np.testing.assert_array_equal(index, expected[1])


def test_contingency_counts_pairs():
    table = contingency(np.array([0, 1, 1, 0]), np.array([2, 0, 0, 2]), 2, 3)
    np.testing.assert_array_equal(table, [[0, 0, 2], [2, 0, 0]])


def test_majority_class_and_its_tie():
    found = find_instances(np.array([4, 4, 4, 9, 9]), np.array([2, 1, 2, 3, 1]), 4)
    np.testing.assert_array_equal(found.ids, [4, 9])
    np.testing.assert_array_equal(found.size, [3, 2])
    np.testing.assert_array_equal(found.label, [2, 1])  # 3 and 1 tie: the smaller class


def test_score_is_one_minus_mean_entropy():
    score = mean_score(np.array([0, 0, 1]), -np.array([0.5, 1.5, 3.0], np.float32), np.array([2, 1]))
    assert score.dtype == np.float32
    np.testing.assert_allclose(score, [0.0, -2.0])


def test_proposals_of_a_partition():
    ids, semantic = np.array([7, -1, 3, 7, 3, 7]), np.array([2, 1, 1, 2, 0, 1])
    found = as_proposals(ids, semantic, -np.float32([0, 9, 0.5, 0.25, 1, 0.5]), num_classes=3)
    np.testing.assert_array_equal(found.points, [2, 4, 0, 3, 5])
    np.testing.assert_array_equal(found.row_splits, [0, 2, 5])
    np.testing.assert_array_equal(found.of_entry, [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(found.size, [2, 3])
    np.testing.assert_array_equal(found.label, [0, 2])  # 0 and 1 tie: the smaller class
    np.testing.assert_allclose(found.score, [0.25, 0.75])
    np.testing.assert_array_equal(found.instance(6), [1, -1, 0, 1, 0, 1])


@pytest.mark.parametrize("num_points", [0, 4])
def test_a_partition_without_instances(num_points):
    found = as_proposals(np.full(num_points, -1), np.zeros(num_points, int), np.zeros(num_points, np.float32), 2)
    assert found.row_splits.tolist() == [0] and found.label.shape == found.score.shape == found.points.shape == (0,)
    assert found.instance(num_points).tolist() == [-1] * num_points


def test_where_proposals_overlap_the_highest_score_wins():
    """Three proposals of points 0-2, 2-4 and 1-3; point 5 is in none."""
    points, row_splits = np.array([0, 1, 2, 2, 3, 4, 1, 2, 3]), np.array([0, 3, 6, 9])
    proposals = Proposals(points, row_splits, np.array([1, 1, 2]), np.float32([0.5, 0.25, 0.75]))
    ids = proposals.instance(6)
    assert ids.dtype == np.int32 and ids.tolist() == [0, 2, 2, 2, 1, -1]
    assert proposals._replace(score=np.float32([0.9, 0.8, 0.1])).instance(6).tolist() == [0, 0, 0, 1, 1, -1]
