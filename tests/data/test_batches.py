"""NumPy batches: what depends on what, and what augmentation does to labels and centers."""

import numpy as np
import pytest

from instance_seg.data.augment import AugmentConfig, random_motion
from instance_seg.data.batches import SampleConfig, Split, evaluation_batch, shape_indices, training_batch
from instance_seg.data.partnet.dataset import as_cloud
from instance_seg.data.partnet.partnet import PartNet
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.data.targets import CenterTargets, center_tables
from instance_seg.structures import Cloud, Level, Task

VASE = load_taxonomy("Vase")
TASK = PartNet(PartNetSettings("Vase")).task()
PARTS = (Part("pot/body", (1, 2)), Part("pot/body/container", (1,)), Part("pot/base", (4,)))


def make_shape(seed, num_points):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(num_points, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)  # on the sphere: augmentation pushes some out of the cube
    labels = rng.integers(1, 5, num_points)
    return LabeledShape(
        points.astype(np.float32), points.astype(np.float32), labels, PARTS, ShapeId(f"m{seed}", str(seed))
    )


def make_dataset(sizes=(60, 50, 40, 30, 20)):
    return split_of(make_shape(seed, size) for seed, size in enumerate(sizes))


def split_of(shapes):
    return Split([as_cloud(store_shape(shape, VASE, "train")) for shape in shapes], TASK, CenterTargets())


DATASET = make_dataset()
CONFIG = SampleConfig(batch_size=3, seed=7)


def flat(sample):
    """All arrays of a sample."""
    levels = [array for nest in (sample.labels, sample.targets) for level in nest for array in level]
    return [*sample.cloud, *sample.points, *levels, sample.index]


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(flat(first), flat(second), strict=True))


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
    assert not np.allclose(batch.targets[0].instance[0], batch.targets[0].instance[-1])


def test_training_batch_holds_the_points_inside_the_cube_with_their_labels():
    batch = training_batch(DATASET, CONFIG, 0)
    splits = batch.cloud.row_splits
    assert splits.dtype == np.int32 and splits[0] == 0 and splits[-1] == len(batch.cloud.xyz)
    assert np.abs(batch.cloud.xyz).max() <= 1
    sizes = [len(DATASET.clouds[index].xyz) for index in batch.index]
    assert (np.diff(splits) <= sizes).all() and (np.diff(splits) < sizes).any()
    assert [array.dtype for array in batch.labels[0]] == [np.int32, np.int32]
    assert [array.dtype for array in batch.targets[0]] == [np.float32, np.float32]
    assert batch.labels and len(batch.targets) == len(batch.labels)
    assert all(len(array) == splits[-1] for level in (*batch.labels, *batch.targets) for array in level)


def test_centers_move_with_the_points():
    """Offsets to the centers turn and grow as normals do, so a point's offset times scale is the rotated old one."""
    config = SampleConfig(batch_size=1, seed=3, augmentation=AugmentConfig(scale_min=0.5, scale_max=0.5))
    batch = training_batch(DATASET, config, 0)
    cloud = DATASET.clouds[batch.index[0]]
    assert len(batch.points.xyz) == len(cloud.xyz)
    labels, centers = cloud.labels[2], batch.targets[2]
    tables = center_tables(cloud.xyz, *labels, VASE.levels[2].num_classes)
    instance_offset = tables.instance[labels.instance + 1] - cloud.xyz
    region_offset = tables.region[labels.semantic + 1] - cloud.xyz
    for new, old in (
        (centers.instance - batch.points.xyz, instance_offset),
        (centers.region - batch.points.xyz, region_offset),
    ):
        np.testing.assert_allclose(np.linalg.norm(new, axis=1), 0.5 * np.linalg.norm(old, axis=1), atol=1e-6)
        angles_new, angles_old = (np.sum(new * batch.points.features, axis=1), np.sum(old * cloud.features, axis=1))
        np.testing.assert_allclose(angles_new, 0.5 * angles_old, atol=1e-6)


def test_dropped_points_still_count_for_the_centers():
    batch = training_batch(
        make_dataset((500,)), SampleConfig(batch_size=1, augmentation=AugmentConfig(scale_min=1.25)), 0
    )
    assert len(batch.points.xyz) < 500
    first = batch.labels[0].instance == 0
    center = batch.targets[0].instance[first]
    assert (center == center[0]).all()
    assert np.abs(center[0] - batch.points.xyz[first].mean(axis=0)).max() > 1e-4


def test_a_subset_is_labeled_while_the_cloud_is_whole():
    whole = training_batch(DATASET, CONFIG, 4)
    some = training_batch(DATASET, SampleConfig(batch_size=3, seed=7, points_per_shape=25), 4)
    for found, expected in zip(some.cloud, whole.cloud, strict=True):
        np.testing.assert_array_equal(found, expected)
    sizes = np.diff(whole.cloud.row_splits)
    np.testing.assert_array_equal(np.diff(some.points.row_splits), np.minimum(sizes, 25))
    row_of = {tuple(xyz): row for row, xyz in enumerate(whole.points.xyz)}
    rows = np.array([row_of[tuple(xyz)] for xyz in some.points.xyz])
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(some.targets[2].region, whole.targets[2].region[rows])
    np.testing.assert_array_equal(some.labels[1].semantic, whole.labels[1].semantic[rows])


def test_no_augmentation():
    batch = training_batch(DATASET, SampleConfig(batch_size=2, augmentation=AugmentConfig(augment=False)), 0)
    clouds = [DATASET.clouds[index] for index in batch.index]
    np.testing.assert_array_equal(batch.points.xyz, np.concatenate([cloud.xyz for cloud in clouds]))


def test_a_shape_that_leaves_the_cube_is_taken_unmoved():
    shape = make_shape(0, 40)
    dataset = split_of([shape._replace(points=np.sign(shape.points) * np.float32([1, 0, 0]))])  # two far points
    xyz = dataset.clouds[0].xyz
    config = AugmentConfig(scale_min=1.25, rotation_degrees=0, translation=0.01)
    assert np.abs(random_motion(config, np.random.default_rng(0)).move(xyz)).max(axis=1).min() > 1
    batch = training_batch(dataset, SampleConfig(batch_size=1, augmentation=config), 0)
    np.testing.assert_array_equal(batch.points.xyz, xyz)


WARPED = {"warp_scale": 0.7, "warp_taper": 0.4, "warp_bend": 0.3}


def test_a_warped_batch_depends_on_seed_and_step_alone():
    config = SampleConfig(batch_size=3, seed=7, augmentation=AugmentConfig(**WARPED, normal_noise=0.2, uneven=0.6))
    batch = training_batch(DATASET, config, 11)
    assert equal(batch, training_batch(make_dataset(), config, 11))
    assert not equal(batch, training_batch(DATASET, config, 12))
    assert not equal(batch, training_batch(DATASET, CONFIG, 11))


def test_warped_shapes_fill_the_unit_sphere_and_aim_at_their_own_centers():
    """Normals are those of the warped sphere; centers are the means of warped points, not the warped means."""
    still = {"rotation_degrees": 0, "scale_min": 1, "scale_max": 1, "translation": 0}
    config = SampleConfig(batch_size=1, augmentation=AugmentConfig(**WARPED, **still))
    batch = training_batch(make_dataset((400,)), config, 0)
    xyz, (labels, *_), (centers, *_) = batch.points.xyz, batch.labels, batch.targets
    assert len(xyz) == 400 and np.linalg.norm(xyz, axis=1).max() == pytest.approx(1, abs=1e-5)
    assert np.ptp(xyz, axis=0).min() < 1.9 and np.ptp(np.linalg.norm(xyz, axis=1)) > 0.05
    np.testing.assert_allclose(np.linalg.norm(batch.points.features, axis=1), 1, atol=1e-6)
    first = labels.instance == 0
    np.testing.assert_allclose(centers.instance[first], np.tile(xyz[first].mean(axis=0), (first.sum(), 1)), atol=1e-6)


def test_noise_on_normals_leaves_positions_alone():
    plain, noisy = (
        training_batch(DATASET, SampleConfig(seed=1, augmentation=AugmentConfig(normal_noise=noise)), 0).points
        for noise in (0.05, 0.3)
    )
    np.testing.assert_allclose(plain.xyz, noisy.xyz, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(noisy.features, axis=1), 1, atol=1e-6)
    assert 0.05 < np.linalg.norm(plain.features - noisy.features, axis=1).mean() < 0.6


def test_uneven_sampling_thins_one_end():
    config = SampleConfig(batch_size=1, augmentation=AugmentConfig(uneven=0.9, scale_max=0.8, translation=0))
    split = make_dataset((4000,))
    kept = [training_batch(split, config, step).points for step in range(20)]
    sizes = np.array([len(points.xyz) for points in kept])
    assert 4000 * 0.5 < sizes.min() < 4000 * 0.65 and sizes.max() < 4000
    sparsest = kept[int(sizes.argmin())].xyz
    assert np.linalg.norm(sparsest.mean(axis=0)) > 0.05  # the points of a whole sphere balance


def test_evaluation_batches_are_whole_and_in_order():
    first, last = evaluation_batch(DATASET, 0, 3), evaluation_batch(DATASET, 3, 3)
    assert first.index.tolist() == [0, 1, 2] and last.index.tolist() == [3, 4]
    assert last.points.row_splits.tolist() == [0, 30, 50] and last.cloud.row_splits.tolist() == [0, 30, 50]
    np.testing.assert_array_equal(last.points.xyz[30:], DATASET.clouds[4].xyz)
    np.testing.assert_array_equal(last.labels[2].instance[30:], DATASET.clouds[4].labels[2].instance)


def test_points_beyond_the_cube_stay_unless_they_are_cropped():
    """A cloud in meters: nothing leaves [-1, 1]^3 that was not beyond it."""
    clouds = [cloud._replace(xyz=5 * cloud.xyz) for cloud in DATASET.clouds]
    config = SampleConfig(batch_size=5, augmentation=AugmentConfig(augment_crop=False))
    batch = training_batch(Split(clouds, TASK, CenterTargets()), config, 0)
    np.testing.assert_array_equal(np.diff(batch.cloud.row_splits), [len(clouds[index].xyz) for index in batch.index])
    assert np.linalg.norm(batch.cloud.xyz, axis=1).min() > 2
    unmoved = np.concatenate([clouds[index].xyz for index in batch.index])
    assert np.abs(batch.cloud.xyz - unmoved).max() > 0.1
    classes = np.concatenate([clouds[index].labels[0].semantic for index in batch.index])
    np.testing.assert_array_equal(batch.labels[0].semantic, classes)


def test_without_targets_nothing_is_aimed_at_and_the_rest_is_the_same():
    batch, plain = (training_batch(each, CONFIG, 2) for each in (DATASET, Split(DATASET.clouds, TASK)))
    assert plain.targets == () and len(batch.targets) == 3
    assert equal(plain, batch._replace(targets=()))


def test_clouds_without_labels():
    """Neither labels nor targets, though the system has some."""
    split = Split([cloud._replace(labels=()) for cloud in DATASET.clouds], TASK, CenterTargets())
    for plain, batch in (
        (training_batch(split, CONFIG, 2), training_batch(DATASET, CONFIG, 2)),
        (evaluation_batch(split, 0, 3), evaluation_batch(DATASET, 0, 3)),
    ):
        assert plain.labels == plain.targets == ()
        assert equal(plain, batch._replace(labels=(), targets=()))


class CountedTargets:
    """Aims at the size of the point's class in its whole cloud, and at the moved origin."""

    def __init__(self):
        self.prepared = []

    def prepare(self, cloud, task):
        self.prepared.append((cloud.name, task))
        return np.bincount(cloud.labels[0].semantic, minlength=9)

    def at(self, prepared, labels, motion):
        return prepared[labels[0].semantic], (motion.move(np.zeros((len(labels[0].semantic), 3))),)


def test_targets_are_prepared_once_a_cloud_and_may_be_any_nest():
    targets = CountedTargets()
    split = Split(DATASET.clouds[:2], TASK, targets)
    batches = [training_batch(split, SampleConfig(batch_size=2), step) for step in range(3)]
    assert sorted(targets.prepared) == sorted((cloud.name, TASK) for cloud in split.clouds)
    for batch in batches:
        sizes, (shift,) = batch.targets
        assert len(sizes) == len(shift) == len(batch.points.xyz)
        for place, rows in enumerate(np.split(np.arange(len(sizes)), batch.points.row_splits[1:-1])):
            whole = split.clouds[batch.index[place]].labels[0].semantic
            np.testing.assert_array_equal(sizes[rows], np.bincount(whole)[batch.labels[0].semantic[rows]])
            assert (shift[rows] == shift[rows[0]]).all()


@pytest.mark.parametrize(("num_features", "directions"), [(0, 0), (2, 0), (3, 1), (5, 1), (7, 2)])
def test_features_of_any_number_follow_their_points(num_features, directions):
    """Directions turn with the points, and the rest stays as it is."""
    rng = np.random.default_rng(0)
    xyz = rng.uniform(-0.5, 0.5, (30, 3)).astype(np.float32)
    features = rng.normal(size=(30, num_features)).astype(np.float32)
    task = Task("any", "", (Level(1, "all", ("a",)),), num_features, directions)
    split = Split([Cloud(xyz, features, (), "")], task)
    batch = training_batch(split, SampleConfig(batch_size=2, points_per_shape=10), 0)
    for points in (batch.cloud, batch.points):
        assert points.features.shape == (len(points.xyz), num_features) and points.features.dtype == np.float32
    first = batch.cloud.features[: batch.cloud.row_splits[1]]
    assert len(first) == 30
    np.testing.assert_array_equal(first[:, 3 * directions :], features[:, 3 * directions :])
    for d in range(directions):
        turned, given = (array[:, 3 * d : 3 * d + 3] for array in (first, features))
        np.testing.assert_allclose(turned @ turned.T, given @ given.T, atol=1e-5)
        assert np.abs(turned - given).max() > 1e-3


class Counting(list):
    """Clouds that count how often they are read."""

    num_read = 0

    def __getitem__(self, row):
        self.num_read += 1
        return super().__getitem__(row)


def test_a_batch_reads_each_of_its_clouds_once():
    clouds = Counting(DATASET.clouds)
    split = Split(clouds, TASK, CenterTargets())
    training_batch(split, CONFIG, 0)
    assert clouds.num_read == CONFIG.batch_size
    evaluation_batch(split, 0, 2)
    assert clouds.num_read == CONFIG.batch_size + 2
