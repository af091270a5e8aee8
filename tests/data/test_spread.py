"""Instances of some points for other points, and labels for faces, compared with loops."""

import numpy as np

from instance_seg.data.spread import face_labels, nearest_rows, spread
from instance_seg.structures import Proposals


def some_proposals(rng, num_points):
    """Overlapping ones, one of them empty."""
    members = [np.sort(rng.choice(num_points, size, replace=False)) for size in (7, 0, 12, 5)]
    splits = np.concatenate([[0], np.cumsum([len(each) for each in members])])
    return Proposals(np.concatenate(members), splits, np.array([1, 2, 1, 3]), np.float32([0.1, 0.5, 0.9, 0.3]))


def test_members_of_proposals_are_those_like_a_member():
    rng = np.random.default_rng(0)
    found, like = some_proposals(rng, 20), rng.integers(0, 18, 100)  # nothing is like the last two points
    new = spread(found, like)
    for p in range(4):
        rows, old = (each.points[each.row_splits[p] : each.row_splits[p + 1]] for each in (new, found))
        np.testing.assert_array_equal(np.sort(rows), np.flatnonzero(np.isin(like, old)))
    assert new.size[1] == 0 < new.size[0]
    np.testing.assert_array_equal(new.score, found.score)


def test_the_same_points_change_nothing():
    found = some_proposals(np.random.default_rng(1), 30)
    for new, old in zip(spread(found, np.arange(30)), found, strict=True):
        np.testing.assert_array_equal(new, old)


def test_nearest_rows(monkeypatch):
    monkeypatch.setattr("instance_seg.data.spread._ROWS", 7)
    rng = np.random.default_rng(2)
    points, others = rng.normal(size=(15, 3)), rng.normal(size=(40, 3))
    want = np.square(others[:, None] - points).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest_rows(points, others), want)
    assert nearest_rows(points, others[:0]).shape == (0,)


def test_the_majority_on_a_face_wins():
    face, labels = np.array([0, 0, 0, 2, 2, 3]), np.array([5, 1, 5, 3, -1, -1])
    np.testing.assert_array_equal(face_labels(face, labels, np.array([0, 1, 2, 3, 4])), [5, 1, -1, -1, -1])
