"""Causes of misses by hand: instances of 20 points in a row, and proposals that are runs of these points."""

import numpy as np
import pytest

from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.diagnosis import LOST, OUTCOMES, Diagnosis
from instance_seg.metrics.partnet import PartNetAP
from instance_seg.structures import Labels, Level, Proposals, Segmented

LEVEL = Level(1, "all", ("other", "seat", "leg"), 1, (1, 2))
SEAT, LEG = 1, 2


def truth_of(*classes, other=0):
    """Instances of 20 points each, and `other` points of no class behind them."""
    semantic = np.repeat([*classes, 0], [*[20] * len(classes), other])
    return Labels(np.int32(semantic), np.int32(np.where(semantic > 0, np.arange(len(semantic)) // 20, -1)))


def segmented_of(semantic, *proposals, shifted=None):
    """`proposals`: (class, first point, end)."""
    splits = np.cumsum([0, *(end - begin for _, begin, end in proposals)])
    points = np.concatenate([np.zeros(0, int), *(np.arange(begin, end) for _, begin, end in proposals)])
    label = np.array([c for c, _, _ in proposals], int)
    return Segmented(
        np.int32(semantic), Proposals(points, splits, label, np.ones(len(label), np.float32)), None, shifted
    )


def outcomes(truth, semantic, *proposals):
    """Outcomes of seats and legs, whose proposals count as they do for PartNet: with more than 10 points."""
    diagnosis, segmented = Diagnosis(LEVEL), segmented_of(semantic, *proposals)
    diagnosis.add(truth, segmented, PartNetAP(LEVEL, MetricConfig()).add(truth, segmented))
    return {
        name: {outcome: each[outcome] for outcome in OUTCOMES if each[outcome]}
        for name, each in diagnosis.result().items()
    }


TWO_LEGS = truth_of(LEG, LEG)
LEGS = [LEG] * 40


@pytest.mark.parametrize(
    ("proposals", "expected"),
    [
        ([(LEG, 0, 20), (LEG, 20, 40)], {"found": 2}),
        ([(LEG, 0, 20), (LEG, 20, 31)], {"found": 2}),  # 11 of 20 points: an IoU of 0.55
        ([(LEG, 0, 20)], {"found": 1, "no proposal": 1}),
        ([], {"no proposal": 2}),
        ([(LEG, 0, 40)], {"merged": 2}),  # an IoU of 0.5 is not above it
        ([(LEG, 0, 20), (LEG, 20, 30), (LEG, 30, 40)], {"found": 1, "split": 1}),
        ([(SEAT, 0, 20), (LEG, 20, 40)], {"found": 1, "wrong class": 1}),
    ],
)
def test_outcomes_of_two_legs(proposals, expected):
    assert outcomes(TWO_LEGS, LEGS, *proposals) == {"leg": expected}


def test_an_instance_with_at_most_half_of_its_points_of_its_class():
    semantic = [SEAT] * 10 + [LEG] * 10 + [SEAT] * 9 + [LEG] * 11
    found = outcomes(TWO_LEGS, semantic, (LEG, 10, 20), (LEG, 29, 40))
    assert found == {"leg": {"wrong class": 1, "found": 1}}


def test_a_proposal_too_small_to_count():
    truth = Labels(np.int32([LEG] * 8 + [SEAT] * 20), np.int32([0] * 8 + [1] * 20))
    found = outcomes(truth, truth.semantic, (LEG, 0, 8), (SEAT, 8, 28))
    assert found == {"seat": {"found": 1}, "leg": {"too small": 1}}


def test_points_without_a_class_count_for_nobody():
    truth = truth_of(SEAT, other=100)
    assert outcomes(truth, [SEAT] * 120, (SEAT, 0, 120)) == {"seat": {"found": 1}}
    nothing = Diagnosis(LEVEL)
    nothing.add(truth_of(other=5), segmented_of([0] * 5), None)
    assert nothing.result() == {}


def test_lost_points_and_spread():
    """Of 40 leg points 4 are called seats, 5 are in no proposal, 8 in one of 8 points."""
    shifted = np.zeros((40, 3), np.float32)
    shifted[:20, 0] = np.where(np.arange(20) % 2, 0.1, -0.1)  # 0.1 from their mean; the second leg is one point
    shifted[0] = 9.0  # called a seat: not counted
    shifted[1] = 0.1, 0, 0
    semantic = [SEAT, LEG, SEAT] + [LEG] * 35 + [SEAT] * 2
    shifted[2] = 7.0
    segmented = segmented_of(semantic, (LEG, 0, 27), (LEG, 27, 35), shifted=shifted)
    diagnosis = Diagnosis(LEVEL)
    diagnosis.add(TWO_LEGS, segmented, PartNetAP(LEVEL, MetricConfig()).add(TWO_LEGS, segmented))
    leg = diagnosis.result()["leg"]
    assert [leg[name] for name in LOST] == pytest.approx([10.0, 12.5, 20.0])
    first = np.float64([0.1] * 10 + [-0.1] * 8)
    expected = np.abs(first - first.mean()).sum() / 36
    assert leg["spread"] == pytest.approx(expected, rel=1e-6)


def test_clouds_add_up_and_there_may_be_no_shifted_points():
    diagnosis = Diagnosis(LEVEL)
    for proposals in ([(LEG, 0, 20), (LEG, 20, 40)], [(LEG, 0, 40)]):
        diagnosis.add(TWO_LEGS, segmented_of(LEGS, *proposals), None)
    leg = diagnosis.result()["leg"]
    assert (leg["found"], leg["merged"]) == (2, 2) and np.isnan(leg["spread"])
