"""Warps: by hand, and normals against finite differences of the warped surface."""

import numpy as np
import pytest

from instance_seg.data.warp import Warp, random_warp


def test_by_hand():
    warp = Warp(np.array([2.0, 0.5, 1.0]), 0.4, np.array([0.1, -0.2]))
    # (1, 1, 1) -> (2, 0.5, 1) -> f = 1.2: (2.4, 0.5, 1.2) -> + bend * 0.25
    np.testing.assert_allclose(warp.points(np.ones((1, 3), np.float32)), [[2.425, 0.5, 1.15]])
    np.testing.assert_allclose(warp.points(np.zeros((1, 3))), [[0, 0, 0]])


def test_a_scale_turns_a_slope_the_other_way_than_its_normal():
    warp = Warp(np.array([1.0, 3.0, 1.0]), 0.0, np.zeros(2))
    normal = np.array([[1.0, 1.0, 0.0]]) / np.sqrt(2)  # of the plane x + y = 0, which becomes 3 x + y = 0
    np.testing.assert_allclose(warp.normals(np.zeros((1, 3)), normal), [[3 / np.sqrt(10), 1 / np.sqrt(10), 0]])


@pytest.mark.parametrize("seed", range(5))
def test_normals_are_those_of_the_warped_surface(seed):
    """The cross product of two warped steps along a sphere has the direction of the warped normal."""
    rng = np.random.default_rng(seed)
    warp = random_warp(0.7, 0.4, 0.3, rng)
    normals = rng.normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    first = np.cross(normals, rng.normal(size=3))
    second = np.cross(normals, first)
    step = 1e-5

    def moved(direction):
        return warp.points(normals + step * direction) - warp.points(normals - step * direction)

    expected = np.cross(moved(first), moved(second))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(warp.normals(normals, normals), expected, atol=1e-6)


def test_draws_stay_in_their_ranges_and_repeat():
    drawn = [random_warp(0.7, 0.4, 0.3, np.random.default_rng(seed)) for seed in range(500)]
    scales = np.array([each.scale for each in drawn])
    assert scales.max() == 1 and np.exp(-1.4) <= scales.min() < 0.27
    assert 0.39 < max(each.taper for each in drawn) <= 0.4 and 0.29 < max(each.bend.max() for each in drawn) <= 0.3
    again = random_warp(0.7, 0.4, 0.3, np.random.default_rng(3))
    np.testing.assert_array_equal(again.points(np.eye(3)), drawn[3].points(np.eye(3)))


def test_without_strength_a_shape_stays():
    xyz = np.random.default_rng(0).normal(size=(20, 3))
    still = random_warp(0.0, 0.0, 0.0, np.random.default_rng(1))
    np.testing.assert_allclose(still.points(xyz), xyz)
    unit = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    np.testing.assert_allclose(still.normals(xyz, unit), unit)
