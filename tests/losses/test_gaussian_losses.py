"""The similarity of Gaussians and its losses by hand."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.comparison.gaussians import greedy_groups, similarity
from instance_seg.losses.gaussians import log_similarity, of_instances, pair_loss


def test_the_similarity_is_the_integral_of_the_root_of_the_product():
    (a, s), (b, t) = (0.3, 0.5), (1.0, 2.0)  # mean and variance
    x = np.linspace(-20, 20, 400_001)
    density = [np.exp(-((x - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v) for m, v in ((a, s), (b, t))]
    integral = np.sqrt(density[0] * density[1]).sum() * (x[1] - x[0])
    found = log_similarity(*(tf.constant([value]) for value in (a, s, b, t)))
    assert float(tf.exp(found)) == pytest.approx(integral, rel=1e-5)
    rows = similarity(np.float32([[a], [b]]), np.float32([[s], [t]]), 0)
    np.testing.assert_allclose(rows, [1.0, integral], rtol=1e-5)


def test_pairs_of_one_instance_and_others_weigh_alike():
    k = tf.constant([[0.5, 0.25, 0.1, 0.9]])
    same, weight = tf.constant([[True, False, False, True]]), tf.constant([[1.0, 1.0, 1.0, 0.0]])
    expected = -np.log(0.5) - (np.log(0.75) + np.log(0.9)) / 2
    assert float(pair_loss(tf.math.log(k), same, weight)) == pytest.approx(expected, rel=1e-5)


def test_certain_pairs_have_a_finite_loss():
    log_k = tf.constant([[0.0, -1e9]])
    right, wrong = (
        float(pair_loss(log_k, tf.constant([same]), tf.ones([1, 2]))) for same in ([True, False], [False, True])
    )
    assert right == pytest.approx(0, abs=1e-4) and 20 < wrong < 40


def test_means_of_instances_leave_out_points_of_none():
    values = tf.constant([[1.0], [3.0], [10.0], [5.0]])
    found = of_instances(values, tf.constant([0, 0, -1, 1]), tf.constant(2))
    assert found.numpy().ravel().tolist() == [2, 2, 10, 5]


def test_the_best_point_takes_what_is_like_it():
    mean = np.float32(np.repeat([0.0, 1.0, 5.0], [4, 3, 2])[:, None])
    score = np.float32([0.9, 0.5, 0.5, 0.05, 0.8, 0.5, 0.5, 0.2, 0.2])
    semantic = np.array([1, 2, 2, 1, 3, 3, 3, 1, 1])
    found = greedy_groups(mean, np.full_like(mean, 0.01), score, semantic, min_points=2)
    assert found.points.tolist() == [0, 1, 2, 4, 5, 6] and found.row_splits.tolist() == [0, 3, 6]
    assert found.label.tolist() == [1, 3] and found.score.tolist() == pytest.approx([0.9, 0.8])
    wide = greedy_groups(mean, np.full_like(mean, 1.0), score, semantic, min_points=2)  # 0 and 1 are alike now
    assert wide.points.tolist() == [0, 1, 2, 4, 5, 6] and wide.label.tolist() == [1]


def test_no_seed_no_instance():
    mean = np.zeros((20, 1), np.float32)
    assert len(greedy_groups(mean, mean + 1, np.full(20, 0.3, np.float32), np.ones(20, int)).label) == 0
