"""Entropy by hand and against scipy."""

import numpy as np
import scipy.special
import scipy.stats

from instance_seg.clustering.entropy import entropy, entropy_of_logits


def test_entropy_by_hand():
    p = np.array([[0.5, 0.5, 0, 0], [1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]], np.float32)
    h = entropy(p)
    assert h.dtype == np.float32
    np.testing.assert_allclose(h, [np.log(2), 0, np.log(4)], rtol=1e-6)


def test_logits_and_probabilities_agree_with_scipy():
    logits = np.random.default_rng(0).normal(0, 5, (200, 39)).astype(np.float32)
    p = scipy.special.softmax(logits.astype(np.float64), axis=1)
    expected = scipy.stats.entropy(p, axis=1)
    np.testing.assert_allclose(entropy_of_logits(logits), expected, atol=2e-6)
    np.testing.assert_allclose(entropy(p), expected, atol=2e-6)


def test_extreme_logits_are_certain_and_none_are_fine():
    assert entropy_of_logits(np.array([[1e4, -1e4], [-1e4, 1e4]])).tolist() == [0, 0]
    np.testing.assert_allclose(entropy_of_logits(np.full((1, 8), -1e4)), [np.log(8)], rtol=1e-6)
    assert entropy_of_logits(np.empty((0, 4))).shape == (0,)
    assert entropy(np.empty((0, 4))).shape == (0,)
