"""Coverage, precision, recall on rooms: the published program's own figures, and cases by hand."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.coverage import Coverage
from instance_seg.structures import Labels, Level, Proposals, Segmented

GOLDEN = Path(__file__).parents[1] / "golden" / "s3dis_metrics.npz"
CLASSES = tuple(f"class {c}" for c in range(13))
LEVEL = Level(1, "classes", CLASSES, things=tuple(range(13)))
MEASURES = ("Cov", "WCov", "Prec", "Rec", "IoU")


def partition(semantic, instance):
    """Proposals of instance ids >= 0; the class of each is the most frequent of its points."""
    ids = np.unique(instance[instance >= 0])
    rows = [np.flatnonzero(instance == i) for i in ids]
    label = np.array([np.bincount(semantic[r]).argmax() for r in rows], np.int64)
    points = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    splits = np.cumsum([0] + [len(r) for r in rows])
    return Segmented(semantic, Proposals(points, splits, label, np.ones(len(ids), np.float32)))


def measured(rooms, level=LEVEL):
    metric = Coverage(level, MetricConfig())
    for truth, segmented in rooms:
        metric.add(truth, segmented)
    return metric.result()


@pytest.mark.parametrize("case", [0, 2, 4, 6, 8])
def test_figures_of_the_published_program(case):
    with np.load(GOLDEN) as stored:
        of = {k.split("_", 1)[1]: stored[k] for k in stored.files if k.startswith(f"case{case}_")}
    splits = of["rooms"]
    assert len(splits) > 2

    def room(a, b):
        gt_sem, gt_ins, sem, ins = (of[k][a:b].astype(np.int64) for k in ("gt_sem", "gt_ins", "pred_sem", "pred_ins"))
        return Labels(gt_sem, gt_ins), partition(sem, ins)

    found = measured([room(a, b) for a, b in zip(splits[:-1], splits[1:])])
    for name in MEASURES:
        ours = np.array([found["per_class"][c][name] for c in CLASSES])
        np.testing.assert_allclose(ours, 100 * of[name.lower()], atol=1e-7, err_msg=name)
        published = of[name.lower()]
        assert found[f"m{name}"] == pytest.approx(100 * np.nanmean(published))


def test_an_oracle_gives_100():
    semantic = np.repeat(np.arange(13), 20)
    instance = np.repeat(np.arange(26), 10)
    found = measured([(Labels(semantic, instance), partition(semantic, instance))])
    assert [found[f"m{name}"] for name in MEASURES] == [100.0] * 5


def test_two_halves_are_two_hits():
    """One object of 8 points in two proposals of 4: each has IoU 1/2, which reaches the threshold."""
    zeros = np.zeros(8, np.int64)
    found = measured([(Labels(zeros, zeros), partition(zeros, np.repeat([0, 1], 4)))])
    assert found["per_class"]["class 0"] == {
        "Cov": 50.0,
        "WCov": 50.0,
        "Prec": 100.0,
        "Rec": 200.0,
        "IoU": 100.0,
        "instances": 1,
        "rooms": 1,
        "proposals": 2,
        "union": 8,
    }


def test_large_instances_weigh_more():
    """Two objects of 6 and 2 points, the large one found whole, the small one not: 1/2 and 6/8."""
    zeros = np.zeros(8, np.int64)
    truth = Labels(zeros, np.repeat([0, 1], [6, 2]))
    found = measured([(truth, partition(zeros, np.repeat([0, -1], [6, 2])))])
    assert found["mCov"] == 50 and found["mWCov"] == 75 and found["mPrec"] == 100 and found["mRec"] == 50


def test_classes_that_cannot_be_measured_do_not_count():
    zeros = np.zeros(4, np.int64)
    found = measured([(Labels(zeros, zeros), partition(zeros + 1, zeros))])
    assert found["per_class"]["class 0"]["Cov"] == 0 and np.isnan(found["per_class"]["class 0"]["Prec"])
    assert found["per_class"]["class 1"]["Prec"] == 0 and np.isnan(found["per_class"]["class 1"]["Cov"])
    assert np.isnan(found["per_class"]["class 2"]["IoU"]) and found["mCov"] == 0


def test_points_without_a_class_are_left_out():
    semantic, instance = np.array([0, 0, -1, -1]), np.array([0, 0, 1, -1])
    predicted = partition(np.zeros(4, np.int64), np.zeros(4, np.int64))
    found = measured([(Labels(semantic, instance), predicted)])
    assert found["mCov"] == 100 and found["mIoU"] == 100


def test_no_points_and_no_proposals():
    empty = np.zeros(0, np.int64)
    found = measured([(Labels(empty, empty), partition(empty, empty))])
    assert np.isnan(found["mCov"]) and len(found["per_class"]) == 13


def test_hits_come_by_score():
    zeros = np.zeros(6, np.int64)
    segmented = partition(zeros, np.array([0, 1, 1, 1, 1, 2]))
    proposals = segmented.proposals._replace(score=np.float32([0.1, 0.5, 0.9]))
    hits = Coverage(LEVEL, MetricConfig()).add(Labels(zeros, zeros), segmented._replace(proposals=proposals))
    assert hits.proposal.tolist() == [2, 1, 0] and hits.hit.tolist() == [[False, True, False]]
