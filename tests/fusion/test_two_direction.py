"""The path from semantic to instance features, and the readings of fusion that are switches."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.fusion.aggregate import one_hot_assignment, region_features, spread
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.fusion.two_direction import SemanticPath

INSTANCE, SEMANTIC = (tf.constant(np.random.default_rng(s).normal(size=(7, 5)), tf.float32) for s in (0, 1))


def test_added_or_put_beside():
    add, beside = SemanticPath(5, "add"), SemanticPath(3, "concat")
    np.testing.assert_allclose(add(INSTANCE, SEMANTIC), INSTANCE + add.unit(SEMANTIC), atol=1e-6)
    want = np.concatenate([INSTANCE, beside.unit(SEMANTIC)], axis=1)
    np.testing.assert_allclose(beside(INSTANCE, SEMANTIC), want, atol=1e-6)


@pytest.mark.parametrize("gradient", [True, False])
def test_gradient_of_the_path(gradient):
    with tf.GradientTape() as tape:
        tape.watch([INSTANCE, SEMANTIC])
        y = tf.reduce_sum(SemanticPath(5, gradient=gradient)(INSTANCE, SEMANTIC) ** 2)
    to_instance, to_semantic = tape.gradient(y, [INSTANCE, SEMANTIC])
    assert to_instance is not None and (to_semantic is not None) == gradient


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode='sideways' is unknown"):
        SemanticPath(mode="sideways")


def fuse(probabilities, **settings):
    fusion = SemanticAssistedFusion(transfer=False, **settings)
    return fusion(INSTANCE, probabilities, tf.zeros([7, 3]), tf.constant([0, 3, 7]))


def probabilities(seed):
    return tf.nn.softmax(tf.constant(np.random.default_rng(seed).normal(size=(7, 3)), tf.float32))


def test_one_hot_gives_the_mean_feature_of_the_predicted_part():
    p, splits = probabilities(2), (0, 3, 7)
    label = np.argmax(p, axis=1)
    fused = fuse([p], hard_assign=True).numpy()[:, 5:10]
    for first, last in zip(splits, splits[1:]):
        for i in range(first, last):
            same = [j for j in range(first, last) if label[j] == label[i]]
            np.testing.assert_allclose(fused[i], INSTANCE.numpy()[same].mean(axis=0), atol=1e-6)


def test_one_hot_in_spreading_alone():
    p, splits = probabilities(2), tf.constant([0, 3, 7])
    want = spread(one_hot_assignment(p), region_features(p, INSTANCE, splits), splits)
    np.testing.assert_allclose(fuse([p], hard_assign=True, hard_in="spread")[:, 5:10], want, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        ({}, (False, False)),
        ({"stop_gradient": False}, (True, True)),
        ({"stop_gradient": False, "gradient_to": "own"}, (True, False)),
        ({"stop_gradient": False, "gradient_to": "others"}, (False, True)),
    ],
)
def test_whose_probabilities_get_gradient(settings, reached):
    sources = [probabilities(2), probabilities(3)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y = tf.reduce_sum(fuse(sources, **settings) ** 2)
    assert tuple(g is not None for g in tape.gradient(y, sources)) == reached


@pytest.mark.parametrize("name", ["gradient_to", "hard_in"])
def test_unknown_switch(name):
    with pytest.raises(ValueError, match=f"{name}='maybe' is unknown"):
        SemanticAssistedFusion(**{name: "maybe"})
