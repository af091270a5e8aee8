"""Which values are chosen from a grid and from labels, on measures made up by hand."""

import numpy as np
import pytest

from instance_seg.clustering.config import ClusterConfig
from instance_seg.evaluation.calibration import best_values, make_grid
from instance_seg.structures import Level, Task

TASK = Task("made up", "", (Level(1, "all", ("other", "seat", "leg", "wheel"), 1, (1, 2, 3)),))
GIVEN = ClusterConfig(region_push="soft")


def test_a_grid_begins_with_what_is_given_and_tries_nothing_twice():
    grid = make_grid(GIVEN, [0.1, 0.3], [0.0, 0.5])
    assert [(each.bandwidth, each.semantic_center_offset) for each in grid.values()] == [
        (0.1, 0.05),
        (0.1, 0.0),
        (0.3, 0.0),
        (0.3, 0.15),
    ]
    assert all(each.region_push == "soft" for each in grid.values())
    assert list(grid)[-1] == "h 0.3, lambda 0.15"
    with pytest.raises(ValueError, match="bandwidth=-1"):
        make_grid(GIVEN, [-1.0], [0.0])


def measured(level, seat, leg):
    classes = {"seat": {"AP50": seat, "instances": 1}, "leg": {"AP50": leg, "instances": 1}}
    return {"levels": {"all": {"AP50": level, "mIoU": 1.0, "per_class": classes}}}


def test_the_best_of_a_grid_by_level_and_by_class():
    """Of the level the second is best. Seat is as good by the third, leg better; of wheel there is no instance."""
    grid = make_grid(GIVEN, [0.1, 0.3], [0.0])
    found = [measured(50.0, 10.0, np.nan), measured(70.0, 90.0, 40.0), measured(60.0, 90.0, 60.0)]
    readings = best_values(grid, dict(zip(grid, found, strict=True)), TASK, "AP50")
    assert list(readings) == ["calibrated by level", "calibrated"]
    by_level, by_class = (list(each.values) for each in readings.values())
    assert all(each.region_push == "soft" for each in readings.values())
    assert by_level == [("all", name, 0.1, 0.0) for name in ("seat", "leg", "wheel")]
    assert by_class == [("all", "seat", 0.1, 0.0), ("all", "leg", 0.3, 0.0), ("all", "wheel", 0.1, 0.0)]


def test_a_measure_that_classes_do_not_have_is_named():
    grid = make_grid(GIVEN, [], [])
    with pytest.raises(ValueError, match="--measure='mIoU': levels and classes have AP50"):
        best_values(grid, dict.fromkeys(grid, measured(1.0, 1.0, 1.0)), TASK, "mIoU")
