"""Eq. 7 by hand."""

import numpy as np
import pytest

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.shift import shift_points

XYZ = np.array([[1, 2, 3]], np.float32)


def shift(instance, region, **settings):
    offsets = np.array([instance], np.float32), np.array([region], np.float32)
    return shift_points(XYZ, *offsets, ClusterConfig(**settings))[0]


def test_push_of_length_lambda_away_from_the_region_center():
    """O_I - O_S = (0.3, 0, 0.4) has the length 0.5: the direction is (0.6, 0, 0.8)."""
    shifted = shift([0.3, 0.1, 0], [0, 0.1, -0.4], semantic_center_offset=0.05)
    assert shifted.dtype == np.float32
    np.testing.assert_allclose(shifted, [1 + 0.3 + 0.03, 2 + 0.1, 3 + 0.04], rtol=1e-6)


def test_lambda_zero_is_the_instance_center_whatever_the_direction():
    for guard in (True, False):
        shifted = shift([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], semantic_center_offset=0.0, eq7_guard=guard)
        np.testing.assert_allclose(shifted, [1.1, 2.2, 3.3], rtol=1e-6)


def test_no_direction_is_no_push_with_the_guard_and_nan_without():
    np.testing.assert_allclose(shift([0.1, 0, 0], [0.1, 0, 0]), [1.1, 2, 3], rtol=1e-6)
    assert np.isnan(shift([0.1, 0, 0], [0.1, 0, 0], eq7_guard=False)).all()


def test_guard_changes_nothing_else():
    rng = np.random.default_rng(0)
    xyz, instance, region = rng.normal(size=(3, 100, 3)).astype(np.float32)
    with_guard = shift_points(xyz, instance, region, ClusterConfig())
    np.testing.assert_array_equal(with_guard, shift_points(xyz, instance, region, ClusterConfig(eq7_guard=False)))


def test_soft_push_is_the_difference_itself_cut_to_length_lambda():
    short = shift([0.01, 0, 0], [0, 0, 0], region_push="soft")
    np.testing.assert_allclose(short, [1 + 0.01 + 0.01, 2, 3], rtol=1e-6)
    long = dict(instance=[0.3, 0, 0], region=[0, 0, 0.4])
    np.testing.assert_array_equal(shift(**long, region_push="soft"), shift(**long, region_push="unit"))
    np.testing.assert_allclose(shift([0.1, 0, 0], [0.1, 0, 0], region_push="soft"), [1.1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("kind", ["unit", "soft"])
def test_each_point_is_pushed_by_its_own_lambda(kind):
    rng = np.random.default_rng(0)
    xyz, instance, region = rng.normal(size=(3, 4, 3)).astype(np.float32)
    instance[3] = region[3]  # without a direction
    together = shift_points(xyz, instance, region, ClusterConfig(region_push=kind), np.array([0, 0.1, -0.2, 0]))
    for row, push in enumerate([0, 0.1, -0.2, 0]):
        settings = ClusterConfig(semantic_center_offset=push, region_push=kind)
        alone = shift_points(*(x[row : row + 1] for x in (xyz, instance, region)), settings)
        np.testing.assert_array_equal(together[row], alone[0])
    assert together.dtype == np.float32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bandwidth": 0.0}, "bandwidth=0.0"),
        ({"bandwidth": float("nan")}, "bandwidth=nan"),
        ({"semantic_center_offset": float("inf")}, "semantic_center_offset=inf"),
        ({"region_push": "hard"}, "region_push='hard' is unknown; choose one of unit, soft"),
        ({"clustering": "dbscan"}, "clustering='dbscan' is unknown"),
    ],
)
def test_bad_setting_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ClusterConfig(**settings)
