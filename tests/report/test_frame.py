import numpy as np
from small_results import SETTINGS, WITH, WITHOUT, level_entry, results, run_info

from instance_seg.evaluation.results import build_results
from instance_seg.report.frame import COLUMNS, levels_of, make_frame, rows_by

KEYS = ["variant", "bandwidth", "semantic_center_offset", "region_push"]


def single(level, value, **info):
    info = {"variant": "single_level_baseline", "level": level, "parameters": 100 + level, **info}
    return results({level - 1: value}, **info)


def ap50(frame, **chosen):
    """AP50 of whole levels where the columns have these values."""
    frame = frame[(frame["measure"] == "AP50") & (frame["class"] == "")]
    for column, value in chosen.items():
        frame = frame[frame[column] == value]
    return list(frame["value"])


def test_a_row_for_every_figure():
    frame = make_frame([results({0: 80.0, 2: 60.0}, {0: 70.0, 2: 50.0})])
    assert len(frame) == 2 * 2 * (5 + 4)
    assert list(frame.columns) == [*COLUMNS, *SETTINGS]
    assert ap50(frame, reading=WITH) == [80, 60] and ap50(frame, reading=WITHOUT, level="fine") == [50]
    (seat,) = frame[(frame["class"] == "seat") & (frame["measure"] == "AP75") & (frame["value"] == 75)].to_dict(
        "records"
    )
    assert (seat["task"], seat["subset"], seat["bandwidth"], seat["seconds"]) == ("partnet", "Chair", 0.1, 10)
    assert seat["settings"] == "bandwidth=0.1, semantic_center_offset=0.05, region_push=unit"


def test_what_could_not_be_measured_is_nan():
    made = results({0: 80.0, 1: 60.0})
    made["readings"][WITH]["levels"]["middle"]["AP50"] = None
    values = ap50(make_frame([made]), reading=WITH)
    assert values[0] == 80 and np.isnan(values[1])


def test_no_setting_takes_the_place_of_a_column():
    reading = {"settings": {"variant": "x", "run": 7, "value": 0.0}, "levels": {"rooms": level_entry(50.0)}}
    frame = make_frame([build_results(run_info(task="s3dis"), {"all": reading})])
    assert set(frame["variant"]) == {"cross_level_fusion"} and set(frame["run"]) == {0} and ap50(frame) == [50]


def test_levels_of_one_network_each_are_one_run():
    runs = [single(3, 30.0), single(1, 90.0), results({0: 50.0}), single(1, 70.0, seed=1)]
    frame = make_frame(runs)
    assert list(frame["run"].unique()) == [0, 2, 3]
    assert ap50(frame, run=0, reading=WITH) == [30, 90] and set(frame[frame["run"] == 0]["level"]) == {"coarse", "fine"}
    assert set(frame[frame["run"] == 0]["parameters"]) == {101, 103}
    assert ap50(frame, run=3, reading=WITH, seed=1) == [70]


def test_the_first_of_two_runs_of_one_level_counts():
    frame = make_frame([single(1, 90.0), single(1, 10.0), single(2, 50.0)])
    assert ap50(frame, reading=WITH) == [90, 50] and set(frame["run"]) == {0}


def test_sweeps_of_networks_of_one_level_are_runs_of_their_own():
    frame = make_frame(
        [single(1, 90.0), single(2, 50.0)], [single(1, 80.0, bandwidth=0.2), single(2, 40.0, bandwidth=0.2)]
    )
    assert ap50(frame, swept=True, reading=WITH) == [80, 40]
    assert len(frame["run"].unique()) == 2 and set(frame[frame["swept"]]["bandwidth"]) == {0.2}


def test_a_network_meant_for_all_levels_is_another_one_when_trained_for_each():
    frame = make_frame([results({0: 90.0}), results({0: 10.0}, level=1), results({1: 50.0}, level=2)])
    assert ap50(frame, variant="cross_level_fusion", reading=WITH) == [90]
    assert ap50(frame, variant="cross_level_fusion per level", reading=WITH) == [10, 50]


def test_levels_come_in_the_order_of_the_run_with_the_most():
    runs = [results({2: 1.0}), results({0: 1.0, 2: 1.0}, subset="Vase"), results({0: 1.0, 1: 1.0, 2: 1.0}, seed=1)]
    assert levels_of(make_frame(runs)) == ["coarse", "middle", "fine"]
    assert levels_of(make_frame(runs[:1])) == ["fine"]


def test_readings_of_a_run_and_of_its_sweep():
    main = results({0: 80.0}, {0: 60.0})
    wide = results({0: 79.0}, {0: 59.0}, bandwidth=0.2)
    strong = results({0: 78.0}, {0: 11.0}, semantic_center_offset=0.075)  # without a push it is measured already
    soft = results({0: 77.0}, {0: 60.0}, region_push="soft")
    rows = rows_by(make_frame([main], [wide, strong, soft]), KEYS)
    assert {key: ap50(figures) for key, figures in rows.items()} == {
        ("cross_level_fusion", 0.1, 0.05, "unit"): [80],
        ("cross_level_fusion", 0.1, 0.0, "unit"): [60],
        ("cross_level_fusion", 0.2, 0.05, "unit"): [79],
        ("cross_level_fusion", 0.2, 0.0, "unit"): [59],
        ("cross_level_fusion", 0.1, 0.075, "unit"): [78],
        ("cross_level_fusion", 0.1, 0.05, "soft"): [77],
    }
