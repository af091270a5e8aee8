"""Random motions: the matrix by hand, the ranges by many draws."""

import numpy as np
import pytest

from instance_seg.data.augment import (
    STILL,
    AugmentConfig,
    inside_cube,
    motion,
    random_motion,
    rotation_matrix,
)
from instance_seg.data.batches import SampleConfig, Split, training_sample
from instance_seg.structures import Cloud, Task


def test_quarter_turns():
    quarter = np.pi / 2
    np.testing.assert_allclose(rotation_matrix(np.array([quarter, 0, 0])) @ [0, 1, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(np.array([0, quarter, 0])) @ [1, 0, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(rotation_matrix(np.array([0, 0, quarter])) @ [1, 0, 0], [0, -1, 0], atol=1e-12)


def test_turns_about_y_come_first_then_x_then_z():
    angles = np.array([0.1, 0.2, 0.3])
    x, y, z = (rotation_matrix(angles * axis) for axis in np.eye(3))
    np.testing.assert_allclose(rotation_matrix(angles), z @ x @ y, atol=1e-12)


def test_order_decides_whether_the_shift_is_scaled():
    point = np.array([[0, 1, 0]], np.float32)
    released = motion(np.array([90, 0, 0]), 0.5, np.array([0.1, 0, 0]), "released")
    listed = motion(np.array([90, 0, 0]), 0.5, np.array([0.1, 0, 0]), "listed")
    np.testing.assert_allclose(released.move(point), [[0.05, 0, -0.5]], atol=1e-7)
    np.testing.assert_allclose(listed.move(point), [[0.1, 0, -0.5]], atol=1e-7)
    np.testing.assert_allclose(released.turn(point), [[0, 0, -1]], atol=1e-7)


def test_centers_move_with_their_points():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 3)).astype(np.float32)
    drawn = random_motion(AugmentConfig(), rng)
    np.testing.assert_allclose(drawn.move(points.mean(axis=0)[None])[0], drawn.move(points).mean(axis=0), atol=1e-6)
    assert drawn.move(points).dtype == drawn.turn(points).dtype == np.float32


@pytest.mark.parametrize(("num_features", "directions"), [(0, 0), (3, 0), (3, 1), (4, 1), (6, 2), (7, 2)])
def test_vectors_turn_and_other_features_stay(num_features, directions):
    quarter = motion(np.array([90, 0, 0]), 0.5, np.array([0.1, 0, 0]), "listed")  # (x, y, z) becomes (x, z, -y)
    features = np.arange(2 * num_features, dtype=np.float32).reshape(2, num_features)
    expected = features.copy()
    for first in range(0, 3 * directions, 3):
        expected[:, first + 1], expected[:, first + 2] = features[:, first + 2], -features[:, first + 1]
    turned = quarter.turn(features, directions)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def angles_of(drawn):
    """Angles (degrees) about x, y, z of R = Rz Rx Ry, read off its third row and second column."""
    r = drawn.rotation
    return np.rad2deg([-np.arcsin(r[2, 1]), np.arctan2(r[2, 0], r[2, 2]), np.arctan2(r[0, 1], r[1, 1])])


@pytest.mark.parametrize("mode", ["uniform", "int"])
def test_ranges(mode):
    config = AugmentConfig(rot_mode=mode)
    motions = [random_motion(config, np.random.default_rng(seed)) for seed in range(2000)]
    scales = np.array([np.cbrt(np.linalg.det(drawn.linear)) for drawn in motions])
    shifts = np.array([drawn.shift for drawn in motions]) / scales[:, None]
    angles = np.array([angles_of(drawn) for drawn in motions])
    assert 0.75 <= scales.min() < 0.76 and 1.24 < scales.max() <= 1.25
    assert -0.125 <= shifts.min() < -0.124 and 0.124 < shifts.max() <= 0.125
    whole = np.abs(angles - angles.round()).max() < 1e-6
    if mode == "int":
        assert whole and {*angles.round().astype(int).ravel()} == {*range(-10, 10)}
    else:
        assert not whole and -10 <= angles.min() < -9.9 and 9.9 < angles.max() <= 10


def test_same_generator_state_same_motion():
    first, second = (random_motion(AugmentConfig(), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.linear, second.linear)
    np.testing.assert_array_equal(first.shift, second.shift)


@pytest.mark.parametrize("mode", ["uniform", "int"])
def test_ranges_of_no_width_leave_the_shape_alone(mode):
    config = AugmentConfig(rotation_degrees=0, rot_mode=mode, scale_min=1, scale_max=1, translation=0)
    drawn = random_motion(config, np.random.default_rng(0))
    for found, still in zip(drawn, STILL, strict=True):
        np.testing.assert_array_equal(found, still)


def test_the_cube_includes_its_faces():
    points = np.array([[1, -1, 0.5], [np.nextafter(np.float32(1), 2), 0, 0], [0, 0, -1.5]], np.float32)
    assert inside_cube(points).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rot_mode": "float"}, "rot_mode='float' is unknown; choose one of uniform, int"),
        ({"augment_order": "none"}, "augment_order='none' is unknown"),
        ({"rot_mode": "int", "rotation_degrees": 2.5}, "whole rotation_degrees"),
        ({"rotation_degrees": -1}, "rotation_degrees=-1: want a number from 0 to 360"),
        ({"scale_min": 0}, "scale_min=0: want a number above 0 and at most 100"),
        ({"scale_min": 2, "scale_max": 1}, "scale_min=2: want at most scale_max=1"),
    ],
)
def test_impossible_settings(fields, message):
    with pytest.raises(ValueError, match=message):
        AugmentConfig(**fields)


def test_partnets_order_scales_and_rotates_the_shift():
    shift, degrees = np.array([0.1, -0.2, 0.3]), np.array([4.0, 5.0, 6.0])
    drawn = motion(degrees, 2.0, shift, "partnet")
    point = np.float32([[0.3, 0.4, -0.5]])
    expected = rotation_matrix(np.deg2rad(degrees)) @ (2.0 * (point[0] + shift))
    np.testing.assert_allclose(drawn.move(point)[0], expected, rtol=1e-5)


def test_jitter_is_cut_off_and_none_leaves_the_points():
    points, rng = np.zeros((2000, 3), np.float32), np.random.default_rng(0)
    cloud = Cloud(points, points, (), "")
    assert AugmentConfig().vary(cloud, rng).noise is None
    noise = AugmentConfig(jitter=0.01, jitter_clip=0.02).vary(cloud, rng).noise
    assert noise.dtype == np.float32 and np.abs(noise).max() == np.float32(0.02)
    assert noise.std() == pytest.approx(0.0095, rel=0.05)  # of a normal distribution cut off at two deviations
    still = {"rotation_degrees": 0.0, "scale_min": 1.0, "scale_max": 1.0, "translation": 0.0}
    split = Split([cloud], Task("made up", "", (), 3))
    moved = training_sample(split, 0, SampleConfig(augmentation=AugmentConfig(jitter=0.01, **still)), rng)
    assert moved.points.xyz.std() == pytest.approx(0.01, rel=0.05)
    np.testing.assert_array_equal(moved.points.xyz, moved.cloud.xyz)


def test_normal_angles_are_mostly_small():
    config = AugmentConfig(rot_mode="normal", rotation_degrees=9.0, scale_min=1.0, scale_max=1.0)
    turns = [random_motion(config, np.random.default_rng(seed)).rotation for seed in range(400)]
    angles = np.rad2deg(np.arcsin([turn[2, 1] for turn in turns]))
    assert np.std(angles) == pytest.approx(3, rel=0.15)
