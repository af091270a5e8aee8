"""Clustering by a Gaussian kernel: what becomes one mode, and the flat kernel's partition where clusters are tight."""

import numpy as np

from instance_seg.clustering.gaussian_shift import gaussian_regions
from instance_seg.clustering.mean_shift import cluster_regions

RNG = np.random.default_rng(0)


def test_tight_clusters_are_those_of_the_flat_kernel_region_by_region():
    centers = 0.5 * np.stack(np.meshgrid(range(2), range(2), range(2)), axis=-1).reshape(-1, 3)
    points = (centers[RNG.integers(8, size=400)] + RNG.normal(0, 0.01, (400, 3))).astype(np.float32)
    splits, bandwidth = np.array([0, 150, 150, 400]), np.array([0.1, 0.1, 0.2])
    ours, flat = gaussian_regions(points, splits, bandwidth), cluster_regions(points, splits, bandwidth)
    assert ours.dtype == np.int32
    for begin, end in ((0, 150), (150, 400)):
        assert len(np.unique(flat[begin:end])) == 8
        same = [labels[begin:end, None] == labels[begin:end] for labels in (ours, flat)]
        np.testing.assert_array_equal(*same)
        assert sorted(np.unique(ours[begin:end])) == list(range(8))


def test_two_heaps_are_one_mode_if_they_are_less_than_two_deviations_apart():
    heaps = np.repeat(np.float32([[0, 0, 0], [1, 0, 0]]), 50, axis=0) + RNG.normal(0, 0.01, (100, 3))
    for deviation, count in ((0.45, 2), (0.55, 1)):
        labels = gaussian_regions(heaps, np.array([0, 100]), np.array([2.45 * deviation]))
        assert len(np.unique(labels)) == count


def test_single_points_and_nothing():
    assert gaussian_regions(np.zeros((1, 3)), np.array([0, 0, 1]), np.array([0.1, 0.1])).tolist() == [0]
    assert gaussian_regions(np.zeros((0, 3)), np.array([0]), np.zeros(0)).shape == (0,)
