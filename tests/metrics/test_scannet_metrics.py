"""ScanNet's own scripts on made-up scans give what ScanNetAP gives; hand-made cases; an oracle."""

import json
from pathlib import Path

import numpy as np
import pytest

from instance_seg.clustering.partition import as_proposals
from instance_seg.metrics.scannet import THRESHOLDS, ScanNetAP, scannet_average_precision
from instance_seg.structures import Labels, Level, Proposals, Segmented

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "scannet_ap.npz")
IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39]
CLASS_OF = np.full(100, -1)
CLASS_OF[IDS] = np.arange(len(IDS))
ROOM = Level(1, "room", tuple(map(str, IDS)), 0, tuple(range(2, 20)))
NOTHING = Proposals(np.zeros(0, int), np.zeros(1, int), np.zeros(0, int), np.zeros(0, np.float32))
CASES = {
    kind: sorted(int(n.split("_")[0][1:]) for n in GOLDEN if n[0] == kind and n.endswith("_scans")) for kind in "im"
}


def proposals_of(masks, label, score):
    points = [np.flatnonzero(mask) for mask in masks]
    splits = np.cumsum([0, *map(len, points)])
    return Proposals(np.concatenate([np.zeros(0, int), *points]), splits, np.asarray(label), np.asarray(score))


def measured_case(c):
    metric = ScanNetAP(ROOM)
    for s in range(int(GOLDEN[f"i{c}_scans"])):
        gt, masks, label, score = (GOLDEN[f"i{c}_{s}_{name}"] for name in ("gt", "masks", "labels", "scores"))
        masks = np.unpackbits(masks, axis=1)[:, : len(gt)] if len(masks) else []
        truth = Labels(np.where(gt > 0, CLASS_OF[np.minimum(gt // 1000, 99)], -1), np.where(gt > 0, gt, -1))
        found = proposals_of(masks, CLASS_OF[np.clip(label, 0, 99)], score)
        metric.add(truth, Segmented(np.zeros(len(gt), int), found))
    return metric


@pytest.mark.parametrize("c", CASES["i"], ids=lambda c: f"{c} {json.loads(str(GOLDEN['kinds']))[c]}")
def test_average_precision_is_that_of_the_script(c):
    metric = measured_case(c)
    np.testing.assert_allclose(metric.average_precisions(), GOLDEN[f"i{c}_ap"], rtol=0, atol=1e-9)
    result = metric.result()
    means = [result[name] for name in ("AP", "AP50", "AP25")]
    np.testing.assert_allclose(means, 100 * GOLDEN[f"i{c}_means"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("c", CASES["m"])
def test_mean_iou_is_that_of_the_scripts(c):
    metric = ScanNetAP(ROOM)
    for s in range(int(GOLDEN[f"m{c}_scans"])):
        semantic = CLASS_OF[GOLDEN[f"m{c}_{s}_gt"]]
        none = np.full(len(semantic), -1)
        metric.add(Labels(semantic, none), Segmented(CLASS_OF[GOLDEN[f"m{c}_{s}_pred"]], NOTHING))
    np.testing.assert_allclose(metric.class_ious()[0], GOLDEN[f"m{c}_iou"], rtol=0, atol=1e-9)
    hais = GOLDEN[f"m{c}_miou_hais"]  # NaN: its program cannot read the case; its mean is one of float32
    assert np.isnan(hais) or metric.result()["mIoU_hais"] == pytest.approx(100 * hais, abs=1e-5)


@pytest.mark.parametrize(
    "true,missed,ap", [("1", 0, 1), ("1", 1, 0.5), ("10", 0, 1), ("01", 0, 0.25), ("1011", 1, 0.5729166667), ("", 2, 0)]
)
def test_curves_by_hand(true, missed, ap):
    true = np.array([each == "1" for each in true], bool)
    score = 0.9 - 0.1 * np.arange(len(true))
    assert scannet_average_precision(true, score, missed) == pytest.approx(ap, abs=1e-9)


def room(sizes, classes):
    """Instances one after the other: truth [N], as the classes and ids of their points."""
    semantic = np.repeat(classes, sizes)
    return Labels(semantic, np.repeat(np.arange(len(sizes)), sizes))


def measure(truth, masks, label, score, **options):
    metric = ScanNetAP(ROOM, **options)
    hits = metric.add(truth, Segmented(np.maximum(truth.semantic, 0), proposals_of(masks, label, score)))
    return metric.result(), hits


def test_the_truth_scores_one_hundred():
    truth = room([300, 200, 150, 500, 120], [0, 4, 4, 1, 19])
    found = as_proposals(truth.instance, truth.semantic, np.zeros(len(truth.semantic), np.float32), 20)
    metric = ScanNetAP(ROOM)
    hits = metric.add(truth, Segmented(truth.semantic, found))
    result = metric.result()
    assert [result[name] for name in ("AP", "AP50", "AP25", "mIoU", "mIoU_hais")] == pytest.approx([100] * 5)
    assert result["per_class"]["5"] == pytest.approx({"IoU": 100, "AP": 100, "AP50": 100, "AP25": 100, "instances": 2})
    assert (
        result["per_class"]["1"] == {"IoU": 100, "instances": 0} and "3" not in result["per_class"]
    )  # wall; a class not there
    assert len(hits.proposal) == 3 and hits.hit.all()  # neither wall nor floor


def test_small_instances_and_proposals_do_not_count():
    truth = room([99, 400], [4, 4])
    first, second = truth.instance == 0, truth.instance == 1
    result, hits = measure(truth, [first, second], [4, 4], [0.9, 0.5])
    assert result["AP"] == 100 and list(hits.proposal) == [1]
    on_small = first.copy()
    on_small[99:139] = True  # 139 points, 99 of which are on the small instance; IoU with it 0.71
    result, hits = measure(truth, [on_small, second], [4, 4], [0.9, 0.5])
    assert result["AP50"] == 100 and list(hits.proposal) == [0, 1]
    assert result["AP"] < 100  # from IoU 0.75 on it has no match, and less of it is ignored than the threshold asks


def test_a_proposal_on_void_is_ignored_up_to_the_threshold():
    truth = room([300, 300], [4, 0])
    wall = np.concatenate([np.zeros(180, bool), np.ones(300, bool), np.zeros(120, bool)])  # 0.6 of it void
    result, hits = measure(truth, [truth.instance == 0, wall], [4, 4], [0.5, 0.9])
    assert result["AP50"] == 100 and list(hits.proposal) == [0]
    assert 0 < result["AP"] < 100  # at 0.6 and above it is a false positive, before the true one


def test_the_first_proposal_is_the_match_and_the_lower_score_the_false_positive():
    truth = room([300], [4])
    mask, larger = np.ones((2, 300), bool)
    mask[200:] = False
    for score in ([0.3, 0.9], [0.9, 0.3]):
        result, hits = measure(truth, [mask, larger], [4, 4], score)
        assert result["AP50"] == 100
        half = hits.hit[hits.thresholds.index(0.5)]
        assert list(hits.proposal[half]) == [0]


def test_nothing_at_all():
    result, hits = measure(room([300], [4]), [], [], [])
    assert hits is None and result["AP"] == 0.0 and result["mIoU"] == 100
    empty = ScanNetAP(ROOM).result()
    assert np.isnan([empty[name] for name in ("AP", "AP50", "AP25", "mIoU", "mIoU_hais")]).all()
    assert empty["per_class"] == {}


def test_thresholds_end_at_nine_tenths():
    assert len(THRESHOLDS) == 10 and max(THRESHOLDS) == pytest.approx(0.9)


def test_what_does_not_fit_is_named():
    truth = room([300], [4])
    with pytest.raises(ValueError, match="cloud 0: semantic has 299 points, truth.semantic 300"):
        ScanNetAP(ROOM).add(truth, Segmented(truth.semantic[1:], NOTHING))
    with pytest.raises(ValueError, match="cloud 0: truth.semantic from 20 to 20 lies outside"):
        ScanNetAP(ROOM).add(truth._replace(semantic=truth.semantic + 16), Segmented(truth.semantic, NOTHING))
    with pytest.raises(ValueError, match="score is NaN or infinite"):
        measure(truth, [np.ones(300, bool)], [4], [np.nan])
