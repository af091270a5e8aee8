"""Best proposals of true parts, by hand, and masks against proposals."""

import numpy as np
import pytest

from instance_seg.metrics.best_overlap import best_of_masks, best_of_proposals
from instance_seg.structures import Proposals


def proposals_of(masks):
    rows = [np.flatnonzero(mask) for mask in masks]
    splits = np.cumsum([0, *map(len, rows)])
    return Proposals(np.concatenate([np.zeros(0, int), *rows]), splits, np.zeros(len(rows), int), np.ones(len(rows)))


def test_by_hand():
    """Points 8 and 9 are of no part. The best of the first part has 3 of its 4 points and one of the second."""
    part = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1])
    masks = np.zeros((3, 10), bool)
    masks[0, [0, 1, 2, 4, 8, 9]] = masks[1, [0]] = masks[2, [3, 4]] = True
    assert best_of_proposals(part, proposals_of(masks)) == pytest.approx([3 / 5, 1 / 5])


def test_weights_stand_for_sizes():
    part, masks = np.array([0, 0, 1]), np.array([[True, False, False], [False, True, True]])
    weight = np.array([3.0, 1.0, 4.0])
    assert best_of_proposals(part, proposals_of(masks), weight) == pytest.approx([3 / 4, 4 / 5])
    assert best_of_masks(part == np.arange(2)[:, None], masks, weight) == pytest.approx([3 / 4, 4 / 5])


def test_no_proposals_and_no_parts():
    part, nothing = np.array([0, 0, 1]), np.zeros((0, 3), bool)
    assert best_of_proposals(part, proposals_of(nothing)).tolist() == [0, 0]
    assert best_of_masks(part == np.arange(2)[:, None], nothing).tolist() == [0, 0]
    assert len(best_of_proposals(np.full(3, -1), proposals_of(np.ones((1, 3), bool)))) == 0
    assert len(best_of_masks(nothing, np.ones((1, 3), bool))) == 0


def test_masks_and_proposals_agree():
    rng = np.random.default_rng(0)
    part = rng.integers(-1, 5, 200)
    masks, weight = rng.random((9, 200)) < rng.random((9, 1)), rng.random(200)
    true_masks = part == np.arange(5)[:, None]
    for each in (None, weight):
        found = best_of_proposals(part, proposals_of(masks), each)
        assert found.shape == (5,) and found.min() > 0
        np.testing.assert_allclose(best_of_masks(true_masks, masks, each), found)


def test_true_masks_may_overlap():
    true_masks = np.array([[True, True, False], [False, True, True]])
    assert best_of_masks(true_masks, np.array([[True, True, True]])) == pytest.approx([2 / 3, 2 / 3])
