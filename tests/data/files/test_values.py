"""Points and normals that are none."""

import numpy as np
import pytest

from instance_seg.data.files.values import normal_complaints, point_complaints

POINTS = np.random.default_rng(0).uniform(-1, 1, (200, 3))
NORMALS = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)


def changed(values, value, rows=slice(1)):
    values = values.copy()
    values[rows] = value
    return values


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_good_ones(dtype):
    assert list(point_complaints(POINTS.astype(dtype))) == list(normal_complaints(NORMALS.astype(dtype))) == []
    assert list(point_complaints(POINTS[:1])) == []


@pytest.mark.parametrize(
    "points, complaint",
    [
        (changed(POINTS, np.nan), "NaN or infinite points (1 of 200)"),
        (changed(POINTS, [0, 0, np.inf], slice(7)), "NaN or infinite points (7 of 200)"),
        (changed(POINTS, 1e38), "points beyond 10000 in some coordinate (1 of 200)"),
        (changed(POINTS, [0, -1e300, 0]), "points beyond 10000 in some coordinate (1 of 200)"),
        (changed(POINTS, 0, slice(None)), "200 points in one place"),
    ],
)
def test_bad_points(points, complaint):
    assert list(point_complaints(points)) == [complaint]


@pytest.mark.parametrize(
    "normals, complaint",
    [
        (changed(NORMALS, np.nan), "NaN or infinite normals (1 of 200)"),
        (changed(NORMALS, 0), "normals whose length is not 1 (1 of 200, such as one of 0)"),
        (changed(NORMALS, [0, 3, 0]), "normals whose length is not 1 (1 of 200, such as one of 3)"),
        (changed(NORMALS.astype(np.float32), np.float32(1e38)), "normals whose length is not 1 (1 of 200"),
        (3 * NORMALS, "normals whose length is not 1 (200 of 200, such as one of 3)"),
    ],
)
def test_bad_normals(normals, complaint):
    (found,) = normal_complaints(normals)
    assert found.startswith(complaint)


def test_few_normals_may_be_missing_and_none_too_long():
    assert list(normal_complaints(changed(NORMALS, 0, slice(2)), missing=0.01)) == []
    assert len(list(normal_complaints(changed(NORMALS, 0, slice(3)), missing=0.01))) == 1
    assert len(list(normal_complaints(changed(NORMALS, 3), missing=0.01))) == 1
