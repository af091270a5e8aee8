"""Instances from soft masks against PartNet's test program."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.clustering.comparison.masks import masks_as_proposals

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "partnet_inference.npz")


@pytest.mark.parametrize("name", ("det0", "det1"))
def test_masks_are_the_programs(name):
    logits, masks, confidence, out, valid, label = (
        GOLDEN[f"{name}_{key}"] for key in ("logits", "mask", "conf", "out_mask", "out_valid", "out_label")
    )
    found = masks_as_proposals(logits, masks.T, confidence)
    rows = np.flatnonzero(valid)
    assert 0 < len(rows) < len(valid)
    assert np.array_equal(found.label - 1, label[rows])
    assert np.array_equal(found.score, GOLDEN[f"{name}_out_conf"][rows])
    for p, row in enumerate(rows):
        assert np.array_equal(found.points[found.row_splits[p] : found.row_splits[p + 1]], np.flatnonzero(out[row]))


def test_logits_not_probabilities_decide_the_class():
    """Two points lean slightly towards class 2, one strongly towards class 1."""
    logits = np.float32([[0, 0, 0.1], [0, 0, 0.1], [0, 5, 0]])
    found = masks_as_proposals(logits, np.full((3, 1), 0.9, np.float32), np.float32([0.7]), min_points=2)
    assert found.label.tolist() == [1] and found.size.tolist() == [3]


def test_a_mask_needs_more_than_the_smallest_number_of_points():
    logits, masks = np.float32([[0, 1]] * 4), np.float32([[0.9, 0.9], [0.9, 0.9], [0.5, 0.9], [0.1, 0.1]])
    found = masks_as_proposals(logits, masks, np.float32([0.2, 0.3]), min_points=2)
    assert found.points.tolist() == [0, 1, 2] and found.score.tolist() == [np.float32(0.3)]


def test_no_mask_at_all():
    found = masks_as_proposals(np.float32([[1, 0]] * 3), np.ones((3, 2), np.float32), np.float32([1, 1]), min_points=2)
    assert len(found.label) == 0 and found.row_splits.tolist() == [0]
