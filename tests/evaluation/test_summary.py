from small_results import WITH, WITHOUT, readings, results, run_info

from instance_seg.evaluation.results import build_results, check_results
from instance_seg.evaluation.summary import measures_text, misses_table, run_table


def cells(table):
    """Rows of a Markdown table as lists of stripped cells, without the rule below the headings."""
    lines = [line for line in table.splitlines() if line.startswith("|") and not line.startswith(("|:", "|-"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_run_has_a_row_for_every_reading_level_and_class():
    text = run_table(results({0: 90.0, 1: 60.0, 2: 30.0}, {0: 80.0, 1: 60.0, 2: 40.0}))
    rows = cells(text)
    assert [WITH, "Fine", "35.0", "30.0", "25.0", "30.0", "30.0"] in rows
    assert [f"**{WITHOUT}**", "**Avg**", "**65.0**", "**60.0**", "**55.0**", "**60.0**", "**60.0**"] in rows
    assert ["seat", WITH, "3", "95.0", "90.0", "85.0"] in rows
    assert ["seat", WITHOUT, "3", "85.0", "80.0", "75.0"] in rows
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
    assert rows[3:] == [
        ["Class", "Reading", "Instances", "coverage"],
        ["chair", "block merging", "7", "50.0"],
        ["lamp", "block merging", "1", "-"],
    ]


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


def test_why_instances_are_missed():
    outcomes = {"found": 5, "wrong class": 1, "no proposal": 0, "split": 2, "too small": 0, "merged": 3}
    lost = {"lost: wrong class": 12.5, "lost: no proposal": 0.0, "lost: small proposal": 1.0}
    first = readings({0: 90.0})
    first[WITH]["misses"] = {"coarse": {"seat": {**outcomes, **lost, "spread": 0.01234}}}
    first[WITH]["misses"]["coarse"]["leg"] = {**outcomes, **lost, "spread": float("nan")}
    made = build_results(run_info(), first)
    text = run_table(made)
    table = cells(text[text.index("## Why instances are missed, with region centers") :])
    assert table[0] == ["Level", "Class", *outcomes, "spread", "h", *lost]
    assert table[1:] == [
        ["Coarse", "seat", "5", "1", "0", "2", "0", "3", "0.0123", "0.1", "12.5", "0.0", "1.0"],
        ["Coarse", "leg", "5", "1", "0", "2", "0", "3", "-", "0.1", "12.5", "0.0", "1.0"],
    ]
    made["readings"][WITH]["settings"]["by_class"] = {"coarse": {"leg": {"bandwidth": 0.4, "lambda": 0}}}
    assert [row[-4] for row in cells(misses_table(made["readings"][WITH]))[1:]] == ["0.1", "0.4"]
    assert "missed" not in run_table(results({0: 90.0}))


def test_a_class_that_one_reading_lacks():
    made = results({0: 90.0})
    del made["readings"][WITHOUT]["levels"]["coarse"]["per_class"]["seat"]
    assert [row for row in cells(run_table(made)) if row[0] == "seat"] == [["seat", WITH, "3", "95.0", "90.0", "85.0"]]
    assert measures_text(made) in run_table(made)
