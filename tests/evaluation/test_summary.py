from small_results import WITH, WITHOUT, results, run_info

from instance_seg.evaluation.results import build_results, check_results
from instance_seg.evaluation.summary import measures_text, run_table


def cells(table):
    """Rows of a Markdown table as lists of stripped cells, without the rule below the headings."""
    lines = [line for line in table.splitlines() if line.startswith("|") and not line.startswith(("|:", "|-"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_run_has_a_row_for_every_reading_level_and_class():
    text = run_table(results({0: 90.0, 1: 60.0, 2: 30.0}, {0: 80.0, 1: 60.0, 2: 40.0}))
    rows = cells(text)
    assert [WITH, "Fine", "35.0", "30.0", "25.0", "30.0", "30.0"] in rows
    assert [f"**{WITHOUT}**", "**Avg**", "**65.0**", "**60.0**", "**55.0**", "**60.0**", "**60.0**"] in rows
    assert ["seat", "3", "95.0", "90.0", "85.0", "85.0", "80.0", "75.0"] in rows
    assert text.startswith("# Chair - cross_level_fusion, preset demo, seed 0") and "800 iterations" in text
    assert "float32 arithmetic, that of the published" in text


def test_a_system_of_another_kind():
    classes = {"chair": {"coverage": 50.0, "instances": 7}, "lamp": {"coverage": None, "instances": 1}}
    rooms = {"mCov": 40.0, "mPrec": None, "per_class": classes}
    run = {name: value for name, value in run_info(task="s3dis", subset="").items() if name != "ap_arithmetic"}
    made = build_results(run, {"block merging": {"settings": {}, "levels": {"rooms": rooms}}})
    text = run_table(made)
    assert text.startswith("# s3dis - ") and "arithmetic" not in text and "## Classes, Rooms" in text
    rows = cells(text)
    assert rows[:3] == [
        ["Reading", "Level", "mCov", "mPrec"],
        ["block merging", "Rooms", "40.0", "-"],
        ["**block merging**", "**Avg**", "**40.0**", "**-**"],
    ]
    assert rows[3:] == [["Class", "Instances", "coverage"], ["chair", "7", "50.0"], ["lamp", "1", "-"]]


def test_values_by_class():
    made = results({0: 90.0})
    values = {"seat": {"bandwidth": 0.4, "lambda": 0}, "leg": {"bandwidth": 0.051234, "lambda": 0.0125}}
    made["readings"][WITH]["settings"]["by_class"] = {"coarse": values}
    made["readings"][WITHOUT]["settings"]["by_class"] = {"coarse": {"seat": values["leg"]}}
    check_results(made, "here")
    text = run_table(made)
    assert cells(text[text.index("## Bandwidth and lambda by class") :]) == [
        ["Level", "Class", f"h {WITH}", f"lambda {WITH}", f"h {WITHOUT}", f"lambda {WITHOUT}"],
        ["Coarse", "seat", "0.4", "0", "0.0512", "0.0125"],
        ["Coarse", "leg", "0.0512", "0.0125", "-", "-"],
    ]
    assert "by class" not in run_table(results({0: 90.0}))


def test_a_class_that_one_reading_lacks():
    made = results({0: 90.0})
    del made["readings"][WITHOUT]["levels"]["coarse"]["per_class"]["seat"]
    assert ["seat", "3", "95.0", "90.0", "85.0"] in cells(run_table(made))
    assert measures_text(made) in run_table(made)
