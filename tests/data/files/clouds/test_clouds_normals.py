"""Normals: which are used, which are fitted, and to what."""

import numpy as np
import pytest
from data.files.clouds.cloud_files import alike, make_sphere

from instance_seg.data.files.clouds import normals as module
from instance_seg.data.files.clouds.normals import are_normals, distinct_places, fitted_normals, unit_normals

POINTS, NORMALS = make_sphere()


def test_fitted_normals_of_a_sphere():
    assert alike(fitted_normals(POINTS), NORMALS) > 0.97


@pytest.mark.parametrize("copies", [2, 16, 50])
def test_copies_of_points_do_not_change_what_is_fitted(copies):
    order = np.random.default_rng(0).permutation(copies * len(POINTS))
    repeated = np.repeat(POINTS, copies, axis=0)[order]
    found = fitted_normals(repeated)
    np.testing.assert_allclose(
        np.abs(found), np.abs(np.repeat(fitted_normals(POINTS), copies, axis=0)[order]), atol=1e-4
    )


def test_a_cloud_padded_with_one_point():
    padded = np.concatenate([POINTS, np.repeat(POINTS[:1], 5000, axis=0)])
    assert alike(fitted_normals(padded)[: len(POINTS)], NORMALS) > 0.97


def test_points_a_millionth_apart_are_at_one_place():
    near = np.concatenate([POINTS, POINTS + 1e-8])
    assert len(distinct_places(near)[0]) < 1.1 * len(POINTS)
    first, place = distinct_places(np.repeat(POINTS, 3, axis=0))
    assert len(first) == len(POINTS)
    np.testing.assert_array_equal(np.repeat(POINTS, 3, axis=0)[first][place], np.repeat(POINTS, 3, axis=0))


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e38, 1e100])
def test_fitting_does_not_depend_on_the_scale(scale):
    np.testing.assert_allclose(np.abs(fitted_normals(POINTS * scale)), np.abs(fitted_normals(POINTS)), atol=1e-4)


def test_nor_on_where_the_cloud_is():
    assert alike(fitted_normals(POINTS + [500_000, 5_400_000, 0]), fitted_normals(POINTS)) > 0.9999


def test_nor_on_how_many_points_are_fitted_at_a_time(monkeypatch):
    whole = fitted_normals(POINTS)
    monkeypatch.setattr(module, "_ROWS", 7)
    np.testing.assert_array_equal(fitted_normals(POINTS), whole)


def test_some_points_have_the_normals_that_they_have_among_all():
    repeated, rows = np.repeat(POINTS, 2, axis=0), np.array([3, 5, 4, 700])
    np.testing.assert_array_equal(fitted_normals(repeated, rows), fitted_normals(repeated)[rows])
    stored = np.repeat(NORMALS, 2, axis=0)
    stored[4] = 0
    np.testing.assert_array_equal(unit_normals(repeated, stored, rows), unit_normals(repeated, stored)[rows])


def test_points_of_a_line_have_normals_across_it():
    line = np.outer(np.linspace(0, 1, 50), [1.0, 2.0, 2.0])
    found = fitted_normals(line)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found @ [1, 2, 2], 0, atol=1e-5)


@pytest.mark.parametrize("bad", [0.0, 3.0, np.inf, np.nan, 1e38])
def test_vectors_that_are_no_normals(bad):
    with np.errstate(invalid="ignore"):
        vectors = NORMALS * bad
    assert not are_normals(vectors)
    np.testing.assert_array_equal(unit_normals(POINTS, vectors), fitted_normals(POINTS))


def test_a_few_rows_that_are_no_normals_are_fitted():
    stored = 1.04 * NORMALS  # rounded to a few digits, say
    stored[:5], stored[5:8], stored[8], stored[9] = 0, np.inf, np.nan, 3 * NORMALS[9]
    found = unit_normals(POINTS, stored)
    np.testing.assert_allclose(found[10:], NORMALS[10:], atol=1e-6)
    np.testing.assert_array_equal(found[:10], fitted_normals(POINTS)[:10])
    stored[:40] = 0  # one in ten: the file means something else
    np.testing.assert_array_equal(unit_normals(POINTS, stored), fitted_normals(POINTS))
