"""Non-maximum suppression of proposals, on cases worked out by hand."""

import numpy as np

from instance_seg.clustering.suppression import overlaps, suppress
from instance_seg.structures import Proposals


def proposals(*members, score=None):
    score = np.arange(len(members), 0, -1) if score is None else score
    splits = np.cumsum([0, *map(len, members)])
    label = np.arange(len(members))
    return Proposals(np.concatenate([[], *members]).astype(int), splits, label, np.float32(score))


def test_overlaps_of_every_pair():
    iou = overlaps(proposals([0, 1, 2, 3], [2, 3, 4, 5], [9]), 10)
    np.testing.assert_allclose(iou, [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 1]])


def test_the_better_one_removes_what_overlaps_it_too_much():
    iou = np.array([[1, 0.31, 0], [0.31, 1, 0.9], [0, 0.9, 1]])
    np.testing.assert_array_equal(suppress(np.array([0.9, 0.8, 0.7]), iou, 0.3), [0, 2])  # 1 is gone, so 2 stays
    np.testing.assert_array_equal(suppress(np.array([0.7, 0.8, 0.9]), iou, 0.3), [2, 0])
    np.testing.assert_array_equal(suppress(np.array([0.9, 0.8, 0.7]), iou, 0.31), [0, 1])  # the limit itself stays


def test_of_equal_scores_the_later_comes_first():
    np.testing.assert_array_equal(suppress(np.array([0.5, 0.5]), np.ones((2, 2)), 0.3), [1])


def test_proposals_of_given_rows_in_the_given_order():
    found = proposals([0, 1], [7], [3, 4, 5]).chosen([2, 0])
    np.testing.assert_array_equal(found.points, [3, 4, 5, 0, 1])
    np.testing.assert_array_equal(found.row_splits, [0, 3, 5])
    np.testing.assert_array_equal(found.label, [2, 0])
    np.testing.assert_array_equal(found.score, [1, 3])


def test_none_at_all():
    none = proposals([0, 1]).chosen([])
    assert len(none.label) == len(none.points) == 0 and list(none.row_splits) == [0]
    assert overlaps(none, 5).shape == (0, 0) and len(suppress(none.score, np.zeros((0, 0)), 0.3)) == 0
