"""NumPy batches: what depends on what, and what augmentation does to labels and centers."""

import numpy as np
import pytest

from instance_seg.data.augment import AugmentConfig, random_motion
from instance_seg.data.batches import SampleConfig, evaluation_batch, shape_indices, training_batch
from instance_seg.data.partnet.dataset import PartNetDataset, prepare_shape
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.taxonomy import load_taxonomy

VASE = load_taxonomy("Vase")
PARTS = (Part("pot/body", (1, 2)), Part("pot/body/container", (1,)), Part("pot/base", (4,)))


def make_shape(seed, num_points):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(num_points, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)  # on the sphere: augmentation pushes some out of the cube
    labels = rng.integers(1, 5, num_points)
    return LabeledShape(points.astype(np.float32), points.astype(np.float32), labels, PARTS, f"m{seed}", str(seed))


def make_dataset(sizes=(60, 50, 40, 30, 20)):
    shapes = tuple(prepare_shape(make_shape(seed, size), VASE) for seed, size in enumerate(sizes))
    return PartNetDataset("Vase", "train", shapes)


DATASET = make_dataset()
CONFIG = SampleConfig(batch_size=3, seed=7)


def flat(sample):
    """All arrays of a sample."""
    return [*sample.cloud, *sample.points, *(array for level in sample.labels for array in level), sample.shape_index]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(flat(first), flat(second)))


def test_each_epoch_is_a_permutation_and_batches_run_across_epochs():
    drawn = np.concatenate([shape_indices(3, step, 4, 5) for step in range(25)]).reshape(20, 5)
    assert (np.sort(drawn, axis=1) == np.arange(5)).all()
    assert len({tuple(epoch) for epoch in drawn}) > 10


def test_batch_larger_than_the_dataset():
    assert sorted(shape_indices(0, 0, 6, 2)) == [0, 0, 0, 1, 1, 1]


def test_order_depends_on_the_seed():
    assert not np.array_equal(shape_indices(0, 0, 50, 50), shape_indices(1, 0, 50, 50))


def test_a_batch_depends_on_seed_and_step_alone():
    again = training_batch(make_dataset(), SampleConfig(batch_size=3, seed=7), 11)
    assert equal(training_batch(DATASET, CONFIG, 11), again)
    assert not equal(training_batch(DATASET, CONFIG, 12), again)
    assert not equal(training_batch(DATASET, SampleConfig(batch_size=3, seed=8), 11), again)


def test_shapes_twice_in_a_batch_move_differently():
    batch = training_batch(make_dataset((100,)), SampleConfig(batch_size=2), 0)
    assert not np.allclose(batch.labels[0].instance_center[0], batch.labels[0].instance_center[-1])


def test_training_batch_holds_the_points_inside_the_cube_with_their_labels():
    batch = training_batch(DATASET, CONFIG, 0)
    splits = batch.cloud.row_splits
    assert splits.dtype == np.int32 and splits[0] == 0 and splits[-1] == len(batch.cloud.xyz)
    assert np.abs(batch.cloud.xyz).max() <= 1
    sizes = [len(DATASET.shapes[index].points) for index in batch.shape_index]
    assert (np.diff(splits) <= sizes).all() and (np.diff(splits) < sizes).any()
    assert [array.dtype for array in batch.labels[0]] == [np.int32, np.int32, np.float32, np.float32]


def test_centers_move_with_the_points():
    """Offsets to the centers turn and grow as normals do, so a point's offset times scale is the rotated old one."""
    config = SampleConfig(batch_size=1, seed=3, augmentation=AugmentConfig(scale_min=0.5, scale_max=0.5))
    batch = training_batch(DATASET, config, 0)
    shape = DATASET.shapes[batch.shape_index[0]]
    assert len(batch.points.xyz) == len(shape.points)
    level, labels = shape.levels[2], batch.labels[2]
    instance_offset = level.centers.instance[level.instance + 1] - shape.points
    region_offset = level.centers.region[level.semantic] - shape.points
    for new, old in (
        (labels.instance_center - batch.points.xyz, instance_offset),
        (labels.region_center - batch.points.xyz, region_offset),
    ):
        np.testing.assert_allclose(np.linalg.norm(new, axis=1), 0.5 * np.linalg.norm(old, axis=1), atol=1e-6)
        angles_new, angles_old = (np.sum(new * batch.points.normals, axis=1), np.sum(old * shape.normals, axis=1))
        np.testing.assert_allclose(angles_new, 0.5 * angles_old, atol=1e-6)


def test_dropped_points_still_count_for_the_centers():
    batch = training_batch(
        make_dataset((500,)), SampleConfig(batch_size=1, augmentation=AugmentConfig(scale_min=1.25)), 0
    )
    assert len(batch.points.xyz) < 500
    first = batch.labels[0].instance == 0
    center = batch.labels[0].instance_center[first]
    assert (center == center[0]).all()
    assert np.abs(center[0] - batch.points.xyz[first].mean(axis=0)).max() > 1e-4


def test_a_subset_is_labelled_while_the_cloud_is_whole():
    whole = training_batch(DATASET, CONFIG, 4)
    some = training_batch(DATASET, SampleConfig(batch_size=3, seed=7, points_per_shape=25), 4)
    for found, expected in zip(some.cloud, whole.cloud):
        np.testing.assert_array_equal(found, expected)
    sizes = np.diff(whole.cloud.row_splits)
    np.testing.assert_array_equal(np.diff(some.points.row_splits), np.minimum(sizes, 25))
    row_of = {tuple(xyz): row for row, xyz in enumerate(whole.points.xyz)}
    rows = np.array([row_of[tuple(xyz)] for xyz in some.points.xyz])
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(some.labels[2].region_center, whole.labels[2].region_center[rows])
    np.testing.assert_array_equal(some.labels[1].semantic, whole.labels[1].semantic[rows])


def test_no_augmentation():
    batch = training_batch(DATASET, SampleConfig(batch_size=2, augmentation=AugmentConfig(augment=False)), 0)
    shapes = [DATASET.shapes[index] for index in batch.shape_index]
    np.testing.assert_array_equal(batch.points.xyz, np.concatenate([shape.points for shape in shapes]))


def test_a_shape_that_leaves_the_cube_is_taken_unmoved():
    shape = make_shape(0, 40)
    shape = prepare_shape(shape._replace(points=np.sign(shape.points) * np.float32([1, 0, 0])), VASE)  # two far points
    dataset = PartNetDataset("Vase", "train", (shape,))
    config = AugmentConfig(scale_min=1.25, rotation_degrees=0, translation=0.01)
    assert np.abs(random_motion(config, np.random.default_rng(0)).move(shape.points)).max(axis=1).min() > 1
    batch = training_batch(dataset, SampleConfig(batch_size=1, augmentation=config), 0)
    np.testing.assert_array_equal(batch.points.xyz, shape.points)


def test_evaluation_batches_are_whole_and_in_order():
    first, last = evaluation_batch(DATASET, 0, 3), evaluation_batch(DATASET, 3, 3)
    assert first.shape_index.tolist() == [0, 1, 2] and last.shape_index.tolist() == [3, 4]
    assert last.points.row_splits.tolist() == [0, 30, 50] and last.cloud.row_splits.tolist() == [0, 30, 50]
    np.testing.assert_array_equal(last.points.xyz[30:], DATASET.shapes[4].points)
    np.testing.assert_array_equal(last.labels[2].instance[30:], DATASET.shapes[4].levels[2].instance)


@pytest.mark.parametrize("fields", [{"batch_size": 0}, {"seed": -1}, {"points_per_shape": -5}])
def test_impossible_settings(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        SampleConfig(**fields)
