"""The official measure of proposals."""

import numpy as np
import pytest

from instance_seg.data.partnet.formats.predictions_h5 import proposals_to_masks
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import MaskShape, evaluate_official
from instance_seg.metrics.partnet_official import PartNetOfficialAP
from instance_seg.structures import Labels, Level, Proposals, Segmented

LEVEL = Level(1, "coarse", ("other", "leg", "seat"), 1, (1, 2))
SEMANTIC = np.repeat([1, 1, 2, 0], [20, 20, 40, 20])
INSTANCE = np.repeat([4, 7, 9, -1], [20, 20, 40, 20])


def measured(*proposals):
    """Of proposals (first row, end, label, score) in one shape."""
    rows = [np.arange(begin, end) for begin, end, _, _ in proposals]
    splits = np.append(0, np.cumsum([len(each) for each in rows]))
    found = Proposals(
        np.concatenate(rows), splits, np.array([p[2] for p in proposals]), np.float32([p[3] for p in proposals])
    )
    metric = PartNetOfficialAP(LEVEL, MetricConfig())
    metric.add(Labels(SEMANTIC, INSTANCE), Segmented(SEMANTIC.astype(np.int32), found))
    return metric.result(), found


def test_all_parts_found():
    result, _ = measured((0, 20, 1, 0.9), (20, 40, 1, 0.8), (40, 80, 2, 0.7))
    assert result["AP50"] == result["AP75"] == result["sAP50"] == pytest.approx(100)
    assert result["mIoU"] == pytest.approx(100, abs=1e-3)
    assert result["per_class"]["leg"]["instances"] == 2


def test_points_of_other_leave_a_mask_before_it_is_measured():
    result, _ = measured((0, 20, 1, 0.9), (20, 40, 1, 0.8), (40, 100, 2, 0.7))
    assert result["AP75"] == pytest.approx(100)


def test_proposals_may_overlap_and_small_ones_do_not_count():
    result, _ = measured((0, 20, 1, 0.9), (0, 20, 1, 0.8), (20, 40, 1, 0.7), (40, 50, 2, 0.6))
    assert result["per_class"]["seat"]["AP25"] < 1  # ten points are too few
    assert 80 < result["per_class"]["leg"]["AP50"] < 90  # the second one finds what was found


def test_it_is_what_the_prediction_file_has():
    result, proposals = measured((0, 15, 1, 0.9), (10, 40, 1, 0.8), (30, 80, 2, 0.7))
    masks = proposals_to_masks(proposals, len(SEMANTIC))
    gt_mask = np.stack([INSTANCE == i for i in (4, 7, 9)])
    shape = MaskShape(*masks, gt_mask, np.array([0, 0, 1]), np.ones(3, bool), INSTANCE < 0)
    expected = evaluate_official([shape], LEVEL.classes)
    assert 0 < expected.AP75 < 100
    assert [result[name] for name in ("AP25", "AP50", "AP75")] == [expected.AP25, expected.AP50, expected.AP75]
