"""Surfaces and solids against closed forms: areas, outward unit normals, uniform density, volumes by divergence."""

import numpy as np
import pytest

from instance_seg.procedural import solids
from instance_seg.procedural.frames import MIRROR_X, X, Y, Z, along, shift, turn
from instance_seg.procedural.surfaces import Ellipsoid, Lathe, Triangles, Tube

COUNT = 40000


def draw(solid, count: int = COUNT):
    """Points and normals over a solid, and its area."""
    rng = np.random.default_rng(1)
    areas = np.array([surface.area for surface in solid])
    samples = [surface.sample(rng, n) for surface, n in zip(solid, rng.multinomial(count, areas / areas.sum()))]
    points, normals = (np.concatenate(arrays) for arrays in zip(*samples))
    return points, normals, areas.sum()


def volume(solid) -> float:
    """The divergence theorem: a third of the area times the mean of point . normal, the origin put amid the points."""
    points, normals, area = draw(solid)
    return area * np.mean(np.sum((points - points.mean(axis=0)) * normals, axis=1)) / 3.0


HEXAGON = np.stack([np.cos(np.pi / 3 * np.arange(6)), np.sin(np.pi / 3 * np.arange(6))], axis=1)
PATH = np.array([[0, 0, 0], [0, 1, 0], [1, 1.5, 0], [1, 1.5, 1]], float)
LENGTH = 1 + np.hypot(1, 0.5) + 1

# Solid, area, volume; None = no closed form at hand.
CLOSED = {
    "box": (solids.box((1, 2, 3), (0.5, 1, 2)), 2 * (0.5 + 1 + 2), 1.0),
    "block": (solids.block((-1, 0), (2, 4), (0, 3)), 2 * (2 + 3 + 6), 6.0),
    "bar": (solids.bar((0, 0, 0), (3, 0, 4), 0.5, 0.2), 2 * (0.1 + 2.5 + 1.0), 0.5),
    "tapered bar": (solids.bar((0, 0, 0), (0, 3, 0), 2.0, 2.0, taper=0.5), None, 7.0),  # 3 (4 + 2 + 1) / 3
    "plate": (solids.plate(HEXAGON, (0, 2)), 3 * np.sqrt(3) + 12, 3 * np.sqrt(3)),
    "frame": (solids.plate(solids.rectangle(2, 2), (0, 1), hole=solids.rectangle(1, 1)), 6 + 8 + 4, 3.0),
    "panel": (solids.panel(np.array([[-1, 0], [0, 0], [1, 0]]), (0, 2), 0.1), 2 * (4 + 0.2 + 0.2), 0.4),
    "band": (solids.band(np.array([[0, 0, 0], [0, 1, 0], [0, 2, 0]]), 0.5, 0.1), 2 * (1.0 + 0.2 + 0.05), 0.1),
    "bent band": (solids.band(PATH[1:3], 0.5, 0.1, side=Z), None, 0.05 * np.hypot(1, 0.5)),
    "cylinder": (solids.rod((0, 0, 0), (0, 3, 4), 0.5), 2 * np.pi * 0.5 * 5.5, np.pi * 0.25 * 5),
    "cone": (solids.rod((0, 0, 0), (0, 4, 0), 3, 0), np.pi * 3 * (3 + 5), np.pi * 12),
    "wheel": (solids.wheel((1, 1, 1), 2.0, 1.0), 2 * np.pi * 2 * 3, np.pi * 4),
    "sphere": (solids.ball((1, 0, 0), 2.0), 16 * np.pi, 32 * np.pi / 3),
    "ellipsoid": (solids.ball((0, 0, 0), (1, 2, 3)), None, 8 * np.pi),
    "tube": (solids.tube(PATH, 0.1), 2 * np.pi * 0.1 * LENGTH + 2 * np.pi * 0.01, np.pi * 0.01 * LENGTH),
    "shell": (solids.shell([(0, 0), (1, 0), (1, 2)], 0.1), None, np.pi * (2 - 0.81 * 1.9)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_area_and_volume(name):
    solid, area, contents = CLOSED[name]
    if area is not None:
        assert sum(surface.area for surface in solid) == pytest.approx(area, rel=1e-9)
    assert volume(solid) == pytest.approx(contents, rel=0.03)


@pytest.mark.parametrize("name", CLOSED)
def test_normals_are_unit_and_no_direction_prevails(name):
    _, normals, _ = draw(CLOSED[name][0])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(normals.mean(axis=0), 0.0, atol=0.02)  # the vector area of a closed surface is zero


@pytest.mark.parametrize("name", CLOSED)
def test_motions_and_reflections_keep_normals_outward(name):
    solid, _, contents = CLOSED[name]
    for frame in (MIRROR_X, turn(Y, 30.0, (1, 2, 3)), shift(1, 2, 3).after(MIRROR_X).after(turn(X, 100.0))):
        assert volume(solids.moved(solid, frame)) == pytest.approx(contents, rel=0.03)


def test_ring_is_a_torus():
    solid = solids.ring((0, 1, 0), 2.0, 0.1, axis=Z, segments=60)
    assert sum(surface.area for surface in solid) == pytest.approx(4 * np.pi**2 * 0.2, rel=1e-3)
    points, normals, _ = draw(solid)
    points = points - [0, 1, 0]
    spine = points * [1, 1, 0]
    spine *= 2.0 / np.linalg.norm(spine, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(points - spine, axis=1), 0.1, atol=5e-3)
    assert np.min(np.sum(normals * (points - spine), axis=1)) > 0.099 - 5e-3


def test_tube_points_lie_one_radius_from_their_own_segment():
    points, normals = Tube(PATH, 0.1).sample(np.random.default_rng(0), 2000)
    axis_points = points - 0.1 * normals
    steps = np.diff(PATH, axis=0)
    distances = []
    for start, step in zip(PATH, steps):
        share = (axis_points - start) @ step / (step @ step)
        distances.append(np.linalg.norm(axis_points - start - share[:, None] * step, axis=1))
    np.testing.assert_allclose(np.min(distances, axis=0), 0.0, atol=1e-12)


def test_ellipsoid_normals_follow_the_gradient():
    radii = np.array([1.0, 0.5, 2.0])
    points, normals = Ellipsoid(radii).sample(np.random.default_rng(0), 500)
    np.testing.assert_allclose(np.sum((points / radii) ** 2, axis=1), 1.0, rtol=1e-12)
    gradient = points / radii**2
    np.testing.assert_allclose(normals, gradient / np.linalg.norm(gradient, axis=1, keepdims=True), rtol=1e-9)


def test_spheroid_area_closed_form():
    eccentricity = np.sqrt(1 - 0.25)  # oblate, radii 1, 0.5, 1
    expected = 2 * np.pi * (1 + 0.25 / eccentricity * np.arctanh(eccentricity))
    assert Ellipsoid(np.array([1.0, 0.5, 1.0])).area == pytest.approx(expected, rel=1e-3)


def test_lathe_normals_by_finite_differences():
    profile = np.array([(1.0, 0.0), (0.4, 2.0)])
    points, normals = Lathe(profile).sample(np.random.default_rng(0), 200)

    def outside(at):  # grows towards the outside, 0 on the cone
        return np.hypot(at[:, 0], at[:, 2]) - (1.0 - 0.3 * at[:, 1])

    np.testing.assert_allclose(outside(points), 0.0, atol=1e-12)
    step = 1e-6
    gradient = np.stack([(outside(points + step * e) - outside(points - step * e)) / (2 * step) for e in (X, Y, Z)], 1)
    np.testing.assert_allclose(normals, gradient / np.linalg.norm(gradient, axis=1, keepdims=True), atol=1e-8)


def test_density_is_uniform_by_area():
    cone = Lathe(np.array([(1.0, 0.0), (0.0, 1.0)]))
    points, _ = cone.sample(np.random.default_rng(0), COUNT)
    assert np.mean(points[:, 1] < 0.5) == pytest.approx(0.75, abs=0.01)  # the upper half is a cone of half the size
    flat = Triangles(np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 3, 1], [1, 0, 1]]], float))
    points, normals = flat.sample(np.random.default_rng(0), COUNT)
    assert np.mean(points[:, 2] > 0.5) == pytest.approx(0.75, abs=0.01)
    assert np.mean(points[points[:, 2] < 0.5, 0] < 0.5) == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(normals[:, 2], np.where(points[:, 2] > 0.5, -1.0, 1.0))
    half = Ellipsoid(np.array([1.0, 3.0, 1.0]), 0.0, 1.0)
    assert half.area == pytest.approx(0.5 * Ellipsoid(np.array([1.0, 3.0, 1.0])).area, rel=1e-3)


@pytest.mark.parametrize("count", [0, 1])
def test_few_points(count):
    for solid, _, _ in CLOSED.values():
        points, normals = solid[0].sample(np.random.default_rng(0), count)
        assert points.shape == normals.shape == (count, 3)


def test_partial_sweep():
    quarter = Lathe(np.array([(1.0, 0.0), (1.0, 1.0)]), 0.5 * np.pi)
    points, _ = quarter.sample(np.random.default_rng(0), 500)
    assert quarter.area == pytest.approx(0.5 * np.pi)
    assert points[:, 0].min() >= 0.0 and points[:, 2].max() <= 0.0


def test_frames():
    quarter = turn(Z, 90.0)
    np.testing.assert_allclose(quarter.points(np.array([[1.0, 0.0, 0.0]])), [[0.0, 1.0, 0.0]], atol=1e-12)
    about = turn(Y, 180.0, (1.0, 0.0, 0.0))
    np.testing.assert_allclose(about.points(np.array([[0.0, 5.0, 0.0]])), [[2.0, 5.0, 0.0]], atol=1e-12)
    for end in ((0, 2, 0), (0, -2, 0), (2, 0, 0), (1, 1, 1)):
        frame = along((1, 0, 0), np.array(end) + [1, 0, 0])
        np.testing.assert_allclose(frame.linear @ frame.linear.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame.linear) == pytest.approx(1.0)
        np.testing.assert_allclose(frame.linear[:, 1], np.array(end) / np.linalg.norm(end), atol=1e-12)


def test_bezier_ends_and_middle():
    path = solids.bezier((0, 0), (1, 2), (2, 0), steps=2)
    np.testing.assert_allclose(path, [[0, 0], [1, 1], [2, 0]])
