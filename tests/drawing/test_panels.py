import numpy as np
import pytest
from partitions import Partition, measured, partnet_ap

from instance_seg.drawing.curves import _titles, render_curves
from instance_seg.drawing.panels import panel_columns, wrong_instances
from instance_seg.drawing.pictures import Column, render_panel
from instance_seg.evaluation.evaluate import Drawable
from instance_seg.metrics.average_precision import average_precision, best_precisions, precision_recall
from instance_seg.metrics.partnet import Curve
from instance_seg.structures import Proposals, Segmented

RED = np.array([216, 27, 27])
NAMES = ("other", "a", "b")


def level(instance, semantic=None, gt_semantic=None):
    """Two instances of 40 points each of class 1, 20 points without a class; predictions as given."""
    gt_instance = np.repeat([3, 5, -1], [40, 40, 20])
    gt_semantic = np.repeat([1, 1, 0], [40, 40, 20]) if gt_semantic is None else gt_semantic
    semantic = np.repeat([1, 1, 0], [40, 40, 20]) if semantic is None else semantic
    return Partition(gt_semantic, gt_instance, semantic, instance, np.zeros(100, np.float32))


def cloud():
    return np.random.default_rng(0).uniform(-1, 1, (100, 3))


def drawable(title, shape, shifted=None):
    segmented = shape.segmented(shifted)
    return Drawable(title, segmented, partnet_ap(NAMES).add(shape.truth, segmented))


def wrong_in(shape):
    _, segmented, hits = drawable("", shape)
    wrong = wrong_instances(shape.truth, segmented, hits)
    ids = np.unique(shape.instance)  # proposals are numbered from 0
    return np.where(wrong >= 0, ids[wrong], -1)


def test_a_perfect_segmentation_has_nothing_wrong():
    assert (wrong_in(level(np.repeat([0, 1, 2], [40, 40, 20]))) == -1).all()


def test_wrong_are_instances_that_hit_nothing():
    # 0: first instance; 1 and 2 halve the second one, so that neither has more than half of it; 3: no ground truth
    wrong = wrong_in(level(np.repeat([0, 1, 2, 3], [40, 20, 20, 20])))
    np.testing.assert_array_equal(wrong, np.repeat([-1, 1, 2, -1], [40, 20, 20, 20]))


def test_an_instance_of_the_wrong_class_is_wrong_and_one_of_class_0_is_none():
    instance = np.repeat([0, 1, 2], [40, 40, 20])
    wrong = wrong_in(level(instance, np.repeat([2, 0, 0], [40, 40, 20])))
    np.testing.assert_array_equal(wrong, np.repeat([0, -1, -1], [40, 40, 20]))


def test_small_instances_do_not_count():
    wrong = wrong_in(level(np.repeat([0, 7, 1, 2], [30, 10, 40, 20])))
    assert (wrong == -1).all()


def test_nothing_labeled():
    assert (wrong_in(level(np.zeros(100, int), gt_semantic=np.zeros(100, int))) == -1).all()


def test_false_positives_agree_with_the_metrics():
    rng = np.random.default_rng(1)
    for _ in range(20):
        instance = np.sort(rng.integers(0, 6, 100))
        shape = level(instance, semantic=np.repeat(rng.integers(0, 3, 6), np.bincount(instance, minlength=6)))
        shape = shape._replace(entropy=rng.uniform(0, 1, 100).astype(np.float32))
        curves = measured([shape], NAMES).curves
        wrong = wrong_in(shape)
        of_class_1 = {i for i in np.unique(wrong) if i >= 0 and shape.semantic[instance == i][0] == 1}
        hits = round(curves["a"][1].recall[-1] * 2)
        assert len(of_class_1) == len(curves["a"][1].confidence) - hits


def test_columns_of_a_panel():
    xyz, first = cloud(), level(np.repeat([8, 4, 0], [40, 40, 20]))
    second = level(np.repeat([0, 1, 2, 3], [40, 20, 20, 20]))
    columns = panel_columns(xyz, first.truth, [drawable("baseline", first), drawable("ours", second, xyz / 2)])
    assert [column.title for column in columns] == ["ground truth", "baseline", "ours"]
    np.testing.assert_array_equal(columns[1].labels[:80], np.repeat([3, 5], 40))
    assert (columns[1].framed == -1).all() and (columns[2].framed >= 0).sum() == 40
    assert columns[1].inset is None and columns[2].inset is not None
    assert render_panel(columns, size=60).shape == (86, 180, 3)
    with pytest.raises(ValueError, match="at least one segmentation"):
        panel_columns(xyz, first.truth, [])


def test_where_proposals_overlap_the_best_is_drawn_and_judged():
    """A proposal of both instances hits neither; of the exact ones, that of less score is hidden."""
    shape = level(np.repeat([0, 1, 2], [40, 40, 20]))
    points, row_splits = np.concatenate([np.arange(80), np.arange(40), np.arange(40, 80)]), np.array([0, 80, 120, 160])
    proposals = Proposals(points, row_splits, np.ones(3, int), np.float32([0.5, 0.25, 0.75]))
    segmented = Segmented(shape.semantic, proposals)
    hits = partnet_ap(NAMES).add(shape.truth, segmented)
    np.testing.assert_array_equal(wrong_instances(shape.truth, segmented, hits), np.repeat([0, -1], [40, 60]))
    column = panel_columns(cloud(), shape.truth, [Drawable("", segmented, hits)])[1]
    np.testing.assert_array_equal(column.framed, np.repeat([0, -1], [40, 60]))
    assert len(np.unique(column.labels[:80])) == 2 and column.labels[80:].tolist() == [-1] * 20


def test_without_hits_nothing_is_framed():
    shape = level(np.zeros(100, int))
    column = panel_columns(cloud(), shape.truth, [Drawable("", shape.segmented(), None)])[1]
    assert (column.framed == -1).all()


def reddish(image):
    return (np.abs(image.astype(int) - RED).sum(axis=2) < 60).sum()


def test_frames_and_insets_are_drawn():
    xyz, labels = cloud(), np.full(100, -1)
    plain = render_panel([Column("", xyz, labels)], size=100)
    framed = render_panel([Column("", xyz, labels, None, np.where(np.arange(100) < 50, 2, -1))], size=100)
    assert reddish(plain) == 0 and reddish(framed) > 100
    colored = Column("", xyz, np.zeros(100, int), None, None, np.zeros((100, 3)))
    inset = render_panel([colored], size=100)
    without = render_panel([colored._replace(inset=None)], size=100)
    rows, columns = np.nonzero(np.any(inset != without, axis=2))
    assert 30 < np.ptp(rows) < 36 and 30 < np.ptp(columns) < 36  # nothing changes outside of a third of the picture
    corner = inset[rows.min() : rows.max(), columns.min() : columns.max()]
    assert (corner == 255).all(axis=2).mean() > 0.6


def test_stray_points_do_not_widen_a_frame():
    xyz, framed = np.zeros((101, 3)), np.full(101, 2)
    xyz[:100, :2], xyz[100] = np.random.default_rng(0).uniform(-0.1, 0.1, (100, 2)), (1, 1, 0)
    image = render_panel([Column("", xyz, np.zeros(101, int), None, framed)], size=100, azimuth=0, elevation=0)[26:]
    _, columns = np.nonzero(np.abs(image.astype(int) - RED).sum(axis=2) < 60)
    assert np.ptp(columns) < 40


@pytest.mark.parametrize("name, array", [("framed", np.zeros(4, int)), ("inset", np.zeros((100, 2)))])
def test_misfits_are_named(name, array):
    with pytest.raises(ValueError, match=f"column 'x': {name} .* does not fit"):
        render_panel([Column("x", cloud(), np.zeros(100, int))._replace(**{name: array})])


def test_the_envelope_sums_to_average_precision():
    for hits, num_gt in (([1, 0, 1], 3), ([0, 1], 1), ([0, 0], 2), ([1, 0, 0, 1, 1], 5)):
        hits = np.array(hits, bool)
        curve = Curve(*precision_recall(hits, num_gt), np.linspace(1, 0, len(hits)))
        assert best_precisions(curve.precision, curve.recall).mean() == pytest.approx(average_precision(hits, num_gt))


def test_dollars_in_names_are_no_formulas():
    part = r"cost $\frac{$"
    shape = Partition(*(np.repeat(np.int32(1), 25) for _ in range(4)), np.zeros(25, np.float32))
    image = render_curves({part: measured([shape], ("other", part))})
    assert image.ndim == 3
    assert render_panel([Column(part, cloud(), np.zeros(100, int))]).ndim == 3


def test_parts_of_one_name_are_told_apart():
    parts = ["chair/base/foot", "chair/star/foot", "chair/star/leg", "leg_set"]
    classes = np.repeat([1, 2, 3, 4], 25)
    shape = Partition(classes, classes, classes, classes, np.zeros(100, np.float32))
    metrics = measured([shape, shape], ("other", *parts))
    assert _titles(parts, {"one": metrics}) == ["base/foot (2)", "star/foot (2)", "leg (2)", "leg_set (2)"]


def test_curves_of_every_class():
    shapes = [level(np.repeat([0, 1, 2], [40, 40, 20])), level(np.repeat([0, 1, 2, 3], [40, 20, 20, 20]))]
    methods = {"one": measured(shapes[:1], ("other", "a/b")), "two": measured(shapes, ("other", "a/b"))}
    image = render_curves(methods)
    assert image.dtype == np.uint8 and image.shape[2] == 3 and (image < 128).any()
    with pytest.raises(ValueError, match="threshold=0.6: curves exist for 0.25, 0.5, 0.75"):
        render_curves(methods, threshold=0.6)
    with pytest.raises(ValueError, match="no part class has a curve"):
        render_curves({"empty": measured([], ("other", "a"))})
