"""Padding and pooling: the reference, gradients, refusals."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, normal, random_octree

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference
from ocnn_tf_ops.python.points_reference import gather_rows

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError
CHILDREN = np.array([-1, 0, -1, 1, 2], np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_reference(dtype):
    _, _, octree = random_octree(0, (500, 2, 60), 5)
    x, children = normal(0, len(octree.keys[5]), 3, dtype=dtype).numpy(), [c.numpy() for c in octree.children]
    depadded = ops.octree_depad(x, children[5]).numpy()
    np.testing.assert_array_equal(depadded, reference.octree_depad(x, children[5]))
    np.testing.assert_array_equal(ops.gather_rows(depadded, children[5], once=True), gather_rows(depadded, children[5]))
    y, mask = ops.octree_max_pool(x, children[4])
    expected, expected_mask = reference.octree_max_pool(x, children[4])
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(mask, expected_mask)
    back = ops.octree_max_unpool(y, mask, children[4])
    np.testing.assert_array_equal(back, reference.octree_max_unpool(expected, expected_mask, children[4]))


def test_depad_counts_or_is_told():
    x = normal(0, 5, 2)
    want = [1, 3, 4]
    for number in (None, 3, tf.constant(3)):
        np.testing.assert_array_equal(ops.octree_depad(x, CHILDREN, number), x.numpy()[want])
    assert ops.octree_depad(x, tf.fill([5], -1)).shape == (0, 2)
    assert ops.octree_depad(tf.zeros([0, 2]), tf.zeros([0], tf.int32)).shape == (0, 2)


def test_gradients_of_padding():
    check_gradient(lambda x: ops.gather_rows(x, CHILDREN, once=True), normal(0, 3, 2))
    check_gradient(lambda x: ops.octree_depad(x, CHILDREN), normal(0, 5, 2))


def test_gradients_of_pooling():
    children = np.array([-1, 0, 1], np.int32)
    x, mask = normal(0, 16, 2), tf.constant([[3, 0], [8, 15]])
    check_gradient(lambda x: ops.octree_max_pool(x, children)[0], x)
    check_gradient(lambda x: ops.octree_max_unpool(x, mask, children), normal(1, 3, 2))


def test_second_derivatives_of_pooling():
    children = np.array([-1, 0, 1], np.int32)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(ops.octree_max_pool(x, children)[0] ** 3)
        return tape.gradient(y, x)

    check_gradient(gradient, normal(0, 16, 2))


def test_static_shapes_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int32)])
    def pool(x, children):
        y, mask = ops.octree_max_pool(x, children)
        assert y.shape.as_list() == mask.shape.as_list() == [None, 4]
        assert ops.octree_depad(y, children).shape.as_list() == [None, 4]
        assert ops.octree_max_unpool(y, mask, children).shape.as_list() == [None, 4]
        return y

    assert pool(tf.ones([8, 4]), [0, -1]).shape == (2, 4)


def test_nothing():
    none = tf.zeros([0], tf.int32)
    assert ops.gather_rows(tf.zeros([0, 2]), none, once=True).shape == (0, 2)
    assert ops.gather_rows(tf.zeros([0, 2]), [-1, -1], once=True).numpy().tolist() == [[0, 0], [0, 0]]
    y, mask = ops.octree_max_pool(tf.zeros([0, 2]), none)
    assert y.shape == mask.shape == (0, 2)


@pytest.mark.reads_data
@pytest.mark.parametrize("value", [-2, 0, 5, 2**31 - 1])
def test_children_that_do_not_count(value):
    children = CHILDREN.copy()
    children[3] = value
    with pytest.raises(InvalidArgument, match=rf"index holds {value} at position 3; expected -1 or 1"):
        ops.gather_rows(tf.zeros([3, 2]), children, once=True)
    with pytest.raises(InvalidArgument, match=rf"children holds {value} at position 3; expected -1 or 1"):
        ops.octree_depad(tf.zeros([5, 2]), children)


def test_malformed_shapes():
    with pytest.raises(InvalidArgument, match=r"children has shape \[5\]; expected \[M\] with M = 4"):
        ops.octree_depad(tf.zeros([4, 2]), CHILDREN)
    with pytest.raises(InvalidArgument, match=r"x has shape \[4\]; expected \[N, C\]"):
        ops.gather_rows(tf.zeros([4]), CHILDREN, once=True)
    with pytest.raises(InvalidArgument, match="x has 12 rows; expected whole groups of eight siblings"):
        ops.octree_max_pool(tf.zeros([12, 2]), CHILDREN)
    with pytest.raises(InvalidArgument, match=r"mask has shape \[3,4\]; expected \[G, C\] with G = 3, C = 2"):
        ops.octree_max_unpool(tf.zeros([5, 2]), tf.zeros([3, 4], tf.int32), CHILDREN)


@pytest.mark.reads_data
@pytest.mark.parametrize("number", [2, 4])
def test_wrong_number_of_nonempty_octants(number):
    with pytest.raises(InvalidArgument, match=f"x has {number} rows; index has 3 entries that are not -1"):
        ops.gather_rows(tf.zeros([number, 2]), CHILDREN, once=True)
    with pytest.raises(InvalidArgument, match=f"num_nonempty is {number}; children has 3 entries that are not -1"):
        ops.octree_depad(tf.zeros([5, 2]), CHILDREN, number)
    with pytest.raises(InvalidArgument, match=f"num_nonempty is {number}; children has 3 entries that are not -1"):
        ops.octree_max_unpool(tf.zeros([5, 2]), tf.zeros([number, 2], tf.int32), CHILDREN)


@pytest.mark.reads_data
@pytest.mark.parametrize("value", [-1, 8, 2**31 - 1])
def test_mask_outside_its_group(value):
    with pytest.raises(InvalidArgument, match="mask: a size, depth or index is out of range"):
        ops.octree_max_unpool(tf.zeros([1, 1]), [[value]], [0])
