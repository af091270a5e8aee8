"""The fusion of JSNet against its formulas, shape by shape."""

import numpy as np
import tensorflow as tf

from instance_seg.fusion.jsnet import gated, jsnet_exchange, shape_mean

SPLITS = tf.constant([0, 5, 12])
S, I = (np.random.default_rng(seed).normal(size=(12, 4)).astype(np.float32) for seed in (0, 1))


def gate(x):
    return x / (1 + np.exp(-x.mean(axis=1, keepdims=True)))


def test_gate():
    np.testing.assert_allclose(gated(tf.constant(S)), gate(S), atol=1e-6)
    np.testing.assert_allclose(gated(tf.constant([[2.0, -2.0]])), [[1.0, -1.0]])


def test_mean_of_each_shape():
    want = np.concatenate([np.tile(S[a:b].mean(axis=0), (b - a, 1)) for a, b in ((0, 5), (5, 12))])
    np.testing.assert_allclose(shape_mean(tf.constant(S), SPLITS), want, atol=1e-6)


def test_semantic_to_instance():
    layer, _ = jsnet_exchange(4)
    got = layer(tf.constant(I), tf.constant(S))
    mixed = I + layer.unit(tf.constant(S)).numpy()
    np.testing.assert_allclose(got, gate(np.concatenate([I, mixed], axis=1)), atol=1e-6)


def test_instance_to_semantic_takes_the_mean_of_the_shape():
    _, layer = jsnet_exchange(4)
    exchanged = tf.constant(np.random.default_rng(2).normal(size=(12, 8)).astype(np.float32))
    got = layer(tf.constant(S), exchanged, None, SPLITS)
    moved = layer.unit(exchanged).numpy()
    mean = np.concatenate([np.tile(moved[a:b].mean(axis=0), (b - a, 1)) for a, b in ((0, 5), (5, 12))])
    np.testing.assert_allclose(got, gate(np.concatenate([S, S + mean], axis=1)), atol=1e-6)
