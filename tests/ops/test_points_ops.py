"""Point operations in TensorFlow: against plain NumPy, numerical Jacobians, static shapes, malformed tensors."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, normal, reads_data

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import points_reference as reference

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError
SPLITS, QUERY_SPLITS = np.int32([0, 40, 42, 100]), np.int32([0, 7, 9, 20])


def clouds():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (100, 3)).astype(np.float32), rng.uniform(-1, 1, (20, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ball_query", (0.7, 6)),
        ("nearest_neighbors", (5, "l1")),
        ("nearest_neighbors", (5, "l2")),
        ("three_neighbors", ()),
    ],
)
def test_searches_equal_reference(name, more):
    xyz, queries = clouds()
    got = getattr(ops, name)(xyz, SPLITS, queries, QUERY_SPLITS, *more)
    want = getattr(reference, name)(xyz, SPLITS, queries, QUERY_SPLITS, *more)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_allclose(got[1], want[1], rtol=1e-4)


def test_farthest_points_equal_reference():
    xyz, _ = clouds()
    np.testing.assert_array_equal(ops.farthest_points(xyz, SPLITS, 8), reference.farthest_points(xyz, SPLITS, 8))


def test_three_neighbors_of_a_lone_point_take_all_of_it():
    index, weight = ops.three_neighbors(tf.zeros([1, 3]), [0, 1], tf.ones([2, 3]), [0, 2])
    np.testing.assert_array_equal(index, [[0, -1, -1]] * 2)
    np.testing.assert_array_equal(weight, [[1, 0, 0]] * 2)
    np.testing.assert_array_equal(ops.weighted_gather([[3.0, 4.0]], index, weight), [[3, 4]] * 2)


def test_gathers_equal_reference():
    rng = np.random.default_rng(1)
    x, index = rng.normal(size=(9, 4)).astype(np.float32), rng.integers(-1, 9, (5, 6)).astype(np.int32)
    weight = rng.uniform(size=(5, 6)).astype(np.float32)
    np.testing.assert_array_equal(ops.gather_rows(x, index), reference.gather_rows(x, index))
    np.testing.assert_array_equal(ops.gather_rows(x, index[0]), reference.gather_rows(x, index[0]))
    np.testing.assert_array_equal(ops.neighbor_max(x, index), reference.neighbor_max(x, index))
    rows = rng.normal(size=(5, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(ops.sum_rows(rows, index, 9), reference.sum_rows(rows, index, 9), rtol=1e-5, atol=1e-6)
    for count in range(7):
        table = index[:, :count], weight[:, :count]
        np.testing.assert_allclose(ops.weighted_gather(x, *table), reference.weighted_gather(x, *table), rtol=1e-5)


def test_gradients():
    index = tf.constant(np.random.default_rng(2).integers(-1, 6, (5, 4)), tf.int32)
    weight, x = normal(3, 5, 4), normal(4, 6, 3)
    check_gradient(lambda v: ops.gather_rows(v, index), x)
    check_gradient(lambda v: ops.neighbor_max(v, index), x)
    check_gradient(lambda v: ops.sum_rows(v, index[0], 6), normal(5, 4, 2))
    check_gradient(lambda v: ops.weighted_gather(v, index, weight), x)


def test_second_derivative_of_gathering():
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(ops.gather_rows(x, tf.constant([1, 1, -1, 0])) ** 3)
        return tape.gradient(y, x)

    check_gradient(gradient, normal(5, 3, 2))


def test_searches_have_no_gradient():
    xyz, queries = map(tf.constant, clouds())
    with tf.GradientTape() as tape:
        tape.watch([xyz, queries])
        _, weight = ops.three_neighbors(xyz, SPLITS, queries, QUERY_SPLITS)
    assert tape.gradient(weight, [xyz, queries]) == [None, None]


def test_static_shapes_in_a_graph():
    signature = [tf.TensorSpec([None, 3]), tf.TensorSpec([3], tf.int32), tf.TensorSpec([None, 5])]

    @tf.function(input_signature=signature)
    def run(xyz, splits, x):
        sample = ops.farthest_points(xyz, splits, 4)
        assert sample.shape.as_list() == [8]
        centers = ops.gather_rows(xyz, sample)
        index, count = ops.ball_query(xyz, splits, centers, [0, 4, 8], 0.5, 6)
        assert (index.shape.as_list(), count.shape.as_list()) == ([8, 6], [8])
        near, distance = ops.nearest_neighbors(x, splits, x, splits, 2)
        assert near.shape.as_list() == distance.shape.as_list() == [None, 2]
        assert ops.neighbor_max(x, index).shape.as_list() == [8, 5]
        return ops.gather_rows(x, index)

    assert run(clouds()[0], [0, 30, 100], tf.ones([100, 5])).shape == (8, 6, 5)


def test_no_queries():
    xyz, _ = clouds()
    index, _ = ops.nearest_neighbors(xyz, SPLITS, xyz[:0], [0, 0, 0, 0], 3)
    assert ops.neighbor_max(xyz, index).shape == (0, 3)


def call(name, **change):
    xyz, queries = clouds()
    arguments = dict(row_splits=SPLITS, queries=queries, query_splits=QUERY_SPLITS)
    if name == "ball_query":
        arguments |= dict(xyz=xyz, radius=0.5, max_neighbors=3)
    else:
        arguments |= dict(x=xyz, num_neighbors=3)
    return getattr(ops, name)(**(arguments | change))


@pytest.mark.parametrize("name", ["ball_query", "nearest_neighbors"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        reads_data(
            {"row_splits": np.int32([0, 40, 42, 99])}, "row_splits must run from 0 to the number of points, 100"
        ),
        reads_data(
            {"query_splits": np.int32([0, 7, 5, 20])}, r"query_splits\[2\] = 5 is less than query_splits\[1\] = 7"
        ),
        ({"query_splits": np.int32([0, 20])}, r"query_splits has shape \[2\]; expected \[B \+ 1\] with B \+ 1 = 4"),
        ({"queries": np.zeros((20, 2), np.float32)}, r"queries has shape \[20,2\]"),
    ],
)
def test_malformed_searches(name, change, message):
    with pytest.raises(InvalidArgument, match=message):
        call(name, **change)


def test_malformed_settings():
    xyz, _ = clouds()
    with pytest.raises(InvalidArgument, match="num_neighbors = 0 is out of range"):
        call("nearest_neighbors", num_neighbors=0)
    with pytest.raises(InvalidArgument, match="norm"):
        call("nearest_neighbors", norm="l3")
    with pytest.raises(InvalidArgument, match="radius = -1"):
        call("ball_query", radius=-1.0)
    with pytest.raises(InvalidArgument, match="num_samples = 0"):
        ops.farthest_points(xyz, SPLITS, 0)


@pytest.mark.reads_data
def test_points_that_cannot_be_sampled():
    with pytest.raises(InvalidArgument, match="a shape without a single point"):
        ops.farthest_points(clouds()[0], [0, 100, 100], 2)
    with pytest.raises(InvalidArgument, match="xyz has NaN or infinity in row 1 of 2"):
        ops.farthest_points([[0.0, 0, 0], [0, np.nan, 0]], [0, 2], 2)


@pytest.mark.parametrize("splits", [[], [0]])
def test_row_splits_without_a_shape(splits):
    xyz, none = tf.zeros([0, 3]), tf.constant(splits, tf.int32)
    for function in (
        lambda: ops.farthest_points(xyz, none, 2),
        lambda: ops.nearest_neighbors(xyz, none, xyz, none, 2),
        lambda: ops.octree_interpolation_table(xyz, none, tf.zeros([0], tf.int64), 2),
    ):
        with pytest.raises(InvalidArgument, match="row_splits"):
            function()


@pytest.mark.reads_data
@pytest.mark.parametrize("function", [ops.gather_rows, ops.neighbor_max])
def test_index_out_of_range(function):
    with pytest.raises(InvalidArgument, match="index holds the index 4 at position 1; expected .* 0 to 3"):
        function(tf.zeros([4, 2]), tf.constant([[0, 4]]))
