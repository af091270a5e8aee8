"""What no op may take: attributes, sizes and lists out of range, by name, in a tf.function as outside of one."""

import numpy as np
import pytest
import tensorflow as tf

import ocnn_tf_ops as ops
from ocnn_tf_ops.python.loader import tf_ops

InvalidArgument = tf.errors.InvalidArgumentError
HUGE = 2**62
XYZ, SPLITS = tf.zeros([5, 3]), tf.constant([0, 5])
CHANNELS = [tf.zeros([3])] * 4


def empty(*shape: int) -> tf.Tensor:
    return tf.zeros(shape)


def build(**change):
    arguments = dict(normals=[], features=[], num_depths=3, full_depth=2) | change
    return tf_ops().ocnn_octree_build(XYZ, SPLITS, **arguments)


def normalize_grad(count: int):
    settings = dict(epsilon=0.1, slope=1.0, batch_statistics=False)
    return tf_ops().ocnn_normalize_grad(
        tf.ones([2, 3]), tf.ones([2, 3]), *CHANNELS, [tf.ones([2, 3])] * count, **settings
    )


INTEGERS = {
    "num_samples": (lambda v: ops.farthest_points(XYZ, SPLITS, v), 1, 2**20),
    "max_neighbors": (lambda v: ops.ball_query(XYZ, SPLITS, XYZ, SPLITS, 0.1, v), 1, 2**20),
    "num_neighbors": (lambda v: ops.nearest_neighbors(XYZ, SPLITS, XYZ, SPLITS, v), 1, 2**20),
    "num_depths": (lambda v: build(num_depths=v), 1, 17),
    "full_depth": (lambda v: build(full_depth=v), 0, 16),
    "depth": (lambda v: ops.octree_interpolation_table(XYZ, SPLITS, tf.zeros([8], tf.int64), v), 1, 16),
}


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integer_attributes_have_a_range(name, wrap):
    call, least, most = INTEGERS[name]
    for value in (least - 1, -(2**31), most + 1, 65536 * 2**15, 2**58, HUGE, 2**63 - 1):
        with pytest.raises((InvalidArgument, ValueError), match=f"{name}.*{value}"):
            wrap(lambda value=value: call(value))()


@pytest.mark.parametrize("count", [32768, 65536])
def test_number_of_depths_is_refused_before_tensorflow_makes_room_for_them(count):
    with pytest.raises(InvalidArgument, match=f"num_depths = {count} is out of range; expected 1 to 17"):
        build(num_depths=count)
    with pytest.raises(InvalidArgument, match=f"num_depths = {count} is out of range; expected 1 to 17"):
        ops.octree_neighbors([tf.zeros([1], tf.int32)] * count)


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("num_normals", lambda: build(normals=[XYZ, XYZ])),
        ("num_normals", lambda: build(normals=[XYZ, tf.zeros([2])])),
        ("num_extra", lambda: build(features=[tf.zeros([5, 2]), tf.zeros([4, 2])])),
        ("num_shortcuts", lambda: normalize_grad(2)),
    ],
)
def test_optional_inputs_are_at_most_one(name, call, wrap):
    with pytest.raises((InvalidArgument, ValueError), match=f"{name} = .* is out of range; expected"):
        wrap(call)()


def test_optional_inputs_are_taken():
    assert build(normals=[XYZ + 1], features=[tf.zeros([5, 2])]).node_features.shape[1] == 6
    assert normalize_grad(1).grad_shortcut[0].shape == (2, 3)


def minus_ones(*shape: int) -> tf.Tensor:
    return tf.fill(shape, -1)


def beyond_int32():
    """op, its arguments, the one with a dimension of 2^62."""
    none = tf.zeros([0], tf.int32)
    yield "gather_rows", (empty(0, HUGE), minus_ones(3)), "x"
    yield "gather_rows_grad", (empty(0, HUGE), none, empty(0, HUGE)), "grad_y"
    yield "weighted_gather", (empty(0, HUGE), minus_ones(3, 8), tf.zeros([3, 8])), "x"
    yield "neighbor_max", (empty(0, HUGE), minus_ones(3, 27)), "x"
    yield "octree_max_unpool", (empty(HUGE, 0), tf.zeros([HUGE, 0], tf.int32)), "x"
    yield "octree_conv_grad_weights", (empty(0, 8), empty(0, HUGE), tf.zeros([0, 27], tf.int32)), "grad_y"
    yield "moments", (empty(0, HUGE),), "x"


@pytest.mark.parametrize(
    ("name", "arguments", "tensor"), beyond_int32(), ids=lambda value: value if type(value) is str else ""
)
def test_sizes_beyond_int32_are_refused(name, arguments, tensor):
    op = getattr(tf_ops(), f"ocnn_{name}")
    settings = {"U": tf.float32} if name == "moments" else {}
    for function in (op, tf.function(op)):
        with pytest.raises((InvalidArgument, ValueError), match=f"{tensor} has shape .*{HUGE}.*at most 2147483647"):
            function(*arguments, **settings)


LARGE = 2**31 - 1


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("y", lambda: ops.gather_rows(empty(0, LARGE), minus_ones(1024))),
        ("y", lambda: ops.weighted_gather(empty(0, LARGE), minus_ones(1024, 3), tf.zeros([1024, 3]))),
        ("source|y", lambda: ops.neighbor_max(empty(0, LARGE), minus_ones(1024, 27))),
        (
            "grad_weights",
            lambda: tf_ops().ocnn_octree_conv_grad_weights(
                empty(0, LARGE), empty(0, LARGE), tf.zeros([0, 27], tf.int32)
            ),
        ),
        (
            "index",
            lambda: ops.ball_query(
                tf.zeros([2**20 + 1, 3]), [0, 2**20 + 1], tf.zeros([2**20 + 1, 3]), [0, 2**20 + 1], 0.1, 2**20
            ),
        ),
    ],
)
def test_outputs_of_too_many_elements_are_named(name, call):
    with pytest.raises(
        InvalidArgument, match=f"({name}) would have the shape .*; expected at most 1099511627776 elements"
    ):
        call()


def test_an_index_has_at_most_253_dimensions():
    x = tf.ones([2, 3])
    assert ops.gather_rows(x, tf.zeros([1] * 253, tf.int32)).shape == [1] * 253 + [3]
    deep = tf.zeros([1] * 254, tf.int32)
    with pytest.raises((InvalidArgument, ValueError), match="at most rank 253"):
        tf.function(ops.gather_rows)(x, deep)
    unknown = tf.function(ops.gather_rows, input_signature=[tf.TensorSpec(None), tf.TensorSpec(None, tf.int32)])
    for function in (ops.gather_rows, unknown):
        with pytest.raises(InvalidArgument, match="y would have the shape .*; expected at most .* 254 dimensions"):
            function(x, deep)
    with pytest.raises(InvalidArgument, match="grad_y has shape .*; expected"):
        tf_ops().ocnn_gather_rows_grad(tf.ones([1] * 253 + [3]), deep, x)


def test_gradient_of_the_deepest_index():
    x = tf.ones([2, 3])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ops.gather_rows(x, tf.ones([1] * 253, tf.int32))
    np.testing.assert_array_equal(tape.gradient(y, x), [[0] * 3, [1] * 3])


SPLIT_CALLS = {
    "octree_build": lambda s: ops.octree_build(XYZ + 0.1, None, s, 3).keys,
    "octree_interpolation_table": lambda s: ops.octree_interpolation_table(XYZ, s, tf.range(8, dtype=tf.int64), 1),
    "farthest_points": lambda s: ops.farthest_points(XYZ, s, 2),
    "ball_query": lambda s: ops.ball_query(XYZ, s, XYZ, s, 0.5, 3),
    "nearest_neighbors": lambda s: ops.nearest_neighbors(XYZ, s, XYZ, s, 3),
    "three_neighbors": lambda s: ops.three_neighbors(XYZ, s, XYZ, s),
}


@pytest.mark.parametrize("name", SPLIT_CALLS)
def test_row_splits_are_int32_or_int64(name):
    call = SPLIT_CALLS[name]
    want = tf.nest.flatten(call(tf.constant([0, 2, 5], tf.int32)))
    ragged = tf.RaggedTensor.from_row_lengths(XYZ, tf.constant([2, 3], tf.int64)).row_splits
    assert ragged.dtype == tf.int64
    for splits in (ragged, np.array([0, 2, 5]), [0, 2, 5]):
        for got, expected in zip(tf.nest.flatten(call(splits)), want, strict=True):
            np.testing.assert_array_equal(got, expected)
    for got, expected in zip(tf.nest.flatten(tf.function(call)(ragged)), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)  # a graph's divisions are optimized


@pytest.mark.parametrize("name", SPLIT_CALLS)
@pytest.mark.parametrize("last", [2**32 + 5, -(2**32) + 5, 2**63 - 1])
def test_int64_row_splits_do_not_wrap_around(name, last):
    with pytest.raises(InvalidArgument, match="must run from 0 to the number of points, 5"):
        SPLIT_CALLS[name](tf.constant([0, 2, last], tf.int64))
