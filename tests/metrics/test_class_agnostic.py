"""Average precision whatever the class, by hand."""

import numpy as np
import pytest

from instance_seg.metrics.class_agnostic import ClassAgnosticAP
from instance_seg.metrics.config import MetricConfig
from instance_seg.structures import Labels, Level, Proposals, Segmented

LEVEL = Level(1, "coarse", ("other", "a", "b"), 1, (1, 2))


def three_parts():
    """Parts of class 1, 2 and 0, 20 points each; all are found, the first as class 2."""
    truth = Labels(np.repeat(np.int32([1, 2, 0]), 20), np.repeat(np.int32([0, 1, 2]), 20))
    semantic = np.repeat(np.int32([2, 2, 0]), 20)
    row_splits = np.array([0, 20, 40, 60])
    proposals = Proposals(np.arange(60), row_splits, np.array([2, 2, 0]), np.float32([0.9, 0.8, 0.7]))
    return truth, Segmented(semantic, proposals)


def test_a_part_called_another_is_found():
    metric = ClassAgnosticAP(LEVEL, MetricConfig())
    hits = metric.add(*three_parts())
    assert hits.proposal.tolist() == [0, 1] and hits.hit.all()
    measures = {"AP25_any": 100.0, "AP50_any": 100.0, "AP75_any": 100.0, "mIoU_any": 100.0}
    assert metric.result() == measures | {"per_class": {}}


def test_parts_of_two_classes_in_one_proposal():
    """One proposal of 40 points over both parts has half of either; the exact one of the second part comes later."""
    truth, segmented = three_parts()
    points = np.concatenate([np.arange(40), np.arange(20, 40)])
    proposals = Proposals(points, np.array([0, 40, 60]), np.array([1, 2]), np.float32([0.9, 0.8]))
    metric = ClassAgnosticAP(LEVEL, MetricConfig())
    hits = metric.add(truth, segmented._replace(proposals=proposals))
    assert hits.hit.tolist() == [[True, True], [False, True], [False, True]]
    found = metric.result()
    assert found["AP25_any"] == 100
    assert found["AP50_any"] == found["AP75_any"] == pytest.approx((100 + 50 * 50) / 101)
    assert found["mIoU_any"] == pytest.approx((50 + 100) / 2)


def test_mean_iou_of_best_proposals_is_averaged_over_clouds():
    """The first cloud has two parts that are found; of two parts of the second one half of one is."""
    truth, segmented = three_parts()
    metric = ClassAgnosticAP(LEVEL, MetricConfig())
    metric.add(truth, segmented)
    half = Proposals(np.arange(10), np.array([0, 10]), np.array([1]), np.float32([0.9]))
    metric.add(truth, segmented._replace(proposals=half))
    assert metric.result()["mIoU_any"] == pytest.approx((100 + 25) / 2)
    nothing = Proposals(np.arange(40, 60), np.array([0, 20]), np.array([0]), np.float32([0.9]))  # of "other"
    metric.add(truth, segmented._replace(proposals=nothing))
    assert metric.result()["mIoU_any"] == pytest.approx((100 + 25 + 0) / 3)


def test_classes_are_one_for_the_certainties_too():
    truth, segmented = three_parts()
    metric = ClassAgnosticAP(LEVEL, MetricConfig())
    hits = metric.add(truth, segmented._replace(certainty=np.repeat(np.float32([-1, -0.5, 0]), 20)))
    assert hits.proposal.tolist() == [1, 0] and hits.hit.all()


def test_class_zero_is_a_part_where_it_is_scored():
    metric = ClassAgnosticAP(LEVEL._replace(first_scored=0, things=(0, 1, 2)), MetricConfig())
    assert metric.add(*three_parts()).proposal.tolist() == [0, 1, 2]
    assert metric.result()["AP50_any"] == 100


def test_ignored_points_and_clouds_without_parts():
    truth, segmented = three_parts()
    metric = ClassAgnosticAP(LEVEL, MetricConfig())
    nothing = np.full(60, -1, np.int32)
    assert metric.add(Labels(nothing, nothing), segmented) is None
    assert np.isnan(metric.result()["AP50_any"]) and np.isnan(metric.result()["mIoU_any"])
    some = truth._replace(semantic=np.repeat(np.int32([1, -1, 0]), 20))
    assert metric.add(some, segmented).proposal.tolist() == [0]
    assert metric.result()["AP50_any"] == 100
