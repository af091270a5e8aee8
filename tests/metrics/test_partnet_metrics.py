import numpy as np
import pytest
from metrics.reference_metrics import author_instances, mean_ious, official_instances, part_aps, shape_ap
from partitions import Partition, measured, partnet_ap

from instance_seg.metrics.partnet import AP_NAMES, MaskShape, evaluate_official
from instance_seg.structures import Labels, Proposals, Segmented

NAMES = ("other", "a", "b", "c")


def make_shape(gt_semantic, gt_instance, semantic, instance, entropy=None, repeat=1):
    """A Partition from lists; every entry stands for `repeat` points."""
    arrays = [np.repeat(np.array(a, np.int32), repeat) for a in (gt_semantic, gt_instance, semantic, instance)]
    entropy = np.zeros(len(gt_semantic)) if entropy is None else np.array(entropy)
    return Partition(*arrays, np.repeat(entropy.astype(np.float32), repeat))


def random_shape(rng, num_classes, min_points):
    """Small N, noisy predictions: unlabeled points, single-point instances, lost and surplus instances."""
    num_points = int(rng.integers(1, 40))
    gt_instance = rng.integers(0, rng.integers(1, 7), num_points)
    gt_semantic = rng.integers(1, num_classes, 8)[gt_instance]
    unlabeled = rng.random(num_points) < rng.choice([0, 0.3, 1.0], p=[0.5, 0.4, 0.1])
    gt_semantic = np.where(unlabeled, 0, gt_semantic)
    noise = rng.choice([0.0, 0.2, 0.9])
    instance = np.where(rng.random(num_points) < noise, rng.integers(0, 5, num_points), gt_instance)
    semantic = np.where(rng.random(8) < 0.7, rng.integers(0, num_classes, 8), 1)[instance]
    semantic = np.where(rng.random(num_points) < 0.7, semantic, gt_semantic)
    entropy = rng.choice([0.0, 0.25, 1.0, 2.5], num_points)  # coarse on purpose: equal confidences occur
    gt_instance = np.where(unlabeled, -1, gt_instance)
    return make_shape(gt_semantic, gt_instance, semantic, instance, entropy)


def assert_equals_reference(metrics, instances, names):
    for name, threshold in zip(AP_NAMES, (0.25, 0.5, 0.75)):
        expected = part_aps(instances, len(names), threshold)
        got = {part: values[name] for part, values in metrics.per_part.items()}
        assert got == pytest.approx({names[label]: ap for label, (ap, _) in expected.items()}, abs=1e-9)
        assert getattr(metrics, name) == pytest.approx(np.mean([ap for ap, _ in expected.values()]), abs=1e-9)
        assert [v["instances"] for v in metrics.per_part.values()] == [count for _, count in expected.values()]
    assert metrics.sAP50 == pytest.approx(shape_ap(instances), abs=1e-9)


@pytest.mark.parametrize("seed", range(300))
def test_equals_the_plain_implementation(seed):
    rng = np.random.default_rng(seed)
    num_classes, min_points = int(rng.integers(2, 5)), int(rng.choice([0, 1, 3, 10]))
    names = NAMES[:num_classes]
    shapes = [random_shape(rng, num_classes, min_points) for _ in range(rng.integers(1, 6))]
    instances = [found for shape in shapes if (found := author_instances(shape, min_points)) is not None]
    metrics = measured(shapes, names, min_points)
    if not instances:
        assert np.isnan(metrics.AP50) and np.isnan(metrics.mIoU) and metrics.per_part == {}
        return
    assert_equals_reference(metrics, instances, names)
    ious = mean_ious(shapes, num_classes)
    assert (metrics.mIoU, metrics.mIoU_v1, metrics.mIoU_v3) == pytest.approx(ious, abs=1e-9)


@pytest.mark.parametrize("seed", range(100))
def test_official_variant_equals_the_plain_implementation(seed):
    rng = np.random.default_rng(seed)
    shapes = [random_masks(rng) for _ in range(rng.integers(1, 5))]
    instances = [official_instances(shape) for shape in shapes]
    metrics = evaluate_official(shapes, NAMES)
    if sum(len(truths) for _, truths in instances) == 0:
        assert np.isnan(metrics.AP50)
    else:
        assert_equals_reference(metrics, instances, NAMES)
    assert np.isnan(metrics.mIoU)


def random_masks(rng):
    """Overlapping, empty and invalid masks."""
    num_points, num_predictions, num_gt = (int(n) for n in rng.integers((1, 0, 0), (20, 7, 6)))
    gt_mask = rng.random((num_gt, num_points)) < 0.4
    mask = rng.random((num_predictions, num_points)) < 0.4
    for row in range(min(num_predictions, num_gt)):
        mask[row] = np.where(rng.random(num_points) < 0.8, gt_mask[row], mask[row])
    other = (rng.random(num_points) < 0.2) & ~gt_mask.any(axis=0)
    return MaskShape(
        mask=mask,
        label=rng.integers(0, 3, num_predictions).astype(np.uint8),
        valid=rng.random(num_predictions) < 0.8,
        confidence=rng.choice([0.1, 0.5, 0.9], num_predictions).astype(np.float32),
        gt_mask=gt_mask,
        gt_label=rng.integers(0, 3, num_gt).astype(np.uint8),
        gt_valid=gt_mask.any(axis=1) & (rng.random(num_gt) < 0.9),
        gt_other=other,
    )


def test_perfect_prediction_is_one_hundred_everywhere():
    shape = make_shape([1, 1, 2, 0], [0, 1, 2, -1], [1, 1, 2, 3], [5, 6, 7, 8], repeat=20)
    metrics = measured([shape, shape], NAMES)
    assert metrics[:4] == (100.0, 100.0, 100.0, 100.0)
    assert (metrics.mIoU, metrics.mIoU_v1, metrics.mIoU_v3) == pytest.approx((100, 100, 100), abs=1e-4)
    assert metrics.per_part == {
        "a": {"AP25": 100.0, "AP50": 100.0, "AP75": 100.0, "instances": 4},
        "b": {"AP25": 100.0, "AP50": 100.0, "AP75": 100.0, "instances": 2},
    }


def test_two_instances_clustered_as_one():
    # IoU of the merged instance with each half is exactly 1/2: a hit at 0.25, none at 0.5
    metrics = measured([make_shape([1, 1], [0, 1], [1, 1], [0, 0], repeat=20)], NAMES)
    assert metrics.AP25 == pytest.approx(100 * 51 / 101)
    assert metrics.AP50 == metrics.sAP50 == pytest.approx(100 / 101)
    assert metrics.mIoU == pytest.approx(100, abs=1e-4)


def test_more_than_ten_points_must_remain():
    def ap(labeled):
        everything = [0] * (labeled + 9)
        shape = make_shape([1] * labeled + [0] * 9, everything, [1] * (labeled + 9), everything)
        return measured([shape], NAMES).AP50

    assert ap(11) == 100.0
    assert ap(10) == 0.0


def test_class_without_prediction_counts_as_zero():
    metrics = measured([make_shape([1, 2], [0, 1], [1, 1], [0, 1], [0, 1], repeat=20)], NAMES)
    assert metrics.per_part["b"]["AP50"] == 0.0
    assert metrics.per_part["a"]["AP50"] == 100.0  # the surplus "a" comes last
    assert metrics.AP50 == metrics.sAP50 == 50.0


def test_class_predicted_but_not_in_the_ground_truth():
    # not a part of the category's mean, but it costs the shape's mean and, in versions 1 to 3, the mIoU differently
    metrics = measured([make_shape([1, 1], [0, 0], [1, 3], [0, 1], [0, 1], repeat=20)], NAMES)
    assert list(metrics.per_part) == ["a"]
    assert metrics.sAP50 == pytest.approx(metrics.AP50 / 2)
    assert metrics.mIoU_v1 == pytest.approx(50)
    assert metrics.mIoU_v3 == pytest.approx(25)
    assert metrics.mIoU == pytest.approx(50, abs=1e-4)


def test_predictions_of_class_zero_count_nowhere():
    right = make_shape([1], [0], [1], [0], [1], repeat=20)
    with_zero = make_shape([1, 1], [0, 0], [1, 0], [0, 1], [1, 0], repeat=20)
    assert measured([with_zero], NAMES).AP25 == measured([right], NAMES).AP25 == 100.0


def test_no_predictions_at_all():
    metrics = measured([make_shape([1, 2], [0, 1], [0, 0], [0, 0], repeat=20)], NAMES)
    assert metrics[:5] == (0, 0, 0, 0, 0)
    assert metrics.mIoU_v1 == metrics.mIoU_v3 == 0


def test_negative_predicted_id_is_no_instance():
    metrics = measured([make_shape([1], [0], [1], [-1], repeat=20)], NAMES)
    assert metrics.AP25 == 0.0
    assert metrics.mIoU == pytest.approx(100, abs=1e-4)


def test_shapes_without_labeled_points_change_nothing():
    shape = make_shape([1, 2], [0, 1], [1, 3], [0, 1], [0, 1], repeat=20)
    blank = make_shape([0, 0], [-1, -1], [1, 2], [0, 1], repeat=20)
    empty = make_shape([], [], [], [])
    alone, together = measured([shape], NAMES), measured([blank, shape, empty], NAMES)
    assert alone[:8] == together[:8]
    assert partnet_ap(NAMES).add(blank.truth, blank.segmented()) is None


def test_nothing_to_measure_gives_nan():
    for shapes in ([], [make_shape([0], [-1], [1], [0])]):
        metrics = measured(shapes, NAMES)
        assert np.isnan(metrics[:7]).all() and metrics.per_part == {}


def test_curve_of_a_part():
    first = make_shape([1, 1], [0, 1], [1, 1], [0, 1], [0.25, 0.5], repeat=20)
    second = make_shape([1, 2], [0, 1], [2, 1], [0, 1], [0, 0.375], repeat=20)
    curve = measured([first, second], NAMES).curves["a"][1]
    np.testing.assert_allclose(curve.confidence, [0.75, 0.625, 0.5])
    np.testing.assert_allclose(curve.precision, [1, 1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.recall, [0, 1 / 3, 1 / 3, 2 / 3])


def test_measures_may_be_asked_for_after_every_cloud():
    shapes = [random_shape(np.random.default_rng(seed), 4, 3) for seed in range(5)]
    metric = partnet_ap(NAMES, min_points=3)
    for number, shape in enumerate(shapes, start=1):
        metric.add(shape.truth, shape.segmented())
        np.testing.assert_equal(metric.summary()[:8], measured(shapes[:number], NAMES, 3)[:8])
    found = metric.result()
    assert found["per_class"] == metric.summary().per_part and set(found) == {
        "AP25", "AP50", "AP75", "sAP50", "mIoU", "mIoU_v1", "mIoU_v3", "per_class",
    }  # fmt: skip


def test_partition_as_masks_gives_the_same_average_precision():
    shape = make_shape([1, 1, 2], [0, 1, 2], [1, 1, 3], [0, 0, 2], [0, 0.5, 0.25], repeat=20)
    mask = np.stack([shape.instance == i for i in (0, 2)])
    gt_mask = np.stack([shape.gt_instance == i for i in range(3)])
    masks = MaskShape(
        mask=mask,
        label=np.array([0, 2], np.uint8),
        valid=np.ones(2, bool),
        confidence=np.array([0.75, 0.75], np.float32),
        gt_mask=gt_mask,
        gt_label=np.array([0, 0, 1], np.uint8),
        gt_valid=np.ones(3, bool),
        gt_other=np.zeros(60, bool),
    )
    official, own = evaluate_official([masks], NAMES), measured([shape], NAMES)
    assert official[:4] == own[:4]
    assert official.per_part == own.per_part


def test_errors_name_the_shape():
    good = make_shape([1], [0], [1], [0])
    with pytest.raises(ValueError, match=r"shape 1: semantic holds labels from 4 to 4, outside \[0, 4\)"):
        measured([good, good._replace(semantic=np.array([4]))], NAMES)
    truth, segmented = good.truth, good.segmented()
    proposals = segmented.proposals
    for wrong_truth, wrong, message in (
        (truth._replace(instance=np.array([0, 1])), segmented, "every array must be"),
        (truth, segmented._replace(certainty=np.zeros(2, np.float32)), "every array must be"),
        (truth._replace(semantic=np.array([-2])), segmented, r"truth\.semantic holds labels from -2 to -2"),
        (truth, segmented._replace(proposals=proposals._replace(points=np.array([1]))), r"proposals\.points holds"),
        (truth, segmented._replace(certainty=np.float32([np.nan])), "certainty has NaN"),
        (truth, own(proposals._replace(score=np.float32([np.inf])), segmented.semantic), "certainty has NaN"),
    ):
        with pytest.raises(ValueError, match=f"shape 0: {message}"):
            partnet_ap(NAMES).add(wrong_truth, wrong)


def own(proposals, semantic):
    """A segmentation whose proposals have labels and scores of their own."""
    return Segmented(np.asarray(semantic), proposals)


def overlapping():
    """Two instances of 20 points of class 1; proposals of 20, 20 and 30 points, the last over both instances."""
    truth = Labels(np.ones(40, np.int32), np.repeat(np.int32([0, 1]), 20))
    points = np.concatenate([np.arange(20), np.arange(20, 40), np.arange(30)])
    proposals = Proposals(points, np.array([0, 20, 40, 70]), np.array([1, 2, 1]), np.float32([0.5, 0.9, 0.8]))
    return truth, own(proposals, np.ones(40, np.int32))


def test_overlapping_proposals_with_labels_and_scores_of_their_own():
    """The large one (IoU 2/3 with instance 0) comes before the exact one; the third is called another class."""
    metric = partnet_ap(NAMES)
    hits = metric.add(*overlapping())
    assert hits.proposal.tolist() == [1, 2, 0]
    assert hits.hit.tolist() == [[False, True, False], [False, True, False], [False, False, True]]
    # Class a has two instances: hit and miss at 0.25 and 0.5, miss and hit at 0.75, always one of two found.
    found = metric.result()
    assert found["AP25"] == found["AP50"] == pytest.approx(100 * 51 / 101)
    assert found["AP75"] == pytest.approx((100 + 50 * 50) / 101)
    assert found["sAP50"] == pytest.approx(found["AP50"] / 2)  # class b is predicted and not there
    assert list(found["per_class"]) == ["a"] and found["per_class"]["a"]["instances"] == 2
    assert found["mIoU"] == pytest.approx(100, abs=1e-4)


def test_certainties_label_and_score_the_rest_of_overlapping_proposals_anew():
    truth, segmented = overlapping()
    certainty = np.repeat(np.float32([-0.5, 0, -1]), [20, 10, 10])
    hits = partnet_ap(NAMES).add(truth, segmented._replace(certainty=certainty))
    assert hits.proposal.tolist() == [2, 0, 1]  # scores 2/3, 1/2, 1/2, all of class 1
    assert hits.hit.tolist() == [[True, False, True], [True, False, True], [False, True, True]]


def test_class_zero_counts_where_it_is_scored():
    shape = make_shape([0, 1], [0, 1], [0, 1], [0, 1], repeat=20)
    metric = partnet_ap(NAMES[:2], first_scored=0)
    assert metric.add(shape.truth, shape.segmented()).proposal.tolist() == [0, 1]
    found = metric.result()
    assert list(found["per_class"]) == ["other", "a"] and found["AP50"] == 100
    assert found["mIoU"] == pytest.approx(100, abs=1e-4)
    alone = partnet_ap(NAMES[:2], first_scored=0)
    shape = make_shape([0, 0], [0, 0], [0, 1], [0, 0], repeat=20)
    alone.add(shape.truth, shape.segmented())
    assert alone.result()["mIoU"] == pytest.approx(50, abs=1e-4)  # over the one class that occurs
    assert alone.result()["mIoU_v1"] == 50


@pytest.mark.parametrize("first_scored", [0, 1])
def test_ignored_points_vanish_like_unlabeled_ones(first_scored):
    """20 ignored points: the proposal that holds them is exact without them, and one of them alone counts nowhere."""
    with_ignored = make_shape([1, 2, -1, -1], [0, 1, -1, 2], [1, 2, 2, 1], [0, 1, 1, 3], repeat=20)
    without = make_shape([1, 2], [0, 1], [1, 2], [0, 1], repeat=20)
    found, wanted = (partnet_ap(NAMES, first_scored=first_scored) for _ in range(2))
    assert found.add(with_ignored.truth, with_ignored.segmented()).proposal.tolist() == [0, 1]
    wanted.add(without.truth, without.segmented())
    assert found.result() == wanted.result() and found.result()["AP75"] == 100
    blank = make_shape([-1], [-1], [1], [0], repeat=20)
    assert found.add(blank.truth, blank.segmented()) is None and found.result() == wanted.result()


def test_no_proposals():
    truth, segmented = overlapping()
    nothing = Proposals(np.zeros(0, int), np.zeros(1, int), np.zeros(0, int), np.zeros(0, np.float32))
    metric = partnet_ap(NAMES)
    hits = metric.add(truth, segmented._replace(proposals=nothing))
    assert hits.proposal.shape == (0,) and hits.hit.shape == (3, 0)
    assert metric.result()["AP25"] == metric.result()["sAP50"] == 0


def test_official_errors_name_the_shape():
    masks = random_masks(np.random.default_rng(0))
    wrong = masks._replace(label=np.full(len(masks.label), 3, np.uint8), valid=np.ones(len(masks.label), bool))
    assert len(masks.label)
    with pytest.raises(ValueError, match=r"shape 1: label holds labels from 3 to 3, outside \[0, 3\)"):
        evaluate_official([masks, wrong], NAMES)
    with pytest.raises(ValueError, match="shape 0: predicted masks of 99 points"):
        evaluate_official([masks._replace(mask=np.zeros((len(masks.mask), 99), bool))], NAMES)


def proposals_of(*labels):
    """Five points each."""
    rows = np.arange(5 * len(labels))
    return Proposals(rows, np.arange(len(labels) + 1) * 5, np.array(labels), np.ones(len(labels), np.float32))


def test_classes_without_instances_are_measured_by_their_points_alone():
    metric = partnet_ap(NAMES, min_points=0)
    metric.level = metric.level._replace(things=(2, 3))
    semantic = np.repeat(np.int32([1, 2, 3]), 5)
    hits = metric.add(Labels(semantic, semantic), Segmented(semantic, proposals_of(1, 2, 3)))
    assert hits.proposal.tolist() == [1, 2] and hits.hit.all()
    found = metric.summary()
    assert list(found.per_part) == ["b", "c"] and found.sAP50 == 100 and found.mIoU_v1 == 100


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_of_proposals_that_are_no_classes(label):
    ones = np.ones(5, np.int32)
    with pytest.raises(ValueError, match=rf"shape 0: proposals.label holds labels from {label} to {label}, outside"):
        partnet_ap(NAMES).add(Labels(ones, ones), Segmented(ones, proposals_of(label)))
