"""SGPN's losses against PartNet's program and by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.losses import similarity
from instance_seg.losses.segmentation import average, cross_entropy
from instance_seg.losses.similarity import confidence_error, double_hinge

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "partnet_losses.npz")
CASES = ("sgpn0", "sgpn1", "sgpn2")


class Case:
    """Shapes of equal size."""

    def __init__(self, name):
        self.name = name
        one_hot = {key: self[key] for key in ("group", "sem")}
        self.group, self.semantic = (np.where(x.any(-1), x.argmax(-1), -1).astype(np.int32) for x in one_hot.values())

    def __getitem__(self, key):
        return GOLDEN[f"{self.name}_{key}"]

    def hinge(self, b, features):
        weight, alpha = self["group_mask"][b], tf.constant(self["alpha"], tf.float32)
        return double_hinge(features, self.group[b], self.semantic[b], weight, alpha)


@pytest.fixture(params=CASES)
def case(request):
    return Case(request.param)


@pytest.fixture(params=(256, 32), ids=lambda tile: f"tile {tile}")
def tile(request, monkeypatch):
    monkeypatch.setattr(similarity, "TILE", request.param)


def test_terms_are_the_programs(case, tile):
    number, points, _ = case["logits"].shape
    found = [case.hinge(b, tf.constant(case["feature"][b])) for b in range(number)]
    hinge = np.mean([float(each.loss) for each in found])
    splits = tf.constant(np.arange(number + 1) * points, tf.int32)
    weight = tf.constant(case["sem_mask"].reshape(-1))
    entropy = cross_entropy(case["logits"].reshape(number * points, -1), np.maximum(case.semantic, 0).reshape(-1))
    iou = tf.concat([each.iou for each in found], axis=0)
    error = confidence_error(case["conf"].reshape(-1), iou, weight)
    terms = [hinge, float(average(entropy, weight, splits, "shape")), float(tf.reduce_mean(error))]
    np.testing.assert_allclose(terms, case["parts"], rtol=1e-5, atol=1e-6)


def test_gradients_are_the_programs(case, tile):
    """The program's gradient is of the similarity matrix; the chain rule makes that of the features."""
    number = len(case["feature"])
    for b in range(number):
        features = tf.constant(case["feature"][b])
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = case.hinge(b, features).loss / number
        slope, x = case["dsimmat"][b].astype(float), case["feature"][b].astype(float)
        slope = slope + slope.T
        expected = 2 * (x * slope.sum(axis=1, keepdims=True) - slope @ x)
        np.testing.assert_allclose(tape.gradient(loss, features), expected, atol=1e-6)


def test_pairs_by_hand():
    """Points at 0 and 0.5 of one instance, at 1.2 of another of the class, at 1.3 of another class."""
    features = tf.constant([[0.0], [0.5], [1.2], [1.3]])
    group, semantic = np.int32([0, 0, 1, 2]), np.int32([0, 0, 0, 1])
    found = double_hinge(features, group, semantic, tf.ones(4), tf.constant(3.0))
    same, apart = 0.25, 3 * (1 - 0.7**2)  # 0 and 1.2 are farther apart than the margin
    classes = (2 - 1.3**2) + (2 - 0.8**2) + (2 - 0.1**2)
    assert float(found.loss) == pytest.approx(2 * (same + apart + classes) / 16, rel=1e-5)
    np.testing.assert_allclose(found.iou, [1.0, 2 / 4, 1 / 3, 1 / 3], rtol=1e-5)


def test_the_gradient_is_that_of_differences():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 0.6, (12, 3))
    rest = (rng.integers(-1, 4, 12).astype(np.int32), rng.integers(0, 2, 12).astype(np.int32))
    weight = tf.constant(rng.uniform(0, 1, 12), tf.float32)

    def loss(features):
        return double_hinge(tf.constant(features, tf.float32), *rest, weight, tf.constant(2.0)).loss

    with tf.GradientTape() as tape:
        features = tf.Variable(x, dtype=tf.float32)
        value = 3.0 * double_hinge(features, *rest, weight, tf.constant(2.0)).loss
    found = tape.gradient(value, features).numpy()
    for i, d in ((0, 0), (5, 1), (11, 2)):
        step = np.zeros_like(x)
        step[i, d] = 1e-2
        assert 3 * float(loss(x + step) - loss(x - step)) / 2e-2 == pytest.approx(found[i, d], abs=1e-3)


def test_confidence_of_points_of_no_instance_should_be_0():
    error = confidence_error(tf.constant([0.5, 0.5]), tf.constant([0.75, 1.0]), tf.constant([2.0, 0.0]))
    np.testing.assert_allclose(error, [0.0625, 0.25])
