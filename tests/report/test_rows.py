import numpy as np
import pytest
from small_results import results

from instance_seg.report.merge import merge_levels
from instance_seg.report.rows import Clustering, Row, collect_rows, figure, over_seeds


def single(level, value, without=None, **info):
    info = {"variant": "single_level_baseline", "level": level, "parameters": 100 + level, **info}
    return results({level - 1: value}, {level - 1: without or value}, **info)


def test_levels_of_one_network_each_become_one_run():
    runs = [single(3, 30.0, 20.0), single(1, 90.0, 80.0), results({0: 50.0}), single(1, 70.0, seed=1)]
    merged, other, alone = merge_levels(runs)
    assert list(merged["levels"]) == ["1", "3"]
    assert merged["mean"]["AP50"] == 60 and merged["without_region_centers"]["mean"]["AP50"] == 50
    assert merged["run"]["parameters"] == 204 and merged["run"]["parameters_per_level"] == {"1": 101, "3": 103}
    assert merged["run"]["seconds"]["train"] == 20 and merged["run"]["level"] == 0
    assert alone["run"]["seed"] == 1 and list(alone["levels"]) == ["1"]


def test_merging_keeps_the_first_of_two_runs_and_unknown_parameters_unknown():
    runs = [single(1, 90.0), single(1, 10.0), single(2, 50.0, parameters=None)]
    (merged,) = merge_levels(runs)
    assert merged["mean"]["AP50"] == 70
    assert merged["run"]["parameters"] is None
    assert runs[0]["run"]["level"] == 1  # the input stays as it was


def test_a_network_meant_for_all_levels_is_another_row_when_trained_for_each():
    runs = [results({0: 90.0}), results({0: 10.0}, level=1), results({1: 50.0}, level=2)]
    assert [(run["run"]["variant"], run["mean"]["AP50"]) for run in merge_levels(runs)] == [
        ("cross_level_fusion", 90),
        ("cross_level_fusion per level", 30),
    ]


def test_both_rows_of_a_run_and_of_its_sweep():
    main = results({0: 80.0}, {0: 60.0})
    wide = results({0: 79.0}, {0: 59.0}, bandwidth=0.2)
    strong = results({0: 78.0}, {0: 11.0}, semantic_center_offset=0.075)  # its second row is measured already
    soft = results({0: 77.0}, {0: 60.0}, region_push="soft")
    rows = collect_rows([main, wide, strong, soft])
    found = {row.clustering: [view["levels"]["1"]["AP50"] for view in views] for row, views in rows.items()}
    assert found == {
        Clustering(0.1, 0.05): [80],
        Clustering(0.1, 0.0): [60],
        Clustering(0.2, 0.05): [79],
        Clustering(0.2, 0.0): [59],
        Clustering(0.1, 0.075): [78],
        Clustering(0.1, 0.05, "soft"): [77],
    }
    assert {row.variant for row in rows} == {"cross_level_fusion"}


def test_mean_and_spread_over_seeds():
    runs = [results({0: 90.0, 1: 50.0}), results({0: 80.0, 1: 60.0}, subset="Bed")]
    runs += [results({0: 84.0, 1: 48.0}, seed=1), results({0: 70.0, 1: 60.0}, subset="Bed", seed=1)]
    (views,) = [views for row, views in collect_rows(runs).items() if row == Row("cross_level_fusion")]
    mean, spread = over_seeds(views, "AP50")
    # seed 0: (70 + 70) / 2, seed 1: (66 + 65) / 2
    assert mean == pytest.approx(67.75) and spread == pytest.approx(4.5 / np.sqrt(2))
    assert figure(67.72, spread) == "67.7 ± 3.2"


def test_a_seed_without_all_categories_tells_nothing_of_the_spread():
    runs = [results({0: 90.0}), results({0: 80.0}, subset="Bag"), results({0: 50.0}, seed=1)]
    (mean, spread) = over_seeds(collect_rows(runs)[Row("cross_level_fusion")], "AP50")
    assert mean == 75 and np.isnan(spread)
    assert figure(mean, spread) == "75.0" and figure(np.nan) == "-"


def test_commits_of_merged_levels():
    runs = [single(1, 90.0, commit="aaa"), single(2, 50.0, commit="bbb"), single(3, 50.0, commit="aaa")]
    (merged,) = merge_levels(runs)
    assert merged["run"]["commit"] == "aaa, bbb"
