"""Losses of masks that groups have among all points of their cloud (DyCo3D).

As in losses.segmentation, every loss is the replica's share of that of the whole batch.
"""

from typing import NamedTuple

import tensorflow as tf

from instance_seg.clustering.components import Groups
from instance_seg.losses.proposals import Truth
from instance_seg.losses.segmentation import average
from instance_seg.structures import Tensor

LEAST_SEEN = 0.3  # of an instance must be among the candidates, or its mask should be empty
_SLACK = 1e-5  # added to what the dice loss divides by


class MaskTargets(NamedTuple):
    """What the masks of P groups should be."""

    target: Tensor  # [E] float32, 0 or 1 for each entry of the candidates
    weight: Tensor  # [E] float32, 0 or 1
    has_instance: Tensor  # [P] float32, 0 where most points of the group belong to none


def instance_mask_targets(
    groups: Groups, candidates: Groups, truth: Truth, semantic: tf.Tensor, label: tf.Tensor
) -> MaskTargets:
    """The mask of a group should be the instance that most of its points have; of several the first, none first of all.

    Candidates of another class than the group's do not count, unless the group has no instance.

    Args:
        groups: of P groups.
        candidates: for each group the points that its mask is about.
        semantic: [N] int32, the true classes.
        label: [P] int32, the class of each group.
    """
    num_groups, num_instances = tf.size(label), tf.size(truth.size)
    column = groups.of_entry() * (num_instances + 1) + tf.gather(truth.index, groups.points) + 1
    votes = tf.math.bincount(column, minlength=num_groups * (num_instances + 1), dtype=tf.int32)
    instance = tf.argmax(tf.reshape(votes, [num_groups, num_instances + 1]), axis=1, output_type=tf.int32) - 1
    of_entry = candidates.of_entry()
    wanted = tf.gather(instance, of_entry)
    target = (tf.gather(truth.index, candidates.points) == wanted) & (wanted >= 0)
    seen = tf.math.unsorted_segment_sum(tf.cast(target, tf.int32), of_entry, num_groups)
    size = tf.gather(tf.concat([[1], truth.size], axis=0), instance + 1)
    enough = tf.cast(seen, tf.float32) >= LEAST_SEEN * tf.cast(size, tf.float32)
    same_class = tf.gather(semantic, candidates.points) == tf.gather(label, of_entry)
    return MaskTargets(
        tf.cast(target & tf.gather(enough, of_entry), tf.float32),
        tf.cast(same_class | (wanted < 0), tf.float32),
        tf.cast(instance >= 0, tf.float32),
    )


def instance_mask_losses(logits: tf.Tensor, candidates: Groups, targets: MaskTargets) -> dict[str, tf.Tensor]:
    """ "mask": the mean weighted cross entropy of all entries; "dice": the mean over the groups that have an instance.

    Both are 0 without a group.

    Args:
        logits: [E] float32.
    """
    target, weight, has_instance = targets
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)
    inside = weight * tf.sigmoid(logits)

    def per_group(values):
        return tf.math.unsorted_segment_sum(values, candidates.of_entry(), tf.size(has_instance))

    common, squares = per_group(inside * target), per_group(inside * inside + weight * target * target)
    dice = 1.0 - 2.0 * common / (squares + _SLACK)
    return {
        "mask": average(entropy, weight, tf.constant([0]), "point"),
        "dice": average(dice, has_instance, tf.constant([0]), "point"),
    }
