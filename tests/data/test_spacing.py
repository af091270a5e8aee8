"""Sizes and distances of instances by hand, and what they suggest."""

import numpy as np
import pytest

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.augment import STILL
from instance_seg.data.spacing import ClassSpacing, measure_spacing, values_from_labels
from instance_seg.structures import Cloud, Labels, Level, Task

TASK = Task("toy", "", (Level(1, "fine", ("other", "seat", "leg", "wheel"), 1, (1, 2, 3)),))


def cross(center, radius):
    """Four points at `radius` around a center, and the center itself."""
    arms = radius * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 0]])
    return np.float32(center + arms)


def cloud(*parts):
    """`parts`: (class, instance, points)."""
    semantic, instance = (np.repeat([p[i] for p in parts], [len(p[2]) for p in parts]) for i in (0, 1))
    xyz = np.concatenate([p[2] for p in parts])
    return Cloud(xyz, xyz[:, :0], (Labels(np.int32(semantic), np.int32(instance)),), "")


def measured(*clouds):
    return {each.class_name: each for each in measure_spacing(clouds, TASK, lambda place: STILL)}


def test_sizes_and_distances_by_hand():
    legs = [(2, i, cross([x, 0, 0], 0.1)) for i, x in enumerate((0, 0.3, 0.8), 1)]
    found = measured(cloud((1, 0, cross([0, 1, 0], 0.5)), *legs), cloud((1, 0, cross([0, 1, 0], 0.5))))
    assert list(found) == ["seat", "leg", "wheel"]
    seat, leg = found["seat"], found["leg"]
    assert (seat.instances, seat.most, seat.points, leg.instances, leg.most, leg.points) == (2, 1, 5, 3, 3, 5)
    assert (seat.radius, leg.radius) == pytest.approx((0.5, 0.1))
    assert leg.distance == pytest.approx(0.3, abs=1e-6)  # of 0.3, 0.3 and 0.5 the tenth percentile
    assert (leg.bandwidth, leg.push) == pytest.approx((0.15, 0.0375), abs=1e-6)


def test_a_class_without_two_in_a_shape_gets_no_push_and_the_largest_bandwidth():
    alone = measured(cloud((1, 0, cross([0, 0, 0], 0.5))))["seat"]
    assert np.isnan(alone.distance) and (alone.bandwidth, alone.push) == (0.4, 0)


def test_a_class_that_does_not_occur_has_a_row_and_points_of_no_instance_are_left_out():
    found = measured(cloud((3, -1, cross([0, 0, 0], 1)), (2, 0, cross([0, 0, 0], 1))))
    assert found["wheel"].instances == 0 and np.isnan(found["wheel"].points) and found["leg"].instances == 1


def test_suggestions_stay_within_their_limits():
    near, far = ([(2, i, cross([i * gap, 0, 0], 0.001)) for i in range(2)] for gap in (0.01, 5))
    assert [measured(cloud(*parts))["leg"].bandwidth for parts in (near, far)] == [0.02, 0.4]


def test_readings_that_follow_from_labels():
    leg = ClassSpacing("all", "leg", 8, 4, 50.0, 0.1, 0.3)
    seat = ClassSpacing("all", "seat", 3, 1, 500.0, 0.2, np.nan)
    readings = values_from_labels([leg, seat], ClusterConfig(region_push="soft"))
    assert list(readings) == ["paired classes only", "from labels"]
    assert all(each.region_push == "soft" for each in readings.values())
    paired, suggested = (list(each.values) for each in readings.values())
    assert paired == [("all", "leg", 0.1, 0.05), ("all", "seat", 0.1, 0.0)]
    assert suggested == [("all", "leg", 0.15, 0.0375), ("all", "seat", 0.4, 0.0)]
