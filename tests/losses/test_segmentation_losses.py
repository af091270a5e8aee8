"""Losses against hand-computed values."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.data.targets import Centers
from instance_seg.losses.config import LossConfig
from instance_seg.losses.segmentation import (
    average,
    cross_entropy,
    instance_weights,
    level_losses,
    offset_error,
    segmentation_losses,
    weight_decay,
)
from instance_seg.structures import Batch, Labels, Level, LevelPrediction, Points, Task

SPLITS = tf.constant([0, 2, 5])
MASK = tf.constant([1.0, 0.0, 1.0, 1.0, 1.0])
VALUES = tf.constant([2.0, 100.0, 1.0, 3.0, 5.0])


def test_average_per_shape_then_batch():
    assert average(VALUES, MASK, SPLITS, "shape").numpy() == pytest.approx((2 + 3) / 2)


def test_average_over_points():
    assert average(VALUES, MASK, SPLITS, "point").numpy() == pytest.approx(11 / 4)


def test_instances_count_alike_however_many_points_they_have():
    values, mask = tf.constant([2.0, 4.0, 9.0, 100.0, 1.0, 7.0]), tf.constant([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    splits = tf.constant([0, 4, 6])  # instance 0 of one shape is not that of the other
    weights = instance_weights(mask, tf.constant([0, 0, 1, -1, 0, 2]), splits)
    np.testing.assert_allclose(weights, [0.5, 0.5, 1.0, 0.0, 1.0, 1.0])
    assert average(values, weights, splits, "shape").numpy() == pytest.approx(((3 + 9) / 2 + (1 + 7) / 2) / 2)
    assert average(values, weights, splits, "point").numpy() == pytest.approx((3 + 9 + 1 + 7) / 4)


def test_the_average_over_instances_is_of_their_centers_alone():
    xyz, instance = tf.zeros([3, 3]), tf.constant([0, 0, 1])
    centers = tf.constant([[1.0, 0, 0], [1.0, 0, 0], [4.0, 0, 0]])
    labels, centers = Labels(tf.constant([1, 1, 1]), instance), Centers(centers, centers)
    prediction = LevelPrediction(tf.constant([[0.0, 0.0], [0.0, 0.0], [0.0, 3.0]]), xyz, xyz)
    losses = [
        level_losses(prediction, labels, centers, xyz, tf.constant([0, 3]), LossConfig(center_average=kind))
        for kind in ("points", "roots", "instances")
    ]
    assert [float(each["instance"]) for each in losses] == pytest.approx([2.0, (2**0.5 + 4) / (2**0.5 + 1), 2.5])
    assert [float(each["region"]) for each in losses] == pytest.approx([2.0, 2.0, 2.0])
    assert float(losses[0]["semantic"]) == float(losses[1]["semantic"])


@pytest.mark.parametrize(("kind", "want"), [("shape", 3 / 2), ("point", 3.0)])
def test_a_shape_without_labels_counts_as_zero(kind, want):
    mask = tf.constant([0.0, 0.0, 1.0, 1.0, 1.0])
    assert average(VALUES, mask, SPLITS, kind).numpy() == pytest.approx(want)
    assert average(VALUES, tf.zeros(5), SPLITS, kind).numpy() == 0


def test_offset_error_by_hand():
    offset, target = tf.constant([[3.0, 4.0, 0.0], [1.0, 1.0, 1.0]]), tf.zeros([2, 3])
    np.testing.assert_allclose(offset_error(offset, target, "l2norm"), [5.0, 3**0.5], rtol=1e-6)
    np.testing.assert_allclose(offset_error(offset, target, "l1"), [7 / 3, 1.0], rtol=1e-6)


def test_l2norm_has_a_finite_gradient_at_the_target():
    offset = tf.Variable([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(offset_error(offset, tf.zeros([2, 3]), "l2norm"))
    np.testing.assert_allclose(tape.gradient(loss, offset), [[0, 0, 0], [0.6, 0, 0.8]], rtol=1e-6)


def test_cross_entropy_by_hand():
    logits = tf.math.log(tf.constant([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    np.testing.assert_allclose(cross_entropy(logits, tf.constant([1, 2])), [np.log(4), -np.log(0.8)], rtol=1e-6)


def one_level():
    xyz = tf.constant([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    labels, centers = Labels(tf.constant([1, 0]), tf.constant([0, -1])), Centers(xyz + [[0.0, 0.0, 3.0]], xyz)
    prediction = LevelPrediction(tf.zeros([2, 4]), tf.zeros([2, 3]), tf.constant([[0.0, 2.0, 0.0], [9.0, 9.0, 9.0]]))
    return prediction, labels, centers, Points(xyz, xyz, tf.constant([0, 2]))


def losses_of(prediction, labels, centers, points, config, num_levels=1, first_scored=1):
    """The terms of a batch that has the same at every level."""
    levels = tuple(Level(k + 1, f"level {k + 1}", ("a", "b", "c", "d"), first_scored) for k in range(num_levels))
    batch = Batch(points, (), (labels,) * num_levels, (centers,) * num_levels, tf.constant([0]))
    return segmentation_losses([prediction] * num_levels, batch, Task("any", "", levels), config)


def test_terms_of_a_level_by_hand():
    config = LossConfig(level_weights=(1.0, 0.5), region_weight=2.0)
    terms = losses_of(*one_level(), config, num_levels=2)
    want = {"semantic": np.log(4), "instance": 3.0, "region": 4.0}
    for name, value in want.items():
        assert terms[f"level_1/{name}"].numpy() == pytest.approx(value)
        assert terms[f"level_2/{name}"].numpy() == pytest.approx(value / 2)


def test_unmasked_unlabeled_points_carry_loss():
    terms = losses_of(*one_level(), LossConfig(mask_unlabeled=False))
    assert terms["level_1/region"].numpy() == pytest.approx((2 + 9 * 3**0.5) / 2)


def test_points_of_class_zero_carry_loss_where_it_is_scored():
    terms = losses_of(*one_level(), LossConfig(), first_scored=0)
    assert terms["level_1/region"].numpy() == pytest.approx((2 + 9 * 3**0.5) / 2)
    assert terms["level_1/semantic"].numpy() == pytest.approx(np.log(4))


@pytest.mark.parametrize("mask_unlabeled", [True, False])
@pytest.mark.parametrize("first_scored", [0, 1])
@pytest.mark.parametrize("center_average", ["points", "roots", "instances"])
def test_ignored_points_never_carry_loss(mask_unlabeled, first_scored, center_average):
    prediction, labels, centers, points = one_level()
    labels = labels._replace(semantic=tf.constant([1, -1]))
    config = LossConfig(mask_unlabeled=mask_unlabeled, center_average=center_average)
    terms = losses_of(prediction, labels, centers, points, config, first_scored=first_scored)
    want = {"level_1/semantic": np.log(4), "level_1/instance": 3.0, "level_1/region": 2.0}
    assert {name: float(term) for name, term in terms.items()} == pytest.approx(want)


def test_weight_decay_counts_every_variable():
    variables = [tf.Variable([3.0, 4.0]), tf.Variable(2.0)]
    assert weight_decay(variables, 0.1).numpy() == pytest.approx(0.1 * 0.5 * 29)
    assert weight_decay(variables, 0.0).numpy() == 0


def test_bad_settings_name_the_flag():
    with pytest.raises(ValueError, match="offset_loss='l3'.*l2norm"):
        LossConfig(offset_loss="l3")
    with pytest.raises(ValueError, match="level_weights has 2 entries for 1 levels"):
        losses_of(*one_level(), LossConfig(level_weights=(1.0, 2.0)))
