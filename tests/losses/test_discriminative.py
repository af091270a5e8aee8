"""The discriminative loss: ASIS' and JSNet's own figures and gradients, and cases by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.losses.discriminative import REGULARIZER_WEIGHT, discriminative_loss

GOLDEN = Path(__file__).parents[1] / "golden" / "s3dis_losses.npz"


def flat(x):
    return x.reshape(-1, *x.shape[2:])


@pytest.mark.parametrize("system", ["asis", "jsnet"])
@pytest.mark.parametrize("case", [1, 2, 3, 5])
def test_values_and_gradients_of_the_published_programs(case, system):
    with np.load(GOLDEN) as stored:
        of = {k.split("_", 1)[1]: stored[k] for k in stored.files if k.startswith(f"case{case}_")}
    batch, points = of["ins"].shape
    embedding = tf.constant(flat(of["embedding"]))
    with tf.GradientTape() as tape:
        tape.watch(embedding)
        found = discriminative_loss(embedding, flat(of["ins"]), tf.range(batch + 1) * points)
        regularizer = REGULARIZER_WEIGHT * found.regularizer if system == "asis" else 0.0
        total = found.variance + found.distance + regularizer
    published = of[system]
    ours = [total, found.variance, found.distance, *([regularizer] if system == "asis" else [])]
    np.testing.assert_allclose(ours, published[2:], rtol=1e-5, atol=1e-7)
    gradient = tf.convert_to_tensor(tape.gradient(total, embedding))
    np.testing.assert_allclose(gradient, flat(of[f"{system}_de"]), rtol=1e-4, atol=1e-7)


def test_by_hand():
    """Two instances of one cloud: means 0 and (2, 0); points 1 away from the first mean."""
    embedding = tf.constant([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
    found = discriminative_loss(embedding, tf.constant([7, 7, 3]), tf.constant([0, 3]))
    np.testing.assert_allclose(found, [0.5**2 / 2, 1.0, 1.0])


def test_clouds_do_not_meet_and_points_without_an_instance_do_not_count():
    embedding = tf.constant([[1.0], [1.0], [9.0], [1.0]])
    found = discriminative_loss(embedding, tf.constant([0, 0, -1, 0]), tf.constant([0, 3, 4]))
    assert found == (0.0, 0.0, 1.0)


def test_nothing_to_learn():
    with tf.GradientTape() as tape:
        embedding = tf.zeros([3, 5])
        tape.watch(embedding)
        found = discriminative_loss(embedding, tf.constant([-1, -1, -1]), tf.constant([0, 3]))
        total = sum(found)
    assert found == (0.0, 0.0, 0.0)
    assert not np.any(tf.convert_to_tensor(tape.gradient(total, embedding)))


def test_gradient_by_differences():
    rng = np.random.default_rng(0)
    instance, splits = tf.constant(rng.integers(0, 4, 20), tf.int32), tf.constant([0, 12, 20])

    def loss(x):
        return sum(discriminative_loss(x, instance, splits))

    theory, numeric = tf.test.compute_gradient(loss, [tf.constant(rng.normal(size=(20, 3)))], delta=1e-6)
    np.testing.assert_allclose(theory[0], numeric[0], rtol=1e-5, atol=1e-7)
