import csv
import subprocess
import sys

import numpy as np
import pytest
from small_results import WITH, WITHOUT, results

from instance_seg.evaluation.results import write_results
from instance_seg.report.category_grid import grid_table, group_runs, make_grid, means_table
from instance_seg.report.paper import paper_grid, paper_tables
from instance_seg.report.summary import summary, summary_csv
from instance_seg.tables import capitalized, markdown, percent


def cells(table):
    """Rows of a Markdown table as lists of stripped cells, without the rule below the headings."""
    lines = [line for line in table.splitlines() if line.startswith("|") and not line.startswith(("|:", "|-"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def chair_and_bag():
    chair = results({0: 90.0, 1: 60.0, 2: 30.0}, {0: 80.0, 1: 60.0, 2: 40.0}, subset="Chair")
    return [chair, results({0: 50.0}, {0: 70.0}, subset="Bag")]


def test_percent():
    assert [percent(v) for v in (64.06, 100.0, None, float("nan"), 0)] == ["64.1", "100.0", "-", "-", "0.0"]


def test_a_name_as_a_heading():
    assert [capitalized(name) for name in ("coarse", "Area 5", "")] == ["Coarse", "Area 5", ""]


def test_empty_table_keeps_its_heading():
    assert cells(markdown(["a", "b"], [])) == [["a", "b"]]


def test_grid_averages_levels_first():
    grid = make_grid(chair_and_bag(), WITH, "AP50")
    assert grid.categories == ("Bag", "Chair")
    np.testing.assert_array_equal(grid.category_means, [50, 60])
    np.testing.assert_array_equal(grid.level_means, [70, 60, 30])
    assert grid.mean == 55


def test_grid_table_has_the_papers_layout():
    assert cells(grid_table(make_grid(chair_and_bag(), WITH, "AP50"))) == [
        ["Level", "Avg", "Bag", "Chair"],
        ["Coarse", "70.0", "50.0", "90.0"],
        ["Middle", "60.0", "-", "60.0"],
        ["Fine", "30.0", "-", "30.0"],
        ["Avg", "55.0", "50.0", "60.0"],
    ]


def test_means_table_has_both_rows():
    assert cells(means_table(chair_and_bag())) == [
        ["Row", "AP25", "AP50", "AP75", "sAP50", "mIoU"],
        [WITH, "60.0", "55.0", "50.0", "55.0", "55.0"],
        [WITHOUT, "70.0", "65.0", "60.0", "65.0", "65.0"],
    ]


def test_seeds_of_a_category_are_averaged():
    runs = [results({0: 90.0}, seed=0), results({0: 80.0}, seed=1), results({0: 10.0}, subset="Bag")]
    np.testing.assert_array_equal(make_grid(runs, WITH, "AP50").values[0], [10, 85])


def test_a_level_that_nobody_has_is_a_dash():
    table = cells(grid_table(make_grid([results({0: 50.0}, subset="Bag")], WITH, "AP50")))
    assert table[2] == ["Middle", "-", "-"]


def test_groups_differ_in_category_and_seed_only():
    runs = [results({0: 9.0}), results({0: 9.0}, seed=1), results({0: 9.0}, variant="single_level_fusion")]
    assert [len(members) for members in group_runs(runs).values()] == [2, 1]


def test_summary_has_two_blocks_and_the_means():
    text = summary(chair_and_bag())
    for heading in (f"## AP50, {WITH}", f"## AP50, {WITHOUT}", "## Means over levels, then categories"):
        assert heading in text
    assert "2 categories, 2 runs, seeds 0." in text
    assert "paper" not in text  # procedural shapes are not the paper's data


def test_paper_beside_ours_on_partnet():
    run = results({0: 90.1, 1: 50.7, 2: 40.2}, subset="Chair", dataset="PartNet")
    rows = cells(summary([run]))
    start = rows.index(["Level", "Whose", "Avg", "Chair"])
    assert rows[start + 1 : start + 4] == [
        ["Coarse", "ours", "90.1", "90.1"],
        ["", "paper", "84.1", "84.1"],
        ["", "difference", "+6.0", "+6.0"],
    ]
    assert ["", "paper", "72.1", "64.1", "49.7", "76.1", "66.1"] in rows


def test_csv_holds_every_figure():
    rows = list(csv.DictReader(summary_csv(chair_and_bag()).splitlines()))
    assert len(rows) == 2 * 5 * ((3 + 1) + (1 + 1))
    (found,) = [
        row
        for row in rows
        if (row["category"], row["row"], row["level"], row["measure"]) == ("Chair", WITHOUT, "3", "AP25")
    ]
    assert float(found["percent"]) == 45.0


METHODS = [(measure, method) for measure, table in paper_tables()["category_tables"].items() for method in table]


@pytest.mark.parametrize("measure, method", METHODS)
def test_paper_figures_agree_with_the_printed_averages(measure, method):
    """Guards the transcription: our averaging of the printed figures gives the printed averages, up to rounding."""
    printed = paper_tables()["category_tables"][measure][method]
    grid = paper_grid(measure, method)
    assert len(grid.categories) == 24 and list(grid.categories) == sorted(grid.categories)
    np.testing.assert_array_equal(np.isfinite(grid.values).sum(axis=1), [24, 9, 17])
    np.testing.assert_allclose(grid.category_means, printed["Avg"][1:], atol=0.11)
    np.testing.assert_allclose(
        grid.level_means, [printed[level][0] for level in ("Coarse", "Middle", "Fine")], atol=0.11
    )
    assert grid.mean == pytest.approx(printed["Avg"][0], abs=0.11)


def test_paper_has_no_such_table():
    with pytest.raises(ValueError, match="no table of mIoU per category for 'Ours'"):
        paper_grid("mIoU")


def run_program(*arguments):
    command = [sys.executable, "-m", "instance_seg.report", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_program_prints_and_writes_the_tables(tmp_path):
    for run in chair_and_bag():
        write_results(tmp_path / run["run"]["subset"], run)
    done = run_program(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "table.md").read_text() in done.stdout
    assert (tmp_path / "table.csv").read_text().startswith("dataset,variant,")


def test_program_names_what_is_wrong(tmp_path):
    done = run_program(tmp_path)
    assert done.returncode == 1 and "no results.json" in done.stderr and "Traceback" not in done.stderr
