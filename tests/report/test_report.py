import csv
import html
import re
import subprocess
import sys
import urllib.parse

import pytest
from small_results import WITH, level_entry, results, run_info

from instance_seg.evaluation.results import build_results, write_results
from instance_seg.report.descriptions import description_of, table_of
from instance_seg.report.formats import html_page, to_csv, to_html, to_latex, to_markdown
from instance_seg.report.frame import make_frame
from instance_seg.report.report import make_report, report_html, report_markdown, write_report
from instance_seg.tables import Table
from instance_seg.viewer.page import VIEWER

EXAMPLE = Table(
    "Table 9", "Of <two> rows", ("Net_work", "AP50", "paper", "diff"), [["a_b †", "1.0 ± 0.5", "2", "-1.0"]]
)


def default_runs():
    """Two categories, two seeds of the default network; AP50 in every cell is made up."""
    chair = [{0: 90.0, 1: 60.0, 2: 30.0}, {0: 80.0, 1: 60.0, 2: 40.0}]
    runs = [results(*chair, subset="Chair", dataset="PartNet", parameters=8_086_301)]
    runs += [results({0: 80.0, 1: 60.0, 2: 40.0}, subset="Chair", dataset="PartNet", seed=1)]
    runs += [results({0: 81.0}, {0: 50.0}, subset="Bag", dataset="PartNet", seed=seed) for seed in (0, 1)]
    return runs


def report_of(runs, sweep=()):
    return make_report(make_frame(runs, sweep))


def table(sections, name):
    (section,) = sections
    (found,) = [table for table in section.tables if table.name == name]
    return found


def line(table, *names):
    (found,) = [row for row in table.rows if tuple(row[: len(names)]) == names]
    return list(found)


def test_table_4_has_a_row_for_every_network_with_and_without_the_dagger():
    ablation = table(report_of(default_runs()), "Table 4")
    assert len(ablation.rows) == 22
    found = line(ablation, "cross_level_fusion")
    # Chair 60 in both seeds, Bag 81
    assert found[1:3] == ["2", "0 1"] and found[6:9] == ["70.5 ± 0.0", "64.1", "+6.4"]
    assert line(ablation, "cross_level_fusion †")[7:9] == ["63.1", "-8.1"]
    assert line(ablation, "asis_fusion †")[1:9] == ["not run", "-", "-", "68.2", "-", "-", "59.0", "-"]


def test_table_5_takes_rows_of_runs_and_of_sweeps():
    sweep = [
        results({0: 70.0}, {0: 65.0}, subset="Bag", dataset="PartNet", bandwidth=0.05),
        results({0: 75.0}, {0: 55.0}, subset="Bag", dataset="PartNet", semantic_center_offset=0.025),
    ]
    swept = table(report_of(default_runs(), sweep), "Table 5")
    assert len(swept.rows) == 6
    assert [line(swept, h, push)[7] for h, push in (("0.05", "0.000"), ("0.10", "0.025"))] == ["65.0", "75.0"]
    assert line(swept, "0.10", "0.050")[7:10] == ["70.5 ± 0.0", "64.1", "+6.4"]
    assert line(swept, "0.20", "0.000")[2] == "not run"
    (further,) = [t for t in report_of(default_runs(), sweep)[0].tables if t.name == "Further rows"]
    assert [row[:4] for row in further.rows] == [["cross_level_fusion", "0.05", "0.05", "unit"]]


def test_a_soft_push_is_a_row_of_ours():
    soft = results({0: 70.0}, {0: 65.0}, subset="Bag", dataset="PartNet", region_push="soft")
    sections = report_of(default_runs(), [soft])
    assert line(table(sections, "Further rows"), "cross_level_fusion", "0.1", "0.05", "soft (ours)")[5:8][1:] == [
        "75.0",
        "70.0",
    ]
    assert line(table(sections, "Table 4"), "cross_level_fusion")[6] == "70.5 ± 0.0"


def test_networks_of_one_level_each_are_one_row():
    def single(level, value):
        info = {"variant": "single_level_fusion", "subset": "Chair", "level": level, "parameters": 10}
        return results({level - 1: value}, **info)

    sections = report_of([single(1, 90.0), single(3, 30.0)])
    assert line(table(sections, "Table 4"), "single_level_fusion")[6] == "60.0"
    assert line(table(sections, "Parameters"), "single_level_fusion") == ["single_level_fusion", "20 (2 networks)"]
    assert "Incomplete: single_level_fusion, Chair, seed 0 lacks level 2." in sections[0].remarks
    assert any("procedural is not the paper's data" in remark for remark in sections[0].remarks)


def test_table_1_has_the_papers_layout():
    first = table(report_of(default_runs()), "Table 1")
    assert len(first.headers) == 2 + 25 and first.headers[2:4] == ["Avg", "Bag"]
    assert [row[:2] for row in first.rows[:6]] == [
        ["Coarse", name] for name in ("SGPN", "PartNet", "PE", "Ours (the paper's)", "this program", "difference")
    ]
    assert line(first, "Coarse", "Ours (the paper's)")[2:4] == ["71.2", "80.5"]
    # Chair 85 over the seeds, Bag 81; the paper's mean over these two is (84.1 + 80.5) / 2
    assert line(first, "Coarse", "this program")[2:4] == ["83.0 ± 3.5", "81.0 ± 0.0"]
    assert line(first, "Coarse", "difference")[2:4] == ["+0.7", "+0.5"]
    assert line(first, "Fine", "this program")[2:4] == ["35.0 ± 7.1", "-"]
    assert line(first, "Avg", "this program")[2:4] == ["70.5 ± 0.0", "81.0 ± 0.0"]


def test_table_2_compares_the_categories_that_were_run():
    second = table(report_of(default_runs()), "Table 2")
    assert line(second, "SGPN")[1:] == ["-", "46.8", "-", "64.2", "-"]
    assert line(second, "Ours (the paper's), categories that were run")[2] == "68.2"  # (80.5 + 56.0) / 2
    assert line(second, "this program")[2] == "70.5 ± 0.0"
    assert line(second, "difference")[2] == "+2.2" and line(second, "difference")[5] == "-"


def test_the_papers_averages_are_over_the_levels_that_were_run():
    sections = report_of([results({0: 90.0}, subset="Chair", dataset="PartNet")])
    assert line(table(sections, "Table 2"), "Ours (the paper's), categories that were run")[2] == "84.1"
    assert line(table(sections, "Table 2"), "difference")[2] == "+5.9"
    assert line(table(sections, "Table 1"), "Avg", "difference")[2:8] == ["+5.9", "-", "-", "-", "-", "+5.9"]


def test_nothing_of_the_default_network_was_run():
    sections = report_of([results({0: 50.0}, variant="multi_level_fusion")])
    assert line(table(sections, "Table 1"), "Fine", "this program")[2:4] == ["not run", "-"]
    assert line(table(sections, "Table 2"), "this program")[1] == "not run"


def test_data_sets_and_presets_have_tables_of_their_own(tmp_path):
    runs = [results({0: 50.0}), results({0: 60.0}, dataset="other")]
    sections = report_of(runs)
    assert [section.title for section in sections] == ["procedural, preset demo", "other, preset demo"]
    write_report(tmp_path, sections)
    assert (tmp_path / "report" / "table_4-other-demo.csv").exists()


def test_a_variant_with_other_choices_is_no_row_of_the_paper():
    sections = report_of([results({0: 50.0}, variant="multi_level_fusion transfer=False")])
    assert len(table(sections, "Table 4").rows) == 22
    rows = table(sections, "Table 4").rows
    assert rows and all(row[1] == "not run" for row in rows)
    assert [row[0] for row in table(sections, "Further rows").rows] == ["multi_level_fusion transfer=False"] * 2


def test_paper_figures_are_those_of_the_yaml():
    ablation = table(report_of(default_runs()), "Table 4")
    described = table_of(description_of("partnet"), "Table 4")["rows"]
    assert [row[0] for row in ablation.rows] == [row["name"] for row in described]
    for row in described:
        assert [float(x) for x in line(ablation, row["name"])[4::3]] == row["paper"]


def test_a_system_whose_readings_have_other_settings_has_rows_too():
    levels = {"coarse": level_entry(50.0)}
    readings = {name: {"settings": {"radius": radius}, "levels": levels} for name, radius in (("a", 1), ("b", 2))}
    sections = report_of([*default_runs(), build_results(run_info(variant="pointgroup", dataset="PartNet"), readings)])
    assert [row[:5] for row in table(sections, "Other systems and readings").rows] == [
        ["pointgroup", "a", "radius=1", "1", "0"],
        ["pointgroup", "b", "radius=2", "1", "0"],
    ]
    assert line(table(sections, "Table 4"), "cross_level_fusion")[6] == "70.5 ± 0.0"
    alone = report_of([build_results(run_info(variant="pointgroup"), readings)])
    assert (
        len(table(alone, "Other systems and readings").rows) == 2
        and line(table(alone, "Table 4"), "asis_fusion")[1] == "not run"
    )


def test_values_by_class_have_a_table_over_the_seeds():
    def run(seed, bandwidth, push=0.0):
        values = {"coarse": {"seat": {"bandwidth": bandwidth, "lambda": push}}}
        made = results({0: 50.0}, seed=seed)
        calibrated = made["readings"][WITH] | {"settings": {"region_push": "unit", "by_class": values}}
        return build_results(made["run"], {**made["readings"], "calibrated": calibrated})

    sections = report_of([run(0, 0.1), run(1, 0.3), results({0: 50.0}, subset="Table")])
    found = table(sections, "Bandwidth and lambda")
    assert found.headers == ["Network", "Part", "Level", "Class", "h calibrated", "lambda calibrated"]
    assert found.rows == [["cross_level_fusion", "Chair", "coarse", "seat", "0.2 ± 0.14", "0 ± 0"]]
    (row,) = table(sections, "Other systems and readings").rows
    assert row[:5] == ["cross_level_fusion", "calibrated", "region_push=unit, by_class=yes", "1", "0 1"]
    assert line(table(sections, "Table 4"), "cross_level_fusion")[2] == "0 1"
    assert not any("Bandwidth" in each.name for section in report_of(default_runs()) for each in section.tables)


def test_another_kind_of_data_has_the_tables_of_its_own_networks():
    def run(variant, value, seed):
        levels = {"area 5": {"mCov": value, "mPrec": None, "per_class": {}}}
        readings = {name: {"settings": {"radius": 0.5}, "levels": levels} for name in ("one", "other")}
        info = run_info("", seed, variant, "hills", task="meadows", parameters=1000)
        del info["ap_arithmetic"]
        return build_results(info, readings)

    runs = [run("asis", 40.0, 0), run("asis", 42.0, 1), run("mlp", 10.0, 0)]
    (section,) = report_of(runs)
    assert section.title == "hills, preset demo" and "3 runs of 2 networks on meadows;" in section.remarks[0]
    assert len(section.remarks) == 1 and "arithmetic" not in section.remarks[0]
    found = table([section], "Results")
    assert found.headers == ["Network", "Reading", "Settings", "Subsets", "Seeds", "mCov", "mPrec"]
    assert found.rows[0] == ["asis", "one", "radius=0.5", "1", "0 1", "41.0 ± 1.4", "-"]
    assert [row[:2] for row in found.rows] == [["asis", "one"], ["asis", "other"], ["mlp", "one"], ["mlp", "other"]]
    assert line(table([section], "Parameters"), "asis")[1:] == ["1,000"]
    assert report_markdown([section]) and report_html([section])


def test_formats():
    example = EXAMPLE._replace(notes=("50 % _off_",))
    assert to_markdown(example).startswith("### Table 9: Of \\<two\\> rows\n\n| Net_work")
    assert to_csv(example) == "Net_work,AP50,paper,diff\na_b †,1.0 ± 0.5,2,-1.0\n"
    latex = to_latex(example)
    assert "a\\_b $^\\dagger$" in latex and "& 1.0 $\\pm$ 0.5 &" in latex and "50 \\% \\_off\\_" in latex
    page = html_page("a & b", to_html(example))
    assert "Of &lt;two&gt; rows" in page and "<h1>a &amp; b</h1>" in page and '<td class="down">-1.0</td>' in page


def test_csv_headings_are_distinct():
    headers = ("Network", "AP25", "paper", "diff", "AP50", "paper", "diff")
    first = to_csv(Table("", "", headers, [])).strip().split(",")
    assert first == ["Network", "AP25", "AP25 paper", "AP25 diff", "AP50", "AP50 paper", "AP50 diff"]


def test_the_page_needs_no_other_file():
    page = report_html(report_of(default_runs()))
    for reference in ("http", "src=", "@import", "url("):
        assert reference not in page
    anchors = re.findall(r'href="([^"]*)"', page)
    assert len(anchors) == 8 and all(page.count(f'id="{anchor.removeprefix("#")}"') == 1 for anchor in anchors)
    assert page.count("<table>") == page.count("</table>") == 8


def test_the_page_marks_our_rows_and_parts_the_measures():
    page = report_html(report_of(default_runs()))
    assert page.count('class="ours"') == 1 + 4 * (1 + 3)  # Table 2, and the levels of four tables by category
    assert '<th class="group">AP50</th><th>paper</th><th>diff</th>' in page
    assert '<td class="name again">Coarse</td>' in page and '<tr class="first"><td class="name">Middle</td>' in page


def test_markdown_holds_all_tables():
    text = report_markdown(report_of(default_runs()))
    for name in ("Table 1:", "Table 2:", "Table 4:", "Table 5:", "Table 10 AP25:", "Table 10 sAP50:", "Parameters:"):
        assert f"### {name}" in text
    assert "8,086,301" in text


@pytest.mark.parametrize("several", [False, True])
def test_program_writes_every_format(tmp_path, several):
    runs = [results({0: 50.0}, subset="Bag")] + [results({0: 60.0}, variant="asis_fusion")] * several
    for run in runs:
        write_results(tmp_path / run["run"]["variant"], run)
    write_results(tmp_path / "cross_level_fusion" / "sweep" / "x", results({0: 9.0}, subset="Bag", bandwidth=0.2))
    command = [sys.executable, "-m", "instance_seg.report", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("### Table 4" in done.stdout) == several
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.md", "report.html", "report.tex", "table_1.csv", "table_5.csv", "table_10_ap25.csv"} <= names
    with (tmp_path / "report" / "table_5.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["AP50"] for row in rows] == ["-", "50.0", "9.0", "-", "50.0", "-"]


def test_the_page_links_the_viewers_of_the_runs(tmp_path):
    names = ["Chair", "a & b <i>#1</i>%20", "."]
    for name in names:
        (tmp_path / name).mkdir(exist_ok=True, parents=True)
        (tmp_path / name / VIEWER).touch()
    page = write_report(tmp_path, report_of(default_runs()))
    links = re.findall(r'<li><a href="([^"]*)">([^<]*)</a></li>', page.read_text())
    assert sorted(html.unescape(text) for _, text in links) == sorted(names)
    for target, text in links:
        path = page.parent / urllib.parse.unquote(html.unescape(target))
        assert path.resolve() == tmp_path.resolve() / html.unescape(text) / VIEWER
