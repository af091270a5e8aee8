"""Half precision: the types that come out, and the same numbers as in float32 up to rounding."""

import numpy as np
import pytest
import tensorflow as tf
from ops.op_examples import examples, with_gradients

import ocnn_tf_ops as ops

pytestmark = pytest.mark.usefixtures("device")
ALONE = [[-1] * 13 + [0] + [-1] * 13]  # the neighbors of an octant that has none but itself
EXAMPLES = {example.name: example for example in examples()}
PRECISION = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def assert_near(got, want, precision, name):
    """Within a few roundings of the largest number."""
    got, want = tf.cast(got, tf.float32).numpy(), want.numpy()
    np.testing.assert_allclose(got, want, atol=4 * precision * np.abs(want).max(), rtol=0, err_msg=name)


@pytest.mark.parametrize("half", sorted(PRECISION))
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_half_equals_float32_up_to_rounding(name, half):
    example = EXAMPLES[name]
    y, gradients = with_gradients(example, tf.as_dtype(half))
    expected, expected_gradients = with_gradients(example, tf.float32)
    num_features = len(example.features)
    assert y.dtype == half
    assert [g.dtype.name for g in gradients[:num_features]] == [half] * num_features
    assert all(g.dtype == tf.float32 for g in gradients[num_features:])
    assert_near(y, expected, PRECISION[half], name)
    for got, want in zip(gradients, expected_gradients):
        assert_near(got, want, PRECISION[half], name)


def test_half_results_are_float32_ones_rounded():
    """Sums run in float32: one rounding at the end, not one at each of the 2,000 steps."""
    x, weights = tf.ones([1, 2000], tf.float16), tf.fill([27, 2000, 1], tf.constant(1 + 2**-10, tf.float16))
    assert ops.octree_conv(x, weights, ALONE).numpy().item() == np.float16(2000 * (1 + 2**-10))


@pytest.mark.parametrize("half", sorted(PRECISION))
def test_statistics_of_half_features_are_float32(half):
    x = tf.cast([[1.0, 2.0], [4.0, 6.0], [1.0, 4.0]], half)
    mean, variance = ops.moments(x)
    assert mean.dtype == variance.dtype == tf.float32
    np.testing.assert_allclose(mean, [2, 4], rtol=1e-6)
    np.testing.assert_allclose(variance, [2, 8 / 3], rtol=1e-6)


def test_largest_float16_overflows_to_infinity_and_nan_stays():
    x = tf.constant([[30000.0, 30000.0], [0.0, np.nan]], tf.float16)
    y, nan = (ops.octree_conv(row[None], tf.fill([27, 2, 1], tf.constant(2.0, tf.float16)), ALONE) for row in x)
    assert np.isinf(y.numpy()).all() and np.isnan(nan.numpy()).all()


def test_interpolation_weights_stay_float32():
    """2^-14 beside 1 would be lost in bfloat16, were it not for the float32 weights."""
    weight = tf.constant([[1.0, 2.0**-14, *[0.0] * 6]])
    y = ops.weighted_gather(tf.constant([[0.0], [2.0**14]], tf.bfloat16), [[0, 1, *[-1] * 6]], weight)
    assert float(y[0, 0]) == 1.0


def test_nearest_neighbors_of_half_features():
    x = tf.constant([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]], tf.float16)
    index, distance = ops.nearest_neighbors(x, [0, 3], x, [0, 3], 2)
    assert distance.dtype == tf.float32
    np.testing.assert_array_equal(index, [[0, 1], [1, 0], [2, 0]])
    np.testing.assert_array_equal(distance, [[0, 1], [0, 1], [0, 9]])


@pytest.mark.reads_data
def test_checks_are_the_same():
    with pytest.raises(tf.errors.InvalidArgumentError, match="index holds the index 4 at position 1"):
        ops.gather_rows(tf.zeros([4, 2], tf.float16), [0, 4])


def test_no_rows():
    x = tf.zeros([0, 3], tf.bfloat16)
    assert ops.octree_conv(x, tf.zeros([27, 3, 2], tf.bfloat16), tf.zeros([0, 27], tf.int32)).shape == (0, 2)
    assert ops.gather_rows(x, tf.fill([2], -1)).numpy().tolist() == [[0, 0, 0]] * 2
