"""Losses of masks in whole clouds: targets and values worked out by hand, gradients, no group."""

import numpy as np
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups
from instance_seg.losses.instance_masks import MaskTargets, instance_mask_losses, instance_mask_targets
from instance_seg.losses.proposals import true_instances
from instance_seg.structures import Labels


def groups_of(*members):
    return Groups(tf.constant(np.concatenate(members), tf.int32), tf.constant(np.cumsum([0, *map(len, members)])))


def targets_of(instance, semantic, label, groups, candidates, row_splits=None):
    instance, semantic = tf.constant(instance), tf.constant(semantic)
    truth = true_instances(Labels(semantic, instance), tf.constant(row_splits or [0, len(instance)]))
    found = instance_mask_targets(groups, candidates, truth, semantic, tf.constant(label))
    return [x.numpy().astype(int).tolist() for x in found]


def test_the_mask_is_the_instance_of_most_points_and_other_classes_do_not_count():
    things = [0, 1, 2, 3, 4]
    found = targets_of(
        instance=[0, 0, 1, 1, -1, 0],
        semantic=[2, 2, 2, 3, 2, 2],
        label=[2, 3],
        groups=groups_of([0, 1, 2], [2, 3, 4]),
        candidates=groups_of(things, things),
    )
    assert found == [[1, 1, 0, 0, 0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 1, 0, 0, 0, 1, 0], [1, 1]]


def test_of_several_the_first_instance_and_none_before_all():
    everything = groups_of([0, 1, 2, 3], [0, 1, 2, 3])
    found = targets_of([1, 0, -1, 2], [2, 2, 2, 2], [2, 2], groups_of([0, 1], [0, 2]), everything)
    assert found[0] == [0, 1, 0, 0, 0, 0, 0, 0] and found[2] == [1, 0]


def test_a_group_without_an_instance_should_be_empty_and_sees_all_candidates():
    found = targets_of([0, -1, -1], [2, 3, 3], [2], groups_of([0, 1, 2]), groups_of([0, 1, 2]))
    assert found == [[0, 0, 0], [1, 1, 1], [0]]


def test_an_instance_of_which_too_little_is_seen_has_an_empty_mask():
    """3 of its 10 points are enough, 2 are not."""
    instance, semantic = [0] * 10, [2] * 10
    for seen, want in ((3, [1, 1, 1]), (2, [0, 0])):
        rows = list(range(seen))
        assert targets_of(instance, semantic, [2], groups_of(rows), groups_of(rows)) == [want, [1] * seen, [1]]


def test_instances_of_other_clouds_are_others():
    found = targets_of([0, 0, 0, 0], [2] * 4, [2, 2], groups_of([0], [3]), groups_of([0, 1], [2, 3]), [0, 2, 4])
    assert found == [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1]]


def losses_of(logits, target, weight, has_instance):
    candidates = Groups(tf.range(5), tf.constant([0, 3, 5]))
    targets = MaskTargets(*(tf.constant(x, logits.dtype) for x in (target, weight, has_instance)))
    return instance_mask_losses(logits, candidates, targets)


def test_losses_by_hand():
    logits = tf.constant([1.0, -2.0, 0.5, 3.0, -1.0])
    found = losses_of(logits, [1, 0, 1, 0, 0], [1, 1, 0, 1, 1], [1, 0])
    p = 1 / (1 + np.exp(-logits.numpy()))
    entropy = -(np.log(p[0]) + np.log(1 - p[1]) + np.log(1 - p[3]) + np.log(1 - p[4])) / 4
    np.testing.assert_allclose(found["mask"], entropy, rtol=1e-5)
    dice = 1 - 2 * p[0] / (p[0] ** 2 + p[1] ** 2 + 1 + 1e-5)  # the second group has no instance
    np.testing.assert_allclose(found["dice"], dice, rtol=1e-5)


def test_gradients_are_those_of_finite_differences():
    logits = tf.constant([1.0, -2.0, 0.5, 3.0, -1.0], tf.float64)
    for name in ("mask", "dice"):
        (found,), (numbers,) = tf.test.compute_gradient(
            lambda x, name=name: losses_of(x, [1, 0, 1, 0, 1], [1, 1, 0, 1, 1], [1, 1])[name], [logits], 1e-6
        )
        assert np.abs(numbers).max() > 0.01
        np.testing.assert_allclose(found, numbers, atol=1e-8)


def test_no_group_and_no_group_with_an_instance_cost_no_dice():
    labels = Labels(tf.constant([2, 2]), tf.constant([0, 0]))
    truth = true_instances(labels, tf.constant([0, 2]))
    targets = instance_mask_targets(NO_GROUPS, NO_GROUPS, truth, labels.semantic, tf.zeros([0], tf.int32))
    found = instance_mask_losses(tf.zeros([0]), NO_GROUPS, targets)
    assert found["mask"] == found["dice"] == 0
    found = losses_of(tf.zeros([5]), [0] * 5, [1] * 5, [0, 0])
    assert found["dice"] == 0 and np.isclose(found["mask"], np.log(2))
    nobody = true_instances(Labels(labels.semantic, tf.constant([-1, -1])), tf.constant([0, 2]))
    one = Groups(tf.constant([0, 1]), tf.constant([0, 2]))
    targets = instance_mask_targets(one, one, nobody, labels.semantic, tf.constant([2]))
    assert not np.any(targets.target) and not np.any(targets.has_instance) and np.all(targets.weight)
