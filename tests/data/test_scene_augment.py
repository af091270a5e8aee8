"""How scenes are varied: deterministic, affine but for the grid, cropped to a window."""

import numpy as np
import pytest
from data.scannet.scans import write_scannet

from instance_seg.data.augment import Variation
from instance_seg.data.batches import SampleConfig, Split, concatenate, evaluation_batch, training_batch
from instance_seg.data.scannet.scannet import ScanNet
from instance_seg.data.scannet.settings import ScanNetSettings
from instance_seg.data.scene_augment import SceneAugmentConfig, elastic, flip_and_turn
from instance_seg.data.targets import CenterTargets
from instance_seg.structures import Cloud

STEADY = {"jitter": 0.0, "color_noise": 0.0, "elastic_size": (), "elastic_strength": ()}


def scene(count=2000, size=(8, 6, 3), seed=0):
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-np.array(size) / 2, np.array(size) / 2, (count, 3)).astype(np.float32)
    return Cloud(xyz, rng.uniform(-1, 1, (count, 3)).astype(np.float32), (), "")


def vary(cloud, seed=0, **settings) -> Variation:
    return SceneAugmentConfig(**settings).vary(cloud, np.random.default_rng(seed))


def test_a_scene_is_flipped_and_turned_about_the_vertical():
    motions = [flip_and_turn(np.random.default_rng(seed)) for seed in range(300)]
    determinants = np.array([np.linalg.det(m.linear) for m in motions])
    np.testing.assert_allclose(np.abs(determinants), 1)
    assert 0.4 < (determinants < 0).mean() < 0.6  # a flip
    assert all((m.linear[2] == [0, 0, 1]).all() and (m.linear[:2, 2] == 0).all() for m in motions)
    angles = np.array([np.arctan2(m.linear[1, 1], m.linear[0, 1]) for m in motions])
    assert np.histogram(angles, 4, (-np.pi, np.pi))[0].min() > 45


def test_the_jitter_is_on_every_entry():
    matrices = np.array([flip_and_turn(np.random.default_rng(s), 0.1).linear for s in range(3000)])
    lengths = np.linalg.norm(matrices, axis=1) ** 2  # of the images of x, y, z; a turn does not change them
    np.testing.assert_allclose(lengths.mean(axis=0), 1 + 3 * 0.01, atol=0.01)


def test_colors_of_a_scene_shift_together():
    shifts = np.array([vary(scene(10), seed).shift for seed in range(500)])
    assert shifts.shape == (500, 3) and shifts.dtype == np.float32
    np.testing.assert_allclose(shifts.std(axis=0), 0.1, atol=0.015)


def test_some_scenes_lose_their_colors_and_nothing_else_changes():
    cloud, grays = scene(10), []
    for seed in range(200):
        plain, drawn = vary(cloud, seed), vary(cloud, seed, gray=0.25)
        grays.append(not drawn.cloud.features.any())
        np.testing.assert_array_equal(drawn.shift, 0 * plain.shift if grays[-1] else plain.shift)
        np.testing.assert_array_equal(drawn.seen, plain.seen)
    assert 30 < sum(grays) < 70
    assert vary(cloud).cloud is cloud


def test_without_distortion_the_grid_sees_the_points_where_they_are():
    cloud = scene()
    varied = vary(cloud, **STEADY)
    np.testing.assert_allclose(varied.seen, varied.motion.move(cloud.xyz), atol=1e-6)
    assert (varied.rows == np.arange(2000)).all()


def test_points_may_come_in_random_order_and_nothing_else_changes():
    cloud = scene()
    plain, shuffled = vary(cloud), vary(cloud, shuffle_points=True)
    order = shuffled.rows
    assert (np.sort(order) == np.arange(2000)).all() and (order != np.arange(2000)).sum() > 1900
    np.testing.assert_array_equal(shuffled.seen, plain.seen[order])


def test_the_distortion_is_smooth_and_of_the_given_strength():
    xyz = scene(3000).xyz.astype(np.float64)
    # Smoothed noise of 3^3 and then 3^3 nodes: weights (1 2 3 2 1) / 9 along each axis, (19 / 81)^3 of the variance.
    moves = np.array([elastic(xyz[:200], 0.2, 1.0, np.random.default_rng(seed)) for seed in range(60)])
    at_nodes = np.sqrt((19 / 81) ** 3)
    assert 0.6 * at_nodes < moves.std() < at_nodes  # interpolated between the nodes it is weaker
    near = elastic(np.stack([xyz[0], xyz[0] + 0.01]), 0.2, 1.0, np.random.default_rng(1))
    assert np.abs(near[1] - near[0]).max() < 0.05
    assert (
        elastic(xyz, 0.2, 2.0, np.random.default_rng(2)) == 2 * elastic(xyz, 0.2, 1.0, np.random.default_rng(2))
    ).all()


def test_the_released_distortion():
    """PointGroup's code, in voxels of 2 cm, with the same noise."""
    from scipy.interpolate import RegularGridInterpolator
    from scipy.ndimage import convolve

    x, gran, mag = 50 * scene(500).xyz.astype(np.float64), 6, 40
    nodes = np.abs(x).max(0).astype(np.int32) // gran + 3
    noise = np.random.default_rng(5).normal(size=(*nodes, 3)).astype(np.float32)
    blurs = [np.ones(shape, np.float32) / 3 for shape in ((3, 1, 1), (1, 3, 1), (1, 1, 3))] * 2
    axes = [np.linspace(-(b - 1) * gran, (b - 1) * gran, b) for b in nodes]
    expected = []
    for channel in np.moveaxis(noise, 3, 0):
        for blur in blurs:
            channel = convolve(channel, blur, mode="constant", cval=0)
        expected.append(mag * RegularGridInterpolator(axes, channel, bounds_error=False, fill_value=0)(x))
    found = elastic(x / 50, gran / 50, mag / 50, np.random.default_rng(5))
    np.testing.assert_allclose(50 * found, np.stack(expected, axis=1), atol=1e-4)


@pytest.mark.parametrize("crop_points", [1, 50, 1500])
def test_a_crop_is_a_window_of_at_most_so_many_points(crop_points):
    cloud = scene()
    for seed in range(20):
        varied = vary(cloud, seed, crop_points=crop_points, crop_edge=6.0, crop_step=0.5, **STEADY)
        assert 1 <= len(varied.rows) <= crop_points and (np.diff(varied.rows) > 0).all()
        inside = varied.seen
        low, high = inside.min(axis=0), inside.max(axis=0)
        assert (high - low <= 6.0 + 1e-5).all()
        moved = varied.motion.move(cloud.xyz)
        others = np.setdiff1d(np.arange(2000), varied.rows)
        between = ((moved[others] > low) & (moved[others] < high)).all(axis=1)
        assert crop_points < 1500 or not between.any()  # nothing in the window is left out


def test_a_crop_of_two_far_clusters_ends():
    rng = np.random.default_rng(0)
    xyz = np.concatenate([rng.uniform(0, 0.3, (300, 3)), [100, 0, 0] + rng.uniform(0, 0.3, (300, 3))])
    rows = SceneAugmentConfig(crop_points=100).crop(xyz, rng)
    assert 1 <= len(rows) <= 100


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match="elastic_strength=.*want a number for each"):
        SceneAugmentConfig(elastic_size=(0.1,))


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    data = ScanNet(ScanNetSettings())
    return data, data.split(str(write_scannet(tmp_path_factory.mktemp("scans"))), "train")


def test_a_batch_depends_on_seed_and_step_alone(scans):
    data, clouds = scans
    config = SampleConfig(2, 3, augmentation=SceneAugmentConfig(crop_points=700))
    batches = [training_batch(Split(clouds, data.task(), CenterTargets()), config, step) for step in (5, 4, 5)]
    assert all(len(points.xyz) <= 2 * 700 for batch in batches for points in (batch.cloud, batch.points))
    for first, again in zip(batches[0].points, batches[2].points):
        np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(batches[0].cloud.xyz, batches[2].cloud.xyz)
    assert (
        len(batches[0].points.xyz) != len(batches[1].points.xyz)
        or (batches[0].points.xyz != batches[1].points.xyz).any()
    )


def test_coordinates_and_centers_know_no_distortion(scans):
    data, clouds = scans
    config = SampleConfig(1, 0, augmentation=SceneAugmentConfig())
    split = Split(clouds, data.task(), CenterTargets())
    batch = training_batch(split, config, 0)
    cloud = clouds[int(batch.index[0])]
    linear = np.linalg.lstsq(cloud.xyz, batch.points.xyz, rcond=None)[0]
    np.testing.assert_allclose(cloud.xyz @ linear, batch.points.xyz, atol=1e-4)
    assert np.abs(batch.cloud.xyz - batch.points.xyz).max() > 0.01
    (labels,), (centers,) = batch.labels, batch.targets
    for i in range(4):
        rows = labels.instance == i
        np.testing.assert_allclose(centers.instance[rows][0], batch.points.xyz[rows].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(np.ptp(batch.points.features - cloud.features, axis=0), 0, atol=1e-5)


def test_evaluated_scenes_are_posed_whatever_the_batch(scans):
    data, clouds = scans
    split = Split(clouds, data.task(), pose=lambda index: data.pose(7, index))
    together = evaluation_batch(split, 0, 2)
    alone = concatenate([evaluation_batch(split, i, 1) for i in range(2)])
    np.testing.assert_array_equal(together.points.xyz, alone.points.xyz)
    np.testing.assert_allclose(
        np.linalg.norm(together.points.xyz, axis=1),
        np.linalg.norm(np.concatenate([clouds[i].xyz for i in range(2)]), axis=1),
        rtol=1e-5,
    )
    assert (together.points.xyz[:100] != clouds[0].xyz[:100]).any()
