"""Layers that groups make: order of their numbers, masks against NumPy, gradients, initial weights, no group."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.clustering.components import NO_GROUPS, Groups
from instance_seg.heads.dynamic_mask import Controller, DynamicMaskHead, apply_layers, split_layers
from instance_seg.initializers import SPCONV
from instance_seg.structures import Points

CHANNELS = 5
CLOUDS, SPLITS = np.int32([0, 0, 2]), np.int32([0, 4, 4, 7])  # of three groups; the second cloud has no point


def example(dtype=np.float64):
    rng = np.random.default_rng(0)
    shapes = (3, 16 * (3 + CHANNELS) + 33), (3, 3), (7, 3), (7, CHANNELS)
    return [tf.constant(rng.normal(size=shape), dtype) for shape in shapes]


def masks(numbers, centers, xyz, features):
    return apply_layers(split_layers(numbers, CHANNELS), centers, xyz, features, SPLITS, CLOUDS)


def by_hand(numbers, centers, xyz, features):
    """Point by point: weights of both layers first, [outputs, inputs] each, then their biases."""
    found, inputs = [], 3 + CHANNELS
    for n, center, cloud in zip(numbers, centers, CLOUDS):
        first, second = n[: 16 * inputs].reshape(16, inputs), n[16 * inputs : 16 * inputs + 16]
        first_bias, second_bias = n[16 * inputs + 16 : -1], n[-1]
        for row in range(SPLITS[cloud], SPLITS[cloud + 1]):
            seen = np.concatenate([center - xyz[row], features[row]])
            found.append(second @ np.maximum(first @ seen + first_bias, 0) + second_bias)
    return np.array(found)


def test_masks_are_those_of_numpy():
    values = example()
    found = masks(*values)
    assert found.shape == (4 + 4 + 3,)
    np.testing.assert_allclose(found, by_hand(*(x.numpy() for x in values)), rtol=1e-10)
    np.testing.assert_array_equal(found, tf.function(masks)(*values))


def test_gradients_are_those_of_finite_differences():
    values = example()
    found, numbers = tf.test.compute_gradient(masks, values, delta=1e-6)
    for a, b in zip(found, numbers, strict=True):
        assert np.abs(b).max() > 0.1
        np.testing.assert_allclose(a, b, atol=1e-7)


@pytest.mark.parametrize("compiled", [False, True])
def test_without_groups_there_are_no_masks_and_gradients_of_zero(compiled):
    numbers, centers, xyz, features = example()

    def gradients(features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            layers = split_layers(numbers[:0], CHANNELS)
            logits = apply_layers(layers, centers[:0], xyz, features, SPLITS, CLOUDS[:0])
        return logits, tape.gradient(logits, features, unconnected_gradients="zero")

    logits, gradient = (tf.function(gradients) if compiled else gradients)(features)
    assert logits.shape == (0,) and not np.any(gradient)


def test_the_published_head_has_337_numbers_per_group_and_sees_the_things_of_its_cloud():
    head = DynamicMaskHead(16, 14, 50.0, 0, initializer=SPCONV)
    rng = np.random.default_rng(1)
    xyz, features = rng.uniform(size=(9, 3)).astype(np.float32), rng.normal(size=(9, 16)).astype(np.float32)
    points = Points(tf.constant(xyz), None, tf.constant([0, 5, 9]))
    groups = Groups(tf.constant([1, 3, 2, 8]), tf.constant([0, 2, 3, 4]))
    is_thing = tf.constant([False, True, True, True, False, True, False, True, True])
    found = head(tf.constant(features), points, groups, is_thing)
    assert head.controller.kernel.shape == (16, 337)
    np.testing.assert_array_equal(found.candidates.points, [1, 2, 3, 1, 2, 3, 5, 7, 8])
    np.testing.assert_array_equal(found.candidates.row_splits, [0, 3, 6, 9])
    assert found.logits.shape == (9,)
    nothing = head(tf.constant(features), points, NO_GROUPS, is_thing)
    assert nothing.logits.shape == (0,) and list(nothing.candidates.row_splits) == [0]


def test_initial_weights_are_those_of_the_published_program():
    controller = Controller(337, use_bias=True)
    controller(tf.zeros([1, 64]))
    np.testing.assert_allclose(controller.kernel.numpy().std(), 0.01, rtol=0.05)
    assert not np.any(controller.bias)
    head = DynamicMaskHead(16, 14, 50.0, 0, initializer=SPCONV)
    head.tower[0](tf.zeros([1, 16]))
    assert 0.4 < np.abs(head.tower[0].linear.kernel).max() <= np.sqrt(3 / 16)
    assert head.tower[0].linear.bias is None and head.tower[0].norm.epsilon == 1e-5
