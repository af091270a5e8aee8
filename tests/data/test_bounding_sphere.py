"""The smallest enclosing sphere against brute force over all subsets, and on clouds that are flat in some way."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import nnls

from instance_seg.data.bounding_sphere import bounding_sphere


def circumsphere(corners):
    """Sphere through 2..4 affinely independent points, by solving for the center's coordinates in their hull."""
    base, edges = corners[0], corners[1:] - corners[0]
    weights = np.linalg.solve(2 * edges @ edges.T, (edges**2).sum(axis=1))
    center = base + weights @ edges
    return center, np.linalg.norm(center - base)


def brute_force_radius(points):
    """Smallest circumsphere of 2, 3 or 4 points that holds all the others."""
    radii = []
    for size in (2, 3, 4):
        for corners in combinations(points, size):
            center, radius = circumsphere(np.array(corners))
            if np.linalg.norm(points - center, axis=1).max() <= radius * (1 + 1e-9):
                radii.append(radius)
    return min(radii)


@pytest.mark.parametrize("seed", range(12))
def test_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(4 + seed, 3)) * rng.uniform(0.1, 3, 3)
    sphere = bounding_sphere(points)
    np.testing.assert_allclose(sphere.radius, brute_force_radius(points), rtol=1e-10)
    assert np.linalg.norm(points - sphere.center, axis=1).max() <= sphere.radius * (1 + 1e-12)


def is_smallest(points, sphere):
    """The center of the smallest sphere is in the hull of the points on its surface: no way leads closer to all.

    A direction that brings all surface points closer exists iff 0 is outside of the hull of their directions.
    """
    directions = points - sphere.center
    surface = directions[np.linalg.norm(directions, axis=1) > sphere.radius * (1 - 1e-7)] / sphere.radius
    residual = nnls(np.vstack([surface.T, np.ones(len(surface))]), np.array([0, 0, 0, 1.0]))[1]
    return residual < 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_large_clouds_are_enclosed_and_held_from_all_sides(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(10_000, 3)).astype(np.float32)
    if seed % 2:  # many points close to one sphere
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    points = points * np.float32([1, 1 + seed, 1]) + np.float32([100, -3, 0.5])
    sphere = bounding_sphere(points)
    assert np.linalg.norm(points - sphere.center, axis=1).max() <= sphere.radius * (1 + 1e-12)
    assert is_smallest(points.astype(np.float64), sphere)


def test_grid_with_many_points_on_the_surface():
    axis = np.linspace(-1, 1, 9)
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    sphere = bounding_sphere(grid)
    np.testing.assert_allclose(sphere.center, 0, atol=1e-12)
    np.testing.assert_allclose(sphere.radius, np.sqrt(3))


def test_single_point():
    sphere = bounding_sphere(np.array([[0.1, 0.2, 0.3]]))
    np.testing.assert_allclose(sphere.center, [0.1, 0.2, 0.3])
    assert sphere.radius == 0


def test_duplicate_points():
    sphere = bounding_sphere(np.repeat([[0.0, 0, 0], [2.0, 0, 0]], 50, axis=0))
    np.testing.assert_allclose(sphere.center, [1, 0, 0])
    np.testing.assert_allclose(sphere.radius, 1)


def test_collinear_points():
    points = np.linspace(0, 1, 101)[:, None] * [1.0, 2, 3] + [5.0, 5, 5]
    sphere = bounding_sphere(points)
    np.testing.assert_allclose(sphere.center, [5.5, 6, 6.5])
    np.testing.assert_allclose(sphere.radius, np.sqrt(14) / 2)


def test_points_of_a_circle():
    angle = np.linspace(0, 2 * np.pi, 1000)
    points = np.stack([np.cos(angle), np.sin(angle), np.full(1000, 7.0)], axis=1)
    sphere = bounding_sphere(points)
    np.testing.assert_allclose(sphere.center, [0, 0, 7], atol=1e-6)
    np.testing.assert_allclose(sphere.radius, 1, rtol=1e-9)


def test_obtuse_triangle_is_held_by_its_longest_side():
    sphere = bounding_sphere(np.array([[0.0, 0, 0], [4, 0, 0], [1, 0.5, 0]]))
    np.testing.assert_allclose(sphere.center, [2, 0, 0])
    np.testing.assert_allclose(sphere.radius, 2)


def test_regular_tetrahedron():
    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    sphere = bounding_sphere(np.vstack([corners, corners * 0.9, np.zeros((1, 3))]))
    np.testing.assert_allclose(sphere.center, 0, atol=1e-12)
    np.testing.assert_allclose(sphere.radius, np.sqrt(3))


def test_input_is_left_alone():
    points = np.random.default_rng(0).normal(size=(50, 3))
    before = points.copy()
    bounding_sphere(points)
    np.testing.assert_array_equal(points, before)


@pytest.mark.parametrize("shape", [(0, 3), (5, 2), (3,)])
def test_no_cloud(shape):
    with pytest.raises(ValueError, match="at least one point"):
        bounding_sphere(np.zeros(shape))
