"""Gaussian mean-shift and its losses: limits, gradients, symmetries, and the flat kernel's partition."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.losses.modes import gaussian_mean_shift, lovasz_hinge, mode_loss, pair_loss

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=(2, 7, 3)), RNG.normal(size=(2, 4, 3))


def shifted(x, z, s, **options):
    return gaussian_mean_shift(*(tf.constant(a, tf.float64) for a in (x, z, s)), **options)[-1].numpy()


def test_one_step_is_the_weighted_average():
    weight = np.exp(-((Z[0, 1] - X[0]) ** 2).sum(axis=1) / (2 * 0.7**2))
    expected = (weight[:, None] * X[0]).sum(axis=0) / weight.sum()
    np.testing.assert_allclose(shifted(X, Z, [0.7, 2.0], steps=1)[0, 1], expected, rtol=1e-12)


def test_a_narrow_kernel_keeps_points_and_a_wide_one_takes_them_to_the_mean():
    np.testing.assert_allclose(shifted(X, X, [1e-3, 1e-3]), X, atol=1e-12)
    means = np.broadcast_to(X.mean(axis=1, keepdims=True), X.shape)
    np.testing.assert_allclose(shifted(X, X, [1e6, 1e6]), means, atol=1e-9)


def test_order_of_points_padding_and_place_do_not_matter():
    s, order = [0.5, 0.9], RNG.permutation(7)
    once = shifted(X, Z, s)
    np.testing.assert_allclose(shifted(X[:, order], Z, s), once, atol=1e-12)
    np.testing.assert_allclose(shifted(X, Z[:, ::-1], s), once[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(shifted(X + 5.0, Z + 5.0, s), once + 5.0, atol=1e-9)
    padded = np.concatenate([X, np.zeros((2, 3, 3))], axis=1)
    valid = tf.constant(np.tile(np.arange(10) < 7, (2, 1)))
    np.testing.assert_allclose(shifted(padded, Z, s, valid=valid), once, atol=1e-12)


def numerical(function, values, delta=1e-6):
    found = np.zeros_like(values)
    for place in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[place] += delta
        down[place] -= delta
        found[place] = (function(up) - function(down)) / (2 * delta)
    return found


@pytest.mark.parametrize("name", ["x", "z", "s", "push"])
def test_gradients_are_those_of_finite_differences(name):
    """Of a sum over the seeds with weights, with respect to points, seeds, width and push."""
    direction, weight = RNG.normal(size=X.shape), RNG.normal(size=Z.shape)
    given = {"x": X, "z": Z, "s": np.array([0.8, 1.3]), "push": np.array([0.1, -0.2])}

    def value(changed):
        of = {k: tf.constant(v) for k, v in given.items()} | {name: changed}
        points = of["x"] + of["push"][:, None, None] * direction
        return tf.reduce_sum(gaussian_mean_shift(points, of["z"], of["s"])[-1] * weight)

    variable = tf.Variable(given[name])
    with tf.GradientTape() as tape:
        result = value(variable)
    gradient = tape.gradient(result, variable).numpy()
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, numerical(lambda v: float(value(tf.constant(v))), given[name]), atol=1e-7)


def test_seeds_of_tight_clusters_reach_the_centers_that_the_flat_kernel_finds():
    centers = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
    which = RNG.integers(3, size=60)
    x = (centers[which] + RNG.normal(0, 0.01, (60, 3))).astype(np.float32)
    modes = gaussian_mean_shift(tf.constant(x[None]), tf.constant(x[None]), tf.constant([0.1 / 2.45]))[-1][0].numpy()
    ours = np.unique(modes.round(2), axis=0, return_inverse=True)[1]
    flat = cluster_regions(x, np.array([0, 60]), 0.1)
    assert len(np.unique(flat)) == 3
    np.testing.assert_array_equal(ours[:, None] == ours, flat[:, None] == flat)


def test_lovasz_hinge_by_hand():
    """Margins of -1 and 1 choose points, and the hinge is twice 1 - IoU: here of {0, 1} against {0, 2}, 1/3."""
    margin = tf.constant([[1.0, 1, -1, -1, 1], [1, -1, 1, -1, 1]])
    member = tf.constant([[True, False, True, False, False]] * 2)
    valid = tf.constant([[True, True, True, True, False]] * 2)
    np.testing.assert_allclose(lovasz_hinge(margin, member, valid), [2 * (1 - 1 / 3), 0], atol=1e-6)


def two_instances(gap):
    """Two tight instances `gap` apart, 40 points each, in random order."""
    instance = RNG.permutation(np.repeat(np.int32([0, 1]), 40))
    x = RNG.normal(0, 0.01, (80, 3)) + gap * instance[:, None] * [1, 0, 0]
    return tf.constant(x[None], tf.float32), tf.constant(instance[None]), tf.ones([1, 80], tf.bool)


@pytest.mark.parametrize("loss", [mode_loss, pair_loss])
def test_losses_are_lowest_for_a_width_between_noise_and_gap(loss):
    data = two_instances(0.2)
    narrow, fitting, wide = (float(loss(*data, tf.constant([s]), 4)[0]) for s in (0.002, 0.05, 0.4))
    assert fitting < 0.5 * narrow and fitting < 0.5 * wide


@pytest.mark.parametrize("loss", [mode_loss, pair_loss])
def test_points_of_no_instance_and_padding_may_be_anywhere(loss):
    x, instance, valid = two_instances(0.2)
    s = tf.constant([0.05])
    more = (x, x[:, :5] + 0.01), (instance, instance[:, :5]), (valid, ~valid[:, :5])
    padded = [tf.concat(each, axis=1) for each in more]
    np.testing.assert_allclose(loss(*padded, s, 4), loss(x, instance, valid, s, 4), atol=1e-6)
    assert np.isfinite(loss(x, -tf.ones_like(instance), valid, s, 4)).all()
