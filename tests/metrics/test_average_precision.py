import numpy as np
import pytest
from reference_metrics import reference_ap

from instance_seg.metrics.average_precision import RECALL_LEVELS, average_precision, precision_recall


@pytest.mark.parametrize(
    "hits, num_gt, expected",
    [
        ([1], 1, 1.0),
        ([1, 0, 1], 3, 0.5544554455),
        ([0, 1], 1, 0.5049504950),
        ([1, 1], 4, 0.5049504950),
        ([0, 0], 2, 0.0099009901),
        ([1, 0, 0, 1, 1], 5, 0.4455445545),
        ([1] * 7, 10, 0.6930693069),
        ([], 3, 0.0),
        ([0, 0], 0, 0.0),
    ],
)
def test_hand_computed_lists(hits, num_gt, expected):
    assert average_precision(np.array(hits, bool), num_gt) == pytest.approx(expected, abs=1e-10)


def test_levels_are_those_of_a_float_range():
    assert len(RECALL_LEVELS) == 101
    above = [i for i in range(101) if RECALL_LEVELS[i] > i / 100]
    assert above == [35, 41, 47, 57, 69, 70, 82, 83, 94, 95]
    assert not any(RECALL_LEVELS[i] < i / 100 for i in range(101))


@pytest.mark.parametrize("reached", [35, 41, 47, 57, 69, 70, 82, 83, 94, 95])
def test_levels_above_the_decimal_are_not_reached(reached):
    assert average_precision(np.ones(reached, bool), 100) == pytest.approx(reached / 101, abs=1e-12)


def test_equals_the_plain_implementation_on_random_lists():
    rng = np.random.default_rng(0)
    for _ in range(200):
        hits = rng.random(rng.integers(0, 30)) < rng.random()
        num_gt = max(1, int(hits.sum()) + int(rng.integers(0, 5)))
        assert average_precision(hits, num_gt) == pytest.approx(reference_ap(hits.tolist(), num_gt), abs=1e-12)


def test_curve_starts_at_precision_one_and_recall_zero():
    precision, recall = precision_recall(np.array([True, False, True]), 4)
    np.testing.assert_allclose(precision, [1, 1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(recall, [0, 1 / 4, 1 / 4, 2 / 4])
