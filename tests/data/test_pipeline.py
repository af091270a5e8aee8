"""Batches of tensors: the same ones from any start, and octrees of the whole shapes."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.backbones.octree_unet import OctreeUNet
from instance_seg.data.batches import SampleConfig, Split, evaluation_batch, training_batch
from instance_seg.data.partnet.dataset import as_cloud
from instance_seg.data.partnet.partnet import PartNet
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.data.pipeline import build_batch, evaluation_dataset, training_dataset
from instance_seg.data.targets import CenterTargets

VASE = load_taxonomy("Vase")
PARTS = (Part("pot/body", (1, 2)), Part("pot/body/container", (1,)), Part("pot/base", (4,)))
OCTREE = OctreeUNet(depth=4, channels=(4, 4)).tables


def make_shape(seed, num_points):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(num_points, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    labels = rng.integers(1, 5, num_points)
    return LabeledShape(
        points.astype(np.float32), points.astype(np.float32), labels, PARTS, ShapeId(f"m{seed}", str(seed))
    )


@pytest.fixture(scope="module")
def dataset():
    shapes = (make_shape(seed, size) for seed, size in enumerate((90, 80, 70, 60, 50)))
    clouds = [as_cloud(store_shape(shape, VASE, "train")) for shape in shapes]
    return Split(clouds, PartNet(PartNetSettings("Vase")).task(), CenterTargets())


def assert_equal(first, second):
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_starts_at_any_step(dataset):
    config = SampleConfig(batch_size=3, seed=5)
    unbroken = list(training_dataset(dataset, config, OCTREE, num_steps=6))
    resumed = list(training_dataset(dataset, config, OCTREE, start_step=4, num_steps=2, num_workers=1))
    assert len(unbroken) == 6 and len(resumed) == 2
    for expected, found in zip(unbroken[4:], resumed, strict=True):
        assert_equal(expected, found)


def test_parts_of_a_batch_are_the_batch(dataset):
    config = SampleConfig(batch_size=6, seed=5, points_per_shape=20)
    whole = list(training_dataset(dataset, config, OCTREE, start_step=2, num_steps=2))
    first = list(training_dataset(dataset, config, OCTREE, start_step=2, num_steps=2, parts=range(1), num_parts=3))
    others = list(training_dataset(dataset, config, OCTREE, 2, 2, parts=range(1, 3), num_parts=3))
    assert (len(whole), len(first), len(others)) == (2, 2, 4)
    for step in range(2):
        parts = [first[step], *others[2 * step : 2 * step + 2]]
        assert [len(part.index) for part in parts] == [2, 2, 2]
        for field in ("xyz", "features"):
            joined = np.concatenate([getattr(part.points, field) for part in parts])
            np.testing.assert_array_equal(joined, getattr(whole[step].points, field))
        np.testing.assert_array_equal(np.concatenate([p.index for p in parts]), whole[step].index)
    assert first[0].points.row_splits.shape == (3,)


def test_a_batch_is_cut_into_equal_parts_only(dataset):
    with pytest.raises(ValueError, match="train_batch_size=4 must be a multiple of the 3 replicas"):
        training_dataset(dataset, SampleConfig(batch_size=4), OCTREE, num_parts=3)


def test_training_has_no_end(dataset):
    steps = training_dataset(dataset, SampleConfig(batch_size=2), OCTREE, start_step=10**9)
    assert len(list(steps.take(3))) == 3


def test_tensors_hold_the_arrays(dataset):
    config = SampleConfig(batch_size=3, seed=5, points_per_shape=20)
    (batch,) = training_dataset(dataset, config, OCTREE, start_step=2, num_steps=1)
    expected = training_batch(dataset, config, 2)
    assert_equal(
        (batch.points, batch.labels, batch.targets, batch.index),
        (expected.points, expected.labels, expected.targets, expected.index),
    )


def occupied(xyz, depth):
    """Distinct voxels of one shape's points."""
    voxels = np.clip(np.floor((xyz + 1) * 2 ** (depth - 1)).astype(int), 0, 2**depth - 1)
    return len(np.unique(voxels, axis=0))


def test_octree_has_the_whole_cloud_while_few_points_are_labeled(dataset):
    config = SampleConfig(batch_size=3, seed=5, points_per_shape=20)
    (batch,) = training_dataset(dataset, config, OCTREE, num_steps=1)
    cloud = training_batch(dataset, config, 0).cloud
    shapes = np.split(cloud.xyz, cloud.row_splits[1:-1])
    assert np.sum(batch.tables.octree.children[4].numpy() >= 0) == sum(occupied(xyz, 4) for xyz in shapes)
    assert len(batch.points.xyz) == 60


def test_interpolation_weights_sum_to_one(dataset):
    (batch,) = training_dataset(dataset, SampleConfig(batch_size=2), OCTREE, num_steps=1)
    index, weight = batch.tables.index.numpy(), batch.tables.weight.numpy()
    assert index.shape == weight.shape == (len(batch.points.xyz), 8)
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-6)
    assert (weight[index < 0] == 0).all() and index.max() < len(batch.tables.octree.keys[4])


def test_evaluation_goes_through_all_shapes_once(dataset):
    batches = list(evaluation_dataset(dataset, 2, OCTREE))
    assert [batch.index.numpy().tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    for first, batch in zip((0, 2, 4), batches):
        expected = evaluation_batch(dataset, first, 2)
        assert_equal((batch.points, batch.labels, batch.targets), (expected.points, expected.labels, expected.targets))


def test_static_shapes_reach_the_graph(dataset):
    spec = training_dataset(dataset, SampleConfig(batch_size=3), OCTREE).element_spec
    assert spec.points.xyz.shape == [None, 3] and spec.points.row_splits.shape == [4]
    assert spec.index.shape == [3] and spec.tables.index.shape == [None, 8]
    assert len(spec.labels) == len(spec.targets) == 3 and len(spec.tables.octree.keys) == 5
    ragged = evaluation_dataset(dataset, 3, OCTREE).element_spec
    assert ragged.index.shape == [None]


def test_clouds_without_labels_and_tables_of_any_kind(dataset):
    split = Split([cloud._replace(labels=()) for cloud in dataset.clouds], dataset.task, CenterTargets())

    def sizes(cloud, points):
        return {"cloud": tf.shape(cloud.xyz)[0], "labeled": tf.shape(points.xyz)[0]}

    config = SampleConfig(batch_size=3, points_per_shape=20)
    for batch in training_dataset(split, config, sizes, num_steps=2):
        assert batch.labels == batch.targets == ()
        assert batch.tables["labeled"] == len(batch.points.xyz) == 60 < batch.tables["cloud"]
    (batch,) = evaluation_dataset(split, 5, sizes)
    assert batch.labels == batch.targets == () and batch.tables["cloud"] == batch.tables["labeled"] == 350


def test_a_batch_of_a_sample_is_that_of_the_pipeline(dataset):
    (batch,) = evaluation_dataset(dataset, 5, OCTREE)
    sample = tf.nest.map_structure(tf.constant, evaluation_batch(dataset, 0, 5))
    assert_equal(build_batch(sample, OCTREE), batch)
