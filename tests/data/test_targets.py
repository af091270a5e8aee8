"""Centers of instances and regions, by hand and by a plain loop."""

import numpy as np
import pytest

from instance_seg.data.targets import center_tables, instance_ranks


def test_a_region_weighs_its_instances_equally():
    points = np.array([[0, 0, 0], [2, 0, 0], [10, 0, 0], [7, 7, 7], [1, 1, 1], [3, 3, 3]], np.float32)
    semantic = np.array([1, 1, 1, 2, 0, 0])
    instance = np.array([0, 0, 2, 3, -1, -1])
    tables = center_tables(points, semantic, instance, num_classes=4)
    # Instance 1 has no point and no row that anyone reads; class 1 = mean of (1, 0, 0) and (10, 0, 0).
    np.testing.assert_allclose(tables.instance, [[2, 2, 2], [1, 0, 0], [0, 0, 0], [10, 0, 0], [7, 7, 7]])
    np.testing.assert_allclose(tables.region, [[0, 0, 0], [2, 2, 2], [5.5, 0, 0], [7, 7, 7], [0, 0, 0]])
    assert tables.instance.dtype == tables.region.dtype == np.float32


def test_an_instance_with_two_classes_has_one_center_that_both_regions_count():
    points = np.array([[0, 0, 0], [4, 0, 0]], np.float32)
    tables = center_tables(points, np.array([1, 2]), np.array([0, 0]), num_classes=3)
    np.testing.assert_allclose(tables.region[2:], [[2, 0, 0], [2, 0, 0]])


def test_points_in_no_instance_are_one_more_instance_of_their_class():
    points = np.array([[0, 0, 0], [4, 0, 0], [6, 0, 0]], np.float32)
    tables = center_tables(points, np.array([1, 1, 1]), np.array([0, -1, -1]), num_classes=2)
    np.testing.assert_allclose(tables.region[2], [2.5, 0, 0])


def test_ignored_points_are_a_region_of_their_own_and_count_for_their_instance():
    points = np.array([[0, 0, 0], [4, 0, 0], [6, 0, 0]], np.float32)
    tables = center_tables(points, np.array([1, -1, -1]), np.array([0, 0, -1]), num_classes=2)
    np.testing.assert_allclose(tables.instance, [[6, 0, 0], [2, 0, 0]])
    np.testing.assert_allclose(tables.region, [[4, 0, 0], [0, 0, 0], [2, 0, 0]])


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(300, 3)).astype(np.float32)
    semantic = rng.integers(-1, 5, 300).astype(np.int16)
    instance = rng.integers(-1, 12, 300).astype(np.int16)
    tables = center_tables(points, semantic, instance, num_classes=6)
    for i in np.unique(instance):
        np.testing.assert_allclose(tables.instance[i + 1], points[instance == i].mean(axis=0), atol=1e-6)
    for s in np.unique(semantic):
        centers = [points[instance == i].mean(axis=0) for i in set(instance[semantic == s])]
        np.testing.assert_allclose(tables.region[s + 1], np.mean(centers, axis=0), atol=1e-6)


def test_errors():
    points = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="classes 0..3 do not fit 3 classes"):
        center_tables(points, np.array([0, 3]), np.array([0, 0]), 3)
    with pytest.raises(ValueError, match=r"classes -2\.\.1 do not fit 3 classes"):
        center_tables(points, np.array([-2, 1]), np.array([0, 0]), 3)
    with pytest.raises(ValueError, match="instance ids start at -1"):
        center_tables(points, np.array([0, 1]), np.array([0, -2]), 3)


def test_ranks_have_no_gaps_and_keep_none():
    assert instance_ranks(np.array([7, -1, 3, 7])).tolist() == [1, -1, 0, 1]
    assert instance_ranks(np.array([5, 5, 9])).tolist() == [0, 0, 1]
    assert instance_ranks(np.array([-1, -1])).tolist() == [-1, -1]
