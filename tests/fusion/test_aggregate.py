"""Aggregation against the equations written as loops over points."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from instance_seg.fusion.aggregate import one_hot_assignment, region_features, spread
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion, Transfer


def random_batch(rng, counts, classes, channels, dtype=np.float64):
    n = sum(counts)
    p = rng.dirichlet(np.ones(classes), n).astype(dtype)
    return p, rng.normal(size=(n, channels)).astype(dtype), np.cumsum([0, *counts]).astype(np.int32)


def aggregate(p, x, row_splits):
    return spread(p, region_features(p, x, row_splits), row_splits)


def equations_3_and_4(p, x):
    z = np.zeros((p.shape[1], x.shape[1]))
    for m in range(p.shape[1]):
        weight = sum(p[i, m] for i in range(len(p)))
        if weight > 0:
            z[m] = sum(p[i, m] * x[i] for i in range(len(p))) / weight
    return np.array([sum(p[i, m] * z[m] for m in range(p.shape[1])) for i in range(len(p))])


@pytest.mark.parametrize("counts", [(7,), (5, 1, 9)])
def test_equals_the_equations_shape_by_shape(counts):
    p, x, splits = random_batch(np.random.default_rng(0), counts, 4, 3)
    want = np.concatenate([equations_3_and_4(p[a:b], x[a:b]) for a, b in zip(splits, splits[1:])])
    np.testing.assert_allclose(aggregate(p, x, tf.constant(splits)), want, atol=1e-12)


def test_class_without_probability_gives_zero_and_a_finite_gradient():
    p = tf.constant([[1.0, 0.0], [1.0, 0.0]])
    x = tf.Variable([[1.0], [3.0]])
    with tf.GradientTape() as tape:
        y = aggregate(p, x, tf.constant([0, 2]))
        loss = tf.reduce_sum(y)
    np.testing.assert_allclose(y, [[2.0], [2.0]])
    np.testing.assert_allclose(tape.gradient(loss, x), [[1.0], [1.0]])


def test_a_shape_never_depends_on_another():
    rng = np.random.default_rng(1)
    p, x, splits = random_batch(rng, (6, 8), 5, 3)
    before = aggregate(p, x, tf.constant(splits)).numpy()
    p[6:], x[6:] = rng.dirichlet(np.ones(5), 8), 100.0
    after = aggregate(p, x, tf.constant(splits)).numpy()
    np.testing.assert_array_equal(before[:6], after[:6])
    assert not np.allclose(before[6:], after[6:])


def test_one_hot_puts_everything_on_the_likeliest_class():
    np.testing.assert_array_equal(
        one_hot_assignment(tf.constant([[0.2, 0.5, 0.3], [0.6, 0.4, 0.0]])), [[0, 1, 0], [1, 0, 0]]
    )


def test_row_splits_of_unknown_length_are_refused():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def run(splits):
        return aggregate(tf.ones([3, 2]), tf.ones([3, 1]), splits)

    with pytest.raises(ValueError, match="static length"):
        run.get_concrete_function()


def test_transfer_before_spreading_equals_transfer_after():
    p, x, splits = random_batch(np.random.default_rng(2), (6, 9), 4, 5, np.float32)
    splits = tf.constant(splits)
    unit = Transfer(7)
    got = unit(region_features(p, x, splits), p, splits, training=True)
    plain = aggregate(p, x, splits) @ tf.convert_to_tensor(unit.linear.kernel)
    want = unit.norm(plain, training=True)
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("stop", [True, False])
def test_stop_gradient(stop):
    p, x, splits = random_batch(np.random.default_rng(3), (6, 4), 3, 5, np.float32)
    logits, x = tf.Variable(np.log(p)), tf.Variable(x)
    fusion = SemanticAssistedFusion(units=4, stop_gradient=stop)
    with tf.GradientTape() as tape:
        fused = fusion(x, [tf.nn.softmax(logits)], tf.zeros([10, 3]), tf.constant(splits), training=True)
        loss = tf.reduce_sum(fused**2)
    to_logits, to_features = tape.gradient(loss, [logits, x])
    assert (to_logits is None) == stop
    assert np.abs(to_features).max() > 0


@pytest.mark.parametrize(("order", "first"), [("released", slice(0, 5)), ("paper", slice(8, 13))])
def test_order_of_the_fused_feature(order, first):
    p, x, splits = random_batch(np.random.default_rng(4), (6,), 3, 5, np.float32)
    xyz = np.random.default_rng(5).normal(size=(6, 3)).astype(np.float32)
    fused = SemanticAssistedFusion(units=4, order=order)(x, [p, p], xyz, tf.constant(splits)).numpy()
    assert fused.shape == (6, 5 + 2 * 4 + 3)
    np.testing.assert_array_equal(fused[:, first], x)
    np.testing.assert_array_equal(fused[:, -3:], xyz)


def test_the_example_of_the_docstring_as_it_stands_there():
    block = SemanticAssistedFusion.__doc__.split("Use it in any model")[1].split("Args:")[0]
    lines = [line.strip() for line in block.splitlines() if line.startswith(" " * 8)]
    assert len(lines) == 3
    rng = np.random.default_rng(7)
    p_coarse, features, row_splits = random_batch(rng, (6, 9), 3, 16, np.float32)
    given = {
        "features": tf.constant(features),
        "p_coarse": tf.constant(p_coarse),
        "p_fine": tf.constant(random_batch(rng, (6, 9), 5, 1, np.float32)[0]),
        "xyz": tf.constant(rng.normal(size=(15, 3)).astype(np.float32)),
        "row_splits": tf.constant(row_splits),
    }
    names = {"SemanticAssistedFusion": SemanticAssistedFusion, "keras": keras, "training": True, **given}
    exec("\n".join(lines), names)
    assert names["fused"].shape == (15, 16 + 2 * 128 + 3) and names["offsets"].shape == (15, 3)


def test_any_number_of_levels_and_an_unknown_order():
    p, x, splits = random_batch(np.random.default_rng(6), (6,), 3, 5, np.float32)
    for levels in (1, 5):
        fused = SemanticAssistedFusion(units=4, transfer=False)(
            x, [p] * levels, np.zeros((6, 3), "f"), tf.constant(splits)
        )
        assert fused.shape == (6, 5 + 5 * levels + 3)
    with pytest.raises(ValueError, match="order='upside'"):
        SemanticAssistedFusion(order="upside")
