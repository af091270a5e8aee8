import numpy as np
import pytest
from small_results import WITH, results

from instance_seg.report.averages import average, figure, make_grid, over_seeds, signed, with_averages
from instance_seg.report.frame import make_frame

LEVELS = ["coarse", "middle", "fine"]


def rows_of(runs):
    frame = make_frame(runs)
    return frame[(frame["reading"] == WITH) & (frame["class"] == "")]


def test_levels_are_averaged_first():
    runs = [results({0: 90.0, 1: 60.0, 2: 30.0}), results({0: 50.0}, subset="Bag")]
    grid = make_grid(rows_of(runs), "AP50", LEVELS)
    assert list(grid.columns) == ["Bag", "Chair"]
    np.testing.assert_array_equal(grid, [[50, 90], [np.nan, 60], [np.nan, 30]])
    assert average(grid) == 55
    np.testing.assert_array_equal(with_averages(grid), [[70, 50, 90], [60, np.nan, 60], [30, np.nan, 30], [55, 50, 60]])


def test_seeds_of_a_subset_are_averaged():
    runs = [results({0: 90.0}, seed=0), results({0: 80.0}, seed=1), results({0: 10.0}, subset="Bag")]
    np.testing.assert_array_equal(make_grid(rows_of(runs), "AP50", ["coarse"]), [[10, 85]])


def test_what_nobody_has_is_nan():
    rows = rows_of([results({0: 50.0}, subset="Bag")])
    np.testing.assert_array_equal(make_grid(rows, "AP50", LEVELS, ["Hat", "Bag"])["Hat"], [np.nan] * 3)
    assert np.isnan(make_grid(rows, "mCov", LEVELS)).all(axis=None) and np.isnan(
        average(make_grid(rows, "mCov", LEVELS))
    )


def test_mean_and_spread_over_seeds():
    runs = [results({0: 90.0, 1: 50.0}), results({0: 80.0, 1: 60.0}, subset="Bed")]
    runs += [results({0: 84.0, 1: 48.0}, seed=1), results({0: 70.0, 1: 60.0}, subset="Bed", seed=1)]
    mean, spread = over_seeds(rows_of(runs), "AP50", LEVELS)
    # seed 0: (70 + 70) / 2, seed 1: (66 + 65) / 2
    assert mean == pytest.approx(67.75) and spread == pytest.approx(4.5 / np.sqrt(2))


def test_a_seed_without_all_subsets_tells_nothing_of_the_spread():
    runs = [results({0: 90.0}), results({0: 80.0}, subset="Bag"), results({0: 50.0}, seed=1)]
    mean, spread = over_seeds(rows_of(runs), "AP50", LEVELS)
    assert mean == 75 and np.isnan(spread)


def test_figures():
    assert [figure(67.72, 3.18), figure(75.0, np.nan), figure(np.nan)] == ["67.7 ± 3.2", "75.0", "-"]
    assert [signed(1.25, 0.5), signed(-0.04), signed(np.nan)] == ["+1.2 ± 0.5", "-0.0", "-"]
