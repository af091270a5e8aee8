"""Clouds of any kind in a temporary file."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from instance_seg.data.spilled import SpilledClouds
from instance_seg.structures import Cloud, Labels


def cloud_of(seed, num_points, num_features, num_levels, dtype=np.int16):
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(num_points, 3)).astype(np.float32)
    features = rng.normal(size=(num_points, num_features)).astype(np.float32)
    labels = (Labels(*rng.integers(-1, 5, (2, num_points)).astype(dtype)) for _ in range(num_levels))
    return Cloud(xyz, features, tuple(labels), f"cloud {seed}")


def flat(cloud):
    return [cloud.xyz, cloud.features, *(array for level in cloud.labels for array in level)]


def assert_same(cloud, other):
    assert (cloud.name, len(cloud.labels)) == (other.name, len(other.labels))
    for a, b in zip(flat(cloud), flat(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_clouds_of_every_kind_come_back():
    """Without points, features, labels; of several levels and dtypes."""
    kinds = [(40, 3, 3), (7, 0, 0), (0, 3, 1), (25, 6, 2), (1, 1, 0)]
    clouds = [cloud_of(seed, *kind) for seed, kind in enumerate(kinds)] + [cloud_of(9, 5, 3, 1, np.int32)]
    spilled = SpilledClouds(iter(clouds))
    assert len(spilled) == 6
    for row in (5, 0, 3, 1, 4, 2, -1, -6):
        assert_same(spilled[row], clouds[row])
    assert [cloud.name for cloud in spilled] == [cloud.name for cloud in clouds]
    with pytest.raises(IndexError):
        spilled[6]
    assert len(SpilledClouds([])) == 0


def test_clouds_stay_out_of_memory():
    tracemalloc.start()
    spilled = SpilledClouds(cloud_of(seed, 3000, 3, 3) for seed in range(20))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(spilled) == 20 and held < sum(x.nbytes for x in flat(spilled[0]))  # less than one of the twenty


def test_several_threads_read_at_once():
    clouds = [cloud_of(seed, 500, 3, 2) for seed in range(8)]
    spilled = SpilledClouds(clouds)
    rows = list(range(8)) * 20
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(spilled.__getitem__, rows))
    assert len(found) == 160
    for row, cloud in zip(rows, found, strict=True):
        assert_same(cloud, clouds[row])
