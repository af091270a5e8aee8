import numpy as np
import pytest

from instance_seg.metrics.matching import intersection_over_union, match_instances

THRESHOLDS = np.array([0.25, 0.5, 0.75])


def test_iou_of_two_empty_masks_is_zero():
    iou = intersection_over_union(np.zeros((1, 1)), np.zeros(1), np.zeros(1))
    np.testing.assert_array_equal(iou, [[0.0]])


def _matched(iou, label, confidence, gt_label):
    iou, confidence = np.array(iou, np.float64), np.array(confidence, np.float32)
    return match_instances(iou, np.array(label), confidence, np.array(gt_label), THRESHOLDS).matched.tolist()


def test_threshold_is_strict():
    assert _matched([[0.5]], [1], [1.0], [1]) == [[0], [-1], [-1]]
    assert _matched([[0.75]], [1], [1.0], [1]) == [[0], [0], [-1]]


def test_other_classes_are_not_looked_at():
    assert _matched([[0.9, 0.3]], [2], [1.0], [1, 2]) == [[1], [-1], [-1]]


def test_the_more_confident_prediction_chooses_first():
    # both prefer instance 0; at 0.25 the second falls back to instance 1, at 0.5 it has nothing left
    assert _matched([[0.6, 0.3], [0.7, 0.0]], [1, 1], [0.1, 0.9], [1, 1]) == [[0, 1], [0, -1], [-1, -1]]


def test_a_miss_occupies_nothing():
    # the first prediction's best is instance 0, below 0.5; the second may still take it
    assert _matched([[0.4], [0.6]], [1, 1], [0.9, 0.1], [1])[1] == [-1, 0]


def test_equal_confidences_keep_their_order():
    assert _matched([[0.6], [0.9]], [1, 1], [0.5, 0.5], [1]) == [[0, -1], [0, -1], [-1, 0]]


def test_equal_ious_take_the_first_instance():
    assert _matched([[0.4, 0.4]], [1], [1.0], [1, 1])[0] == [0]


@pytest.mark.parametrize("num_predictions, num_gt", [(0, 3), (2, 0), (0, 0)])
def test_one_side_empty(num_predictions, num_gt):
    match = match_instances(
        np.zeros((num_predictions, num_gt)),
        np.ones(num_predictions, int),
        np.ones(num_predictions, np.float32),
        np.ones(num_gt, int),
        THRESHOLDS,
    )
    assert match.matched.shape == (3, num_predictions)
    assert not match.hits.any()
