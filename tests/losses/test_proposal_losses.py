"""Losses of proposals: PointGroup's overlaps, and cases worked out by hand."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups
from instance_seg.losses.proposals import (
    center_offsets,
    mask_loss,
    mask_targets,
    offset_losses,
    score_loss,
    true_instances,
    true_overlaps,
)
from instance_seg.structures import Labels

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "clusters.npz"


def truth_of(instance, row_splits):
    instance = tf.constant(instance, tf.int32)
    return true_instances(Labels(instance, instance), tf.constant(row_splits))


def test_overlaps_are_those_of_the_published_program():
    with np.load(GOLDEN) as stored:
        groups = Groups(stored["dense_pg_idx"][:, 1], stored["dense_pg_off"])
        truth = truth_of(stored["dense_inst"], [0, len(stored["dense_inst"])])
        np.testing.assert_array_equal(truth.size, stored["dense_sizes"])
        np.testing.assert_allclose(true_overlaps(groups, truth), stored["dense_pg_iou"], rtol=1e-5)


@pytest.mark.parametrize("masked", [0, 1])
def test_overlaps_and_mask_targets_of_hais_are_those_of_the_published_program(masked):
    """With `masked`, overlaps are those of the points whose mask is more than a half. -1: no target."""
    with np.load(GOLDEN) as stored:
        groups = Groups(stored["dense_hais_test_idx"][:, 1], stored["dense_hais_test_off"])
        truth = truth_of(stored["dense_inst"], [0, len(stored["dense_inst"])])
        counted = stored["dense_mask_prob"] > 0.5 if masked else None
        overlaps = true_overlaps(groups, truth, counted)
        np.testing.assert_allclose(overlaps, stored[f"dense_hais_iou_m{masked}"], atol=1e-6)
        target, weight = mask_targets(groups, truth, overlaps)
        want = stored[f"dense_hais_mask_m{masked}"]
        assert set(want) == {-1, 1}
        np.testing.assert_array_equal(np.where(weight, target, -1), want)


def test_the_mask_of_a_group_is_what_it_shares_with_the_instance_it_overlaps_most():
    truth = truth_of([0, 0, 0, 1, 1, 1, -1], [0, 7])
    groups = Groups(tf.constant([0, 1, 2, 3, 6, 3, 4]), tf.constant([0, 5, 7]))
    target, weight = mask_targets(groups, truth, tf.constant([[0.6, 0.2], [0.0, 0.5]]))
    np.testing.assert_array_equal(target, [1, 1, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(weight, [1, 1, 1, 1, 1, 0, 0])  # a half is not more than a half
    none = mask_targets(groups, truth_of([-1] * 7, [0, 7]), tf.zeros([2, 0]))
    assert not np.any(none)


def test_mask_loss_counts_entries_without_a_target_in_its_mean():
    logits, target, weight = tf.constant([1.0, -2.0, 5.0]), tf.constant([1.0, 1, 0]), tf.constant([1.0, 1, 0])
    want = (np.log(1 + np.exp(-1)) + np.log(1 + np.exp(2))) / 3
    np.testing.assert_allclose(mask_loss(logits, target, weight), want, rtol=1e-6)
    assert mask_loss(tf.zeros([0]), tf.zeros([0]), tf.zeros([0])) == 0


def test_instances_are_counted_through_the_batch():
    truth = truth_of([1, -1, 0, 1, 0, 0], [0, 3, 6])
    np.testing.assert_array_equal(truth.index, [1, -1, 0, 3, 2, 2])
    np.testing.assert_array_equal(truth.size, [1, 1, 2, 1])


def test_offsets_to_the_mean_of_the_instance():
    xyz = tf.constant([[0.0, 0, 0], [2, 0, 0], [5, 5, 5], [1, 0, 0], [1, 2, 0]])
    offsets = center_offsets(xyz, truth_of([0, 0, -1, 0, 0], [0, 3, 5]))
    np.testing.assert_allclose(offsets, [[1, 0, 0], [-1, 0, 0], [0, 0, 0], [0, 1, 0], [0, -1, 0]])


def test_offset_losses_by_hand():
    """Distances sum over the axes; directions count whatever their length; points of no instance count nowhere."""
    truth = truth_of([0, 0, -1], [0, 3])
    offset, target = tf.constant([[1.0, 1, 0], [0, 3, 0], [9, 9, 9]]), tf.constant([[1.0, 0, 0], [0, -1, 0], [0, 0, 0]])
    found = offset_losses(offset, target, truth, tf.constant([0, 3]))
    np.testing.assert_allclose(found["norm"], (1 + 4) / 2)
    np.testing.assert_allclose(found["direction"], -(np.sqrt(0.5) - 1) / 2, rtol=1e-6)


def test_offset_losses_without_instances_or_lengths():
    offset = tf.zeros([2, 3])
    with tf.GradientTape() as tape:
        tape.watch(offset)
        losses = [
            offset_losses(offset, offset + x, truth_of([i, i], [0, 2]), tf.constant([0, 2]))
            for x, i in ((0.0, 0), (1.0, -1))
        ]
        total = tf.add_n([value for each in losses for value in each.values()])
    assert total == 0 and np.isfinite(tape.gradient(total, offset)).all()


def test_score_targets_are_linear_between_the_limits():
    overlaps = tf.constant([[0.2, 0.1], [0.5, 0.0], [0.0, 0.9]])
    logits = tf.constant([0.3, -1.0, 2.0])
    p = 1 / (1 + np.exp(-logits.numpy()))
    want = -np.mean([np.log(1 - p[0]), 0.5 * np.log(p[1]) + 0.5 * np.log(1 - p[1]), np.log(p[2])])
    np.testing.assert_allclose(score_loss(logits, overlaps, 0.25, 0.75), want, rtol=1e-5)


def test_scores_without_proposals_or_instances():
    assert true_overlaps(NO_GROUPS, truth_of([0, 0], [0, 2])).shape == (0, 1)
    assert score_loss(tf.zeros([0]), tf.zeros([0, 1]), 0.25, 0.75) == 0
    none = true_overlaps(Groups(tf.constant([0, 1]), tf.constant([0, 2])), truth_of([-1, -1], [0, 2]))
    np.testing.assert_allclose(score_loss(tf.zeros([1]), none, 0.25, 0.75), np.log(2), rtol=1e-6)
