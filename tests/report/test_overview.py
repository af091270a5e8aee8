from small_results import WITH, WITHOUT, level_entry, results, run_info

from instance_seg.evaluation.results import build_results
from instance_seg.report.frame import make_frame
from instance_seg.report.overview import overview


def cells(table):
    """Rows of a Markdown table as lists of stripped cells, without the rule below the headings."""
    lines = [line for line in table.splitlines() if line.startswith("|") and not line.startswith(("|:", "|-"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def chair_and_bag():
    chair = results({0: 90.0, 1: 60.0, 2: 30.0}, {0: 80.0, 1: 60.0, 2: 40.0})
    return [chair, results({0: 50.0}, {0: 70.0}, subset="Bag")]


def test_a_network_has_a_table_by_category_for_each_reading_and_the_means():
    text = overview(make_frame(chair_and_bag()))
    for heading in (f"## AP50, {WITH}", f"## AP50, {WITHOUT}", "## Means over levels, then categories"):
        assert heading in text
    assert "2 categories, 2 runs, seed 0." in text
    rows = cells(text)
    assert rows[:5] == [
        ["Level", "Avg", "Bag", "Chair"],
        ["Coarse", "70.0", "50.0", "90.0"],
        ["Middle", "60.0", "-", "60.0"],
        ["Fine", "30.0", "-", "30.0"],
        ["Avg", "55.0", "50.0", "60.0"],
    ]
    assert rows[-3:] == [
        ["Reading", "AP25", "AP50", "AP75", "sAP50", "mIoU"],
        [WITH, "60.0", "55.0", "50.0", "55.0", "55.0"],
        [WITHOUT, "70.0", "65.0", "60.0", "65.0", "65.0"],
    ]


def test_networks_differ_in_more_than_category_and_seed():
    runs = [results({0: 9.0}), results({0: 9.0}, seed=1), results({0: 9.0}, variant="single_level_fusion")]
    text = overview(make_frame(runs, [results({0: 1.0}, bandwidth=0.2)]))
    assert text.count("\n\n## Means") == 2 and "1 category, 2 runs, seeds 0, 1." in text


def test_another_kind_of_data():
    reading = {"settings": {}, "levels": {"rooms": {"mCov": 40.0, "mPrec": None, **level_entry(5.0)}}}
    run = run_info(task="rooms", subset="", variant="asis")
    del run["ap_arithmetic"]
    text = overview(make_frame([build_results(run, {"block merging": reading})]))
    assert "## mCov, block merging" in text and "1 subset, 1 run, seed 0.\n" in text
    assert ["Rooms", "40.0", "40.0"] in cells(text)
