"""Components of near points: brute force, PointGroup's own results, a limit that makes the relation one-sided."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import points_reference as reference

InvalidArgument = tf.errors.InvalidArgumentError


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("max_neighbors", [3, 10, 1000])
@pytest.mark.parametrize("min_points", [1, 4])
@pytest.mark.parametrize("sizes", [(200, 1, 0, 99), (1,), (0,), (300,)])
def test_equals_brute_force(sizes, max_neighbors, min_points):
    rng = np.random.default_rng(0)
    # distances are exact, and some equal the radius
    xyz = (rng.integers(-16, 16, (sum(sizes), 3)) / 128).astype(np.float32)
    labels = rng.integers(0, 3, len(xyz)).astype(np.int32)
    splits = np.cumsum([0, *sizes], dtype=np.int32)
    arguments = (xyz, labels, splits, 8 / 128, max_neighbors, min_points)
    want = reference.radius_components(*arguments)
    assert_same(ops.radius_components(*arguments), want)
    assert len(want[1]) > 1 or sum(sizes) < min_points


@pytest.mark.parametrize(("kind", "radius"), [("p", 0.03), ("q", 0.03), ("dyco", 0.02)])
def test_clusters_are_those_of_the_published_programs(kind, radius):
    golden = np.load(Path(__file__).parents[1] / "golden" / "clusters.npz")
    rows, xyz = golden["dense_objects"], golden["dense_coords"]
    if kind != "p":
        xyz = xyz + golden["dense_offset"]
    scenes = golden["dense_batch"][rows]
    splits = np.searchsorted(scenes, np.arange(scenes.max() + 2))
    members, found = ops.radius_components(xyz[rows], golden["dense_sem"][rows], splits, radius, 1000, 50)
    np.testing.assert_array_equal(found, golden[f"dense_{kind}_off"])
    np.testing.assert_array_equal(rows[members], golden[f"dense_{kind}_idx"][:, 1])


def test_limit_counts_points_of_all_labels():
    """1,100 chairs, then 400 sofas in one ball: the first 1,000 chairs alone are anybody's neighbors."""
    labels = np.repeat([0, 1], [1100, 400]).astype(np.int32)
    members, splits = ops.radius_components(np.zeros([1500, 3], np.float32), labels, [0, 1500], 0.03, 1000, 50)
    assert_same((members, splits), (np.arange(1000), [0, 1000]))


def test_one_sided_relation_depends_on_the_order_of_seeds():
    """Row 2 has rows 0 and 1 as its first two neighbors; they do not have it, so it comes alone, after them."""
    xyz = tf.zeros([3, 3])
    assert_same(ops.radius_components(xyz, [5, 5, 5], [0, 3], 1.0, 2, 1), ([0, 1, 2], [0, 2, 3]))
    assert_same(ops.radius_components(xyz, [5, 5, 5], [0, 3], 1.0, 3, 1), ([0, 1, 2], [0, 3]))


def test_radius_is_strict_and_far_points_share_no_cell():
    xyz = tf.constant([[0.0, 0, 0], [0.5, 0, 0], [1e30, 0, 0], [-1e30, 0, 0], [1e30, 0, 0]])
    assert_same(ops.radius_components(xyz, [0] * 5, [0, 5], 0.5, 9, 1), ([0, 1, 2, 4, 3], [0, 1, 2, 4, 5]))
    assert_same(ops.radius_components(xyz, [0] * 5, [0, 5], 0.51, 9, 2), ([0, 1, 2, 4], [0, 2, 4]))


def test_runs_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32)])
    def run(xyz, labels):
        return ops.radius_components(xyz, labels, [0, tf.shape(xyz)[0]], 0.1, 5, 1)

    assert_same(run(tf.zeros([2, 3]), [1, 2]), ([0, 1], [0, 1, 2]))


@pytest.mark.parametrize(
    "change,message",
    [
        ({"xyz": [[0.0, np.nan, 0]]}, "xyz has NaN or infinity in row 0 of 1"),
        ({"labels": [0, 1]}, r"labels has shape \[2\]; expected \[N\] with N = 1"),
        ({"row_splits": [0, 2]}, "row_splits must run from 0 to the number of points, 1"),
        ({"radius": 0.0}, "radius = 0 is out of range; expected a positive number"),
        ({"max_neighbors": 0}, "max_neighbors = 0 is out of range"),
        ({"min_points": 0}, "min_points = 0 is out of range"),
    ],
)
def test_malformed(change, message):
    good = {"xyz": [[0.0, 0, 0]], "labels": [0], "row_splits": [0, 1]}
    good |= {"radius": 1.0, "max_neighbors": 5, "min_points": 1}
    with pytest.raises(InvalidArgument, match=message):
        ops.radius_components(**good | change)
