from small_results import results

from instance_seg.report.descriptions import description_of, table_of
from instance_seg.report.frame import make_frame
from instance_seg.report.layouts import Measured, make_table

PARTNET = description_of("partnet")


def run(variant, levels, without=None, **info):
    return results(levels, without, variant=variant, **info)


def rows_of(runs, name="Gains"):
    return make_table(Measured(make_frame(runs), PARTNET), table_of(PARTNET, name)).rows


def line(runs, name):
    (found,) = [row for row in rows_of(runs) if row[0] == name]
    return found


def test_gains_are_over_runs_of_the_same_category_and_seed():
    runs = [
        run("multi_level_baseline", {0: 80.0, 1: 60.0}, {0: 70.0, 1: 50.0}),
        run("multi_level_baseline", {0: 90.0, 1: 70.0}, seed=1),
        run("multi_level_baseline", {0: 10.0}, subset="Bag"),
        run("cross_level_fusion", {0: 90.0, 1: 60.0}, {0: 70.0, 1: 54.0}),
        run("cross_level_fusion", {0: 92.0, 1: 70.0}, seed=1),
        run("cross_level_fusion", {0: 94.0, 1: 94.0}, seed=2),  # no baseline of this seed
        run("multi_level_fusion", {0: 16.0}, subset="Bag"),
    ]
    # Chair alone: 75 - 70 = 5 and 81 - 80 = 1, their mean 3 and deviation 2.83; the paper's 64.1 - 58.1
    assert line(runs, "cross_level_fusion")[1:5] == ["2", "+3.0 ± 2.8", "+4.8", "+3.0 ± 2.8"]
    assert line(runs, "cross_level_fusion")[5] == "+6.0"
    assert line(runs[:4], "cross_level_fusion †")[1:6] == ["1", "+2.0", "+4.2", "+2.0", "+5.2"]
    assert line(runs, "multi_level_fusion")[1:4] == ["1", "+6.0", "+4.2"]
    assert line(runs, "asis_fusion")[1:4] == ["not run", "-", "+1.3"]


def test_categories_count_alike_and_incomplete_runs_not_at_all():
    runs = [
        run("multi_level_baseline", {0: 50.0, 1: 50.0}),
        run("multi_level_baseline", {0: 50.0}, subset="Bag"),
        run("cross_level_fusion", {0: 60.0, 1: 60.0}),
        run("cross_level_fusion", {0: 70.0}, subset="Bag"),
        run("single_level_fusion", {0: 94.0}, level=1),
    ]
    assert line(runs, "cross_level_fusion")[1:3] == ["2", "+15.0"]
    assert line(runs, "single_level_fusion")[1] == "not run"  # level 2 is missing there


def test_nothing_is_said_without_a_baseline():
    assert not rows_of([run("cross_level_fusion", {0: 60.0})])


def test_a_network_that_the_paper_lacks_is_named_as_ours():
    runs = [
        run("multi_level_baseline", {0: 50.0}),
        run("multi_level_baseline_unit_xyz", {0: 54.0}),
        run("cross_level_fusion", {0: 60.0}),
    ]
    assert line(runs, "multi_level_baseline_unit_xyz (ours)")[1:6] == ["1", "+4.0", "-", "+4.0", "-"]
    assert line(runs, "multi_level_baseline_unit_xyz (ours) †")[1:3] == ["1", "+4.0"]
    assert rows_of(runs, "Further rows")[0][0] == "multi_level_baseline_unit_xyz (ours)"
