"""The fusion of ASIS against loops over points."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.fusion.asis import NeighborPooling, asis_exchange

SPLITS = np.int32([0, 9, 10, 24])


def features(seed, channels=4):
    return np.random.default_rng(seed).normal(size=(24, channels)).astype(np.float32)


def nearest_maximum(semantic, where, k, cutoff=np.inf):
    out = np.empty_like(semantic)
    for first, last in zip(SPLITS, SPLITS[1:]):
        for i in range(first, last):
            distance = np.abs(where[first:last] - where[i]).sum(axis=1)
            near = [first + j for j in np.argsort(distance, kind="stable")[:k] if distance[j] <= cutoff]
            out[i] = semantic[near].max(axis=0)
    return out


@pytest.mark.parametrize("k", [1, 3, 30])
def test_pools_over_neighbors_in_feature_space(k):
    semantic, instance = features(0), features(1)
    got = NeighborPooling(k)(semantic, instance, features(2, 3), SPLITS)
    np.testing.assert_array_equal(got, nearest_maximum(semantic, instance, k))


@pytest.mark.parametrize(("cutoff", "limit"), [(0.8, 0.8), (0.0, np.inf)])
def test_pools_over_neighbors_among_shifted_points(cutoff, limit):
    semantic, shifted = features(0), features(2, 3)
    got = NeighborPooling(5, "shifted", cutoff)(semantic, features(1), shifted, SPLITS)
    np.testing.assert_array_equal(got, nearest_maximum(semantic, shifted, 5, limit))


def test_gradient_goes_to_the_maxima_and_not_through_the_search():
    semantic, instance = tf.constant(features(0)), tf.constant(features(1))
    with tf.GradientTape() as tape:
        tape.watch([semantic, instance])
        y = tf.reduce_sum(NeighborPooling(3)(semantic, instance, features(2, 3), SPLITS))
    to_semantic, to_instance = tape.gradient(y, [semantic, instance])
    assert to_instance is None
    assert float(tf.reduce_sum(to_semantic)) == 24 * 4  # every output has one source


def test_the_exchange_adds_semantics_to_instances():
    to_instance, pooling = asis_exchange(4, num_neighbors=2)
    semantic, instance = tf.constant(features(0, 6)), tf.constant(features(1))
    got = to_instance(instance, semantic, training=True)
    np.testing.assert_allclose(got, instance + to_instance.unit(semantic, training=True), atol=1e-6)
    assert (pooling.num_neighbors, pooling.space, pooling.cutoff) == (2, "features", 0.0)


def test_unknown_space():
    with pytest.raises(ValueError, match="space='here' is unknown; choose one of"):
        NeighborPooling(space="here")
