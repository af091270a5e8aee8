"""Sparse voxels: the reference, spconv's and PointGroup's own results, dense convolutions, shapes without points."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, normal

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference

GOLDEN = Path(__file__).parents[1] / "golden"
InvalidArgument = tf.errors.InvalidArgumentError


def random_voxels(seed: int, sizes: tuple[int, ...], side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """voxels [N, 3] of a random walk, several points in many of them; row_splits; features [N, 4]."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-1, 2, (sum(sizes), 3)), axis=0)
    voxels = (walk - walk.min(axis=0, initial=0)) % side
    return voxels.astype(np.int32), np.cumsum([0, *sizes], dtype=np.int32), rng.normal(size=(sum(sizes), 4))


def assert_same(got, want):
    np.testing.assert_allclose(got.features, want.features, rtol=1e-5, atol=1e-6)
    compared = 0
    for field in ("point_voxel", "coordinates", "row_splits", "neighbors", "children", "parents"):
        for a, b in zip(tf.nest.flatten(getattr(got, field)), tf.nest.flatten(getattr(want, field)), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=field)
            compared += 1
    assert compared >= 1 + 3 * len(want.coordinates)


@pytest.mark.parametrize(
    ("sizes", "side", "depth", "num_levels"),
    [
        ((300, 1, 0, 90), 13, 4, 3),  # odd, and a shape without points
        ((500,), 2048, 11, 7),
        ((200, 100), 5, 3, 4),  # down to one voxel a shape
        ((60,), 7, 16, 1),
        ((1,), 2048, 11, 7),
        ((7,), 1, 1, 2),  # one voxel
        ((0, 0), 8, 3, 2),
        ((), 8, 3, 2),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_equals_reference(sizes, side, depth, num_levels, cut):
    voxels, row_splits, features = random_voxels(0, sizes, side)
    extent = np.int32([side, side, side + 1]) if cut else None
    got = ops.sparse_voxels(voxels, row_splits, depth, num_levels, features, extent)
    assert_same(got, reference.sparse_voxels(voxels, row_splits, depth, num_levels, features, extent))


def test_tables_are_symmetric_and_each_other_read_backward():
    voxels, row_splits, features = random_voxels(1, (400, 200), 21)
    tables = ops.sparse_voxels(voxels, row_splits, 5, 3, features)
    pairs = [(n, n[:, ::-1]) for n in (table.numpy() for table in tables.neighbors)]
    pairs += [(c.numpy(), p.numpy()) for c, p in zip(tables.children, tables.parents)]
    assert len(pairs) == 5
    for table, adjoint in pairs:
        rows, cells = np.nonzero(table >= 0)
        assert len(rows) == (adjoint >= 0).sum()
        np.testing.assert_array_equal(adjoint[table[rows, cells], cells], rows)


def golden_tables():
    """spconv's scenes, its coordinates [n, 4] and the tables cut as it cuts them, and where it has each voxel."""
    golden = np.load(GOLDEN / "sparse.npz")
    coords = golden["A_coords"]
    order = np.argsort(coords[:, 0], kind="stable")
    splits = np.searchsorted(coords[order, 0], np.arange(coords[:, 0].max() + 2))
    voxels = coords[order, 1:]
    tables = ops.sparse_voxels(voxels, splits, 6, 2, golden["A_x"][order].astype(np.float64), golden["A_shape"])
    shapes = np.repeat(np.arange(len(splits) - 1), np.diff(tables.row_splits[1]))
    ours = [tuple(row) for row in np.column_stack([shapes, tables.coordinates[1]])]
    theirs = {tuple(row): i for i, row in enumerate(golden["A_down_coords"])}
    assert set(ours) == theirs.keys() and len(ours) == len(theirs) and golden["A_lost"].any()
    fine = np.empty(len(coords), int)
    fine[tables.point_voxel] = order  # one point a voxel
    return golden, tables, fine, np.array([theirs[row] for row in ours])


@pytest.mark.parametrize("kind", ["subm", "down", "up"])
def test_convolutions_are_those_of_spconv(kind):
    golden, tables, fine, coarse = golden_tables()
    lost = np.zeros(len(fine), bool)
    lost[np.argsort(fine)] = golden["A_lost"]
    np.testing.assert_array_equal((tables.parents[0].numpy() < 0).all(axis=1), lost)
    links = tables.children[0], tables.parents[0]
    table, adjoint, rows_in, rows_out, x = {
        "subm": (tables.neighbors[0], None, fine, fine, golden["A_x"]),
        "down": (*links, fine, coarse, golden["A_x"]),
        "up": (*links[::-1], coarse, fine, golden["A_up_x"]),
    }[kind]
    weights = golden[f"A_{kind}_w"]
    x = tf.constant(x[rows_in], tf.float64)
    w = tf.constant(weights.reshape(-1, *weights.shape[3:]), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch([x, w])
        y = ops.gather_conv(x, w, table, adjoint)
    dx, dw = tape.gradient(y, [x, w], tf.constant(golden[f"A_{kind}_dy"][rows_out], tf.float64))
    np.testing.assert_allclose(y, golden[f"A_{kind}_y"][rows_out], atol=1e-4)
    np.testing.assert_allclose(dx, golden[f"A_{kind}_dx"][rows_in], atol=1e-4)
    np.testing.assert_allclose(dw, golden[f"A_{kind}_dw"].reshape(w.shape), atol=1e-4)


def test_voxels_means_and_gradient_are_those_of_pointgroup():
    golden = np.load(GOLDEN / "voxelize.npz")
    scene, voxels = golden["pt_coords"][:, 0], golden["pt_coords"][:, 1:]
    assert (np.diff(scene) >= 0).all()
    features = tf.constant(golden["pt_feats"])
    with tf.GradientTape() as tape:
        tape.watch(features)
        splits = np.searchsorted(scene, np.arange(scene.max() + 2))
        depth = int(voxels.max()).bit_length()
        tables = ops.sparse_voxels(voxels.astype(np.int32), splits, depth, 1, features)
    theirs = np.empty(len(golden["pt_voxels"]), int)  # theirs are in order of their first points
    theirs[tables.point_voxel] = golden["pt_p2v"]
    assert len(tables.features) == len(theirs)
    np.testing.assert_array_equal(tables.coordinates[0], golden["pt_voxels"][theirs, 1:])
    np.testing.assert_allclose(tables.features, golden["pt_mean"][theirs], atol=1e-5)
    gradient = tape.gradient(tables.features, features, tf.constant(golden["pt_dout"][theirs]))
    np.testing.assert_allclose(gradient, golden["pt_dfeats"], atol=1e-5)


def test_gradient_of_the_means():
    voxels, row_splits, _ = random_voxels(2, (12, 5), 3)
    check_gradient(lambda f: ops.sparse_voxels(voxels, row_splits, 2, 2, f).features, normal(0, 17, 2))


def test_static_shapes_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.int32), tf.TensorSpec([3], tf.int64)])
    def run(voxels, splits):
        tables = ops.sparse_voxels(voxels, splits, 4, 3, tf.ones([tf.shape(voxels)[0], 5]))
        assert [t.shape.as_list() for t in (*tables.neighbors, *tables.children)] == [[None, 27]] * 3 + [[None, 8]] * 2
        assert tables.features.shape.as_list() == [None, 5] and tables.row_splits[2].shape.as_list() == [3]
        return tables.coordinates[2]

    np.testing.assert_array_equal(run([[0, 5, 15], [15, 0, 1]], [0, 1, 2]), [[0, 1, 3], [3, 0, 0]])


@pytest.mark.parametrize(
    "change,message",
    [
        ({"voxels": [[0, 8, 0]]}, "voxels has 8 in row 0; expected 0 to 2.depth - 1 = 7"),
        ({"voxels": [[0, 0, -1]]}, "voxels has -1 in row 0"),
        ({"row_splits": [0, 2]}, "row_splits must run from 0 to the number of points, 1"),
        ({"row_splits": [0]}, "row_splits must run from 0 to the number of points, 1"),
        ({"num_levels": 5}, "num_levels = 5 is out of range; expected 1 to depth . 1 = 4"),
        ({"num_levels": 2**20}, "num_levels = 1048576 is out of range; expected 1 to 17"),
        ({"num_levels": 0}, "num_levels = 0 is out of range; expected 1 to 17"),
        ({"depth": 17}, "depth = 17 is out of range; expected 1 to 16"),
        ({"features": tf.zeros([2, 4])}, "grad_y has shape"),
    ],
)
def test_malformed(change, message):
    good = {"voxels": [[0, 7, 0]], "row_splits": [0, 1], "depth": 3, "num_levels": 2, "features": tf.zeros([1, 4])}
    with pytest.raises(InvalidArgument, match=message):
        ops.sparse_voxels(**good | change)
