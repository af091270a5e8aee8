"""The losses of detection by segmentation against PartNet's program and by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.losses.part_masks import MaskOutputs, confidence_loss, mask_norm, match, part_mask_losses, soft_ious

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "partnet_losses.npz")
TERMS = ("semantic", "masks", "other", "norm", "confidence")
WEIGHTS = {"semantic": 1.0, "masks": 1.0, "other": 1.0, "norm": 0.1, "confidence": 1.0}


class Case:
    """Shapes of equal size, as the program has them, one after the other."""

    def __init__(self, name):
        self.name = name
        shapes, _, points = self["mask"].shape
        self.splits = tf.constant(np.arange(shapes + 1) * points, tf.int32)
        masks = np.concatenate([self["mask"], self["other"][:, None]], axis=1)
        self.logits = tf.constant(self["logits"].reshape(shapes * points, -1))
        self.masks = tf.constant(self.rows(masks))
        self.confidence = tf.constant(self["conf"])
        truth = self["gt_mask"]
        rank = np.where(truth.any(axis=1), truth.argmax(axis=1), -1)
        assert np.array_equal(rank < 0, self["gt_other"] > 0)
        self.rank = tf.constant(rank.reshape(-1).astype(np.int32))
        self.count = tf.constant(self["gt_valid"].sum(axis=1).astype(np.int32))

    def __getitem__(self, key):
        return GOLDEN[f"{self.name}_{key}"]

    def rows(self, array):
        """[B, K, N] -> [B N, K]."""
        return array.transpose(0, 2, 1).reshape(-1, array.shape[1])

    def losses(self):
        outputs = MaskOutputs(self.logits, self.masks, self.confidence)
        semantic = tf.constant(self["label"].reshape(-1))
        return part_mask_losses(outputs, semantic, self.rank, self.count, self.splits)


@pytest.fixture(params=("det0", "det1"))
def case(request):
    return Case(request.param)


def test_terms_are_the_programs(case):
    terms = case.losses()
    found = [float(terms[name]) * WEIGHTS[name] for name in TERMS]
    weights = [WEIGHTS[name] for name in TERMS]
    expected = case["losses"] * weights
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert sum(found) == pytest.approx(float(case["total"]), rel=1e-5)


def test_gradients_are_the_programs(case):
    inputs = (case.logits, case.masks, case.confidence)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        terms = case.losses()
        total = tf.add_n([WEIGHTS[name] * terms[name] for name in TERMS])
    logits, masks, confidence = tape.gradient(total, inputs)
    np.testing.assert_allclose(logits, case["dlogits"].reshape(logits.shape), atol=1e-6)
    expected = case.rows(np.concatenate([case["dmask"], case["dother"][:, None]], axis=1))
    np.testing.assert_allclose(masks, expected, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_allclose(confidence, case["dconf"], atol=1e-6)
    of_confidence = tape.gradient(terms["confidence"], case.masks)[:, :-1]
    assert np.abs(case["dmask_conf"]).max() > 0
    np.testing.assert_allclose(of_confidence, case.rows(case["dmask_conf"]), atol=1e-6)


def test_matching_is_the_programs(case):
    iou = soft_ious(case.masks, case.rank, case.splits).numpy()[:, 1:, :-1]
    matched = match(iou, case.count.numpy())
    for b, count in enumerate(case.count.numpy()):
        assert np.array_equal(matched[b, :count], case["matching"][b, :count, 1])
        assert np.all(matched[b, count:] == -1)


def test_soft_ious_by_hand():
    masks = tf.constant([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.25, 0.75]])  # three points of a shape, one of another
    iou = soft_ious(masks, tf.constant([0, 0, -1, 0]), tf.constant([0, 3, 4])).numpy()
    np.testing.assert_allclose(iou[0], [[0.0, 1 / 1.5], [1.5 / 2, 0.5 / 3]])
    np.testing.assert_allclose(iou[1], [[0.0, 0.0], [0.25, 0.75]])


def test_the_best_sum_is_matched_not_the_best_pair():
    iou = np.float32([[[0.9, 0.8], [0.8, 0.1]]])
    assert match(iou, np.array([2])).tolist() == [[1, 0]]


def test_parts_beyond_the_masks_stay_unmatched():
    iou = np.float32([[[0.1], [0.9], [0.2]]])
    assert match(iou, np.array([3])).tolist() == [[-1, 0, -1]]


def test_fewer_masks_have_a_smaller_norm():
    splits = tf.constant([0, 4])
    one, two = tf.constant([[1.0, 0.0]] * 4), tf.constant([[1.0, 0.0]] * 2 + [[0.0, 1.0]] * 2)
    assert float(mask_norm(one, splits)) == pytest.approx(2 / 4, rel=1e-5)
    assert float(mask_norm(two, splits)) == pytest.approx(2 * 2**0.5 / 4, rel=1e-5)


def test_confidences_of_found_and_other_masks_weigh_alike():
    loss = confidence_loss(tf.constant([[0.5, 0.5, 0.1, 0.1]]), tf.constant([[0.8, 0.0, 0.0, 0.0]]))
    assert float(loss) == pytest.approx(0.09 + (0.25 + 0.01 + 0.01) / 3, rel=1e-6)
