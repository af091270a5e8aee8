"""octree_build and octree_neighbors: the reference, graphs and tf.data, refusal of malformed tensors."""

import numpy as np
import pytest
import tensorflow as tf
from kernels import octree_calls as calls
from kernels import octree_example as example
from ops.octree_checks import reads_data

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError


@pytest.mark.parametrize("depth,full_depth", [(1, 1), (5, 2), (6, 0), (16, 3)])
@pytest.mark.parametrize("with_normals", [True, False])
def test_random_batches_equal_reference(depth, full_depth, with_normals):
    xyz, normals, row_splits = calls.random_points(depth, (700, 3, 150))
    arguments = (xyz, normals if with_normals else None, row_splits, depth, full_depth, xyz[:, :2] * 3)
    octree, expected = ops.octree_build(*arguments), reference.octree_build(*arguments)
    for field in ("keys", "children", "neighbors"):
        for got, want in zip(getattr(octree, field), getattr(expected, field)):
            np.testing.assert_array_equal(got, want)
    np.testing.assert_allclose(octree.features, expected.features, rtol=1e-4, atol=1e-4)


def test_batch_is_its_shapes_one_after_the_other():
    xyz, normals, row_splits = calls.random_points(0, (90, 40))
    batch = ops.octree_build(xyz, normals, row_splits, 4)
    alone = [
        ops.octree_build(xyz[a:b], normals[a:b], np.int32([0, b - a]), 4)
        for a, b in zip(row_splits[:-1], row_splits[1:])
    ]
    np.testing.assert_array_equal(batch.features, np.concatenate([o.features for o in alone]))
    np.testing.assert_array_equal(batch.keys[4] // 2**48, np.repeat([0, 1], [len(o.keys[4]) for o in alone]))


def test_neighbors_from_children_alone():
    xyz, _, row_splits = calls.random_points(0, (90, 40))
    octree = ops.octree_build(xyz, None, row_splits, 5, full_depth=1)
    expected = reference.octree_neighbors([c.numpy() for c in octree.children], 1)
    for got, want in zip(ops.octree_neighbors(octree.children, 1), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_in_tf_data_with_static_shapes():
    xyz, normals, row_splits = calls.random_points(0, (60, 40))
    data = tf.data.Dataset.from_tensors((xyz, normals, row_splits)).map(lambda *p: ops.octree_build(*p, 4))
    assert data.element_spec.neighbors[4].shape.as_list() == [None, 27]
    assert data.element_spec.features.shape.as_list() == [None, 4]
    got, want = next(iter(data)), ops.octree_build(xyz, normals, row_splits, 4)
    for a, b in zip(tf.nest.flatten(got), tf.nest.flatten(want)):
        np.testing.assert_array_equal(a, b)


def test_channels_with_features_are_known_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None, 5]), tf.TensorSpec([None], tf.int32)])
    def build(xyz, features, row_splits):
        octree = ops.octree_build(xyz, None, row_splits, 3, features=features)
        assert octree.features.shape.as_list() == [None, 9]
        return octree.features

    assert build(example.XYZ, tf.ones([5, 5]), example.ROW_SPLITS).shape == (32, 9)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"xyz": example.XYZ[:, :2]}, r"xyz has shape \[5,2\]; expected \[N, 3\]"),
        ({"xyz": example.XYZ.ravel()}, r"xyz has shape \[15\]"),
        ({"normals": example.NORMALS[:4]}, r"normals has shape \[4,3\]; expected \[N, 3\] with N = 5"),
        ({"features": np.ones((3, 2), np.float32)}, r"features has shape \[3,2\]"),
        ({"row_splits": np.int32([[0, 3, 5]])}, r"row_splits has shape \[1,3\]"),
        reads_data({"row_splits": np.int32([0, 3, 4])}, r"row_splits must run from 0 to the number of points, 5"),
        reads_data({"row_splits": np.int32([1, 5])}, r"row_splits must run from 0"),
        reads_data({"row_splits": np.int32([])}, r"row_splits must run from 0"),
        reads_data({"row_splits": np.int32([0, 4, 3, 5])}, r"row_splits\[2\] = 3 is less than row_splits\[1\] = 4"),
        reads_data({"row_splits": np.int32([0, 5, 5])}, r"shape 1 of the batch has no points"),
        reads_data(
            {"xyz": example.XYZ[:0], "normals": None, "row_splits": np.int32([0, 0])}, r"shape 0 .* has no points"
        ),
        reads_data(
            {"xyz": np.where(np.eye(5, 3) * 2 == 2, np.nan, example.XYZ)}, r"xyz has NaN or infinity in row 0 of 5"
        ),
        reads_data({"normals": np.full((5, 3), np.inf, np.float32)}, r"normals has NaN or infinity in row 0 of 5"),
        reads_data({"features": np.full((5, 1), np.nan, np.float32)}, r"features has NaN or infinity in row 0"),
        ({"depth": 0}, r"depth = 0 is out of range; expected 1 to 16"),
        ({"depth": 17}, r"depth = 17 is out of range"),
        ({"full_depth": 4}, r"full_depth = 4 is out of range; expected 0 to depth = 3"),
        ({"full_depth": -1}, r"full_depth = -1 is out of range"),
        ({"depth": 12, "full_depth": 12}, r"more than 2\^31 - 1 octants"),
    ],
)
def test_malformed_input(change, message):
    arguments = dict(xyz=example.XYZ, normals=example.NORMALS, row_splits=example.ROW_SPLITS, depth=3)
    with pytest.raises(InvalidArgument, match=message):
        ops.octree_build(**(arguments | change))


@pytest.mark.parametrize(
    "change,message",
    [
        ({"xyz": np.where(np.eye(5, 3) == 1, np.nan, example.XYZ).astype(np.float32)}, "NaN or infinity"),
        ({"row_splits": np.int32([0, 5, 5])}, "has no points|without a single point"),
        ({"row_splits": np.int32([0, 3, 4])}, "row_splits|out of range"),
        ({"row_splits": np.int32([])}, "row_splits"),
    ],
)
def test_bad_points_are_refused_on_every_device(change, message):
    """With the counts comes what a GPU found wrong, though it does not name the row."""
    arguments = dict(xyz=example.XYZ, normals=example.NORMALS, row_splits=example.ROW_SPLITS, depth=3)
    with pytest.raises(InvalidArgument, match=message):
        ops.octree_build(**(arguments | change))


def test_malformed_shape_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 2])])
    def build(xyz):
        return ops.octree_build(xyz, None, [0, 5], 3)

    with pytest.raises(ValueError, match="xyz has shape"):
        build.get_concrete_function()


def corrupted(layer, position, value):
    children = [c.numpy() for c in ops.octree_build(example.XYZ, None, example.ROW_SPLITS, 3).children]
    children[layer][position] = value
    return children


@pytest.mark.reads_data
@pytest.mark.parametrize("value", [5, -2, 2**31 - 1])
def test_neighbors_of_children_that_do_not_count(value):
    with pytest.raises(InvalidArgument, match=r"children\[2\] holds -?\d+ at position 51; expected -1 or 1"):
        ops.octree_neighbors(corrupted(2, 51, value))


def test_neighbors_of_layers_that_do_not_fit():
    children = corrupted(3, 0, 0)
    with pytest.raises(InvalidArgument, match=r"children\[3\] has 31 octants; .*(32 children|expected eight)"):
        ops.octree_neighbors([*children[:3], children[3][:31]])
    with pytest.raises(InvalidArgument, match=r"children\[2\] has 127 octants; the layers above have 128 children"):
        ops.octree_neighbors([*children[:2], children[2][:127], children[3]])
    with pytest.raises(InvalidArgument, match=r"children\[1\] has shape \[16,1\]"):
        ops.octree_neighbors([children[0], children[1][:, None], *children[2:]])
