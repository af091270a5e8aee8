"""Text out of results.json is text in every format, whatever it looks like."""

import csv
import html
import re
import subprocess
import sys

import pytest
from small_results import SETTINGS, WITH, WITHOUT, level_entry, results, run_info

from instance_seg.evaluation.results import build_results, write_results
from instance_seg.evaluation.summary import run_table
from instance_seg.report.formats import to_csv, to_html, to_latex
from instance_seg.report.frame import make_frame
from instance_seg.report.overview import overview
from instance_seg.report.report import make_report, report_html, report_markdown, write_report
from instance_seg.tables import Table, escape_markdown

NASTY = [
    "a|b",
    "a\\|b",
    "a\\b",
    "<script>alert(1)</script>",
    "&lt;b&gt;",
    "\" onclick='x'",
    "50 % of $x_1$ & #3",
    "{~^}",
    "_a_ __b__ *c* `d`",
    "[x](http://y) ![z](w)",
    "# not a heading",
    "two\nlines\r\n\nand\u2028more",
    "\x1b[31mred\x00",
    "\\end{table*}\\input{/etc/passwd}",
]
LATEX_ESCAPES = re.compile(r"\\(textbackslash|textasciitilde|ensuremath)\{[<>]?\}|\\\^\{\}|\\[&%$#_{}]")


def a_run(name):
    levels = {"coarse": level_entry(50.0, classes=(name,))}
    both = {reading: {"settings": SETTINGS, "levels": levels} for reading in (WITH, WITHOUT)}
    return build_results(run_info(name, variant=f"own {name}", dataset=name, preset=name, commit=name), both)


def cells(line):
    """The cells of a line of a Markdown table: split at the pipes without a backslash that counts."""
    return re.split(r"(?<!\\)(?:\\\\)*\|", line.strip().strip("|"))


@pytest.mark.parametrize("name", NASTY)
def test_markdown_tables_keep_their_shape(name):
    texts = [
        run_table(a_run(name)),
        overview(make_frame([a_run(name)])),
        report_markdown(make_report(make_frame([a_run(name)]))),
    ]
    for text in texts:
        lines = text.splitlines()
        starts = [k for k, line in enumerate(lines) if re.match(r"\|[:-]", line)]
        assert starts
        for k in starts:
            end = next((j for j in range(k, len(lines)) if not lines[j].startswith("|")), len(lines))
            assert {len(cells(line)) for line in lines[k - 1 : end]} == {len(cells(lines[k]))}
        assert not re.search(r"(?<!\\)[<`$~]", text)
        assert not re.search("[\x00\x1b\u2028\r]", text)


@pytest.mark.parametrize("name", NASTY)
def test_escaped_markdown_says_the_same(name):
    plain = re.sub(r"\\([!-/:-@[-`{-~])", r"\1", escape_markdown(name))
    assert plain == re.sub("[\x00-\x1f\u2028]", " ", name)


def test_names_as_they_are_today_stay_readable():
    for name in ("chair/chair_base/star_leg_base", "cross_level_fusion transfer=False", "64.1 ± 0.8", "a †", "-"):
        assert escape_markdown(name) == name


@pytest.mark.parametrize("name", NASTY)
def test_latex_has_no_command_of_a_name(name):
    text = to_latex(Table("Table 9", name, (name, "AP50"), [[name, "1.0 ± 0.5"]], (name,)))
    ours = re.compile(
        r"\\(begin|end)\{(table\*|tabular)\}(\{lr\})?|\\(centering|caption\{|toprule|midrule|bottomrule|pm|\\)"
        r"|\\resizebox\{\\textwidth\}\{!\}\{%|% Table 9|\$\\pm\$"
    )
    rest = LATEX_ESCAPES.sub("", text)
    rest = ours.sub("", rest)
    assert "\\" not in rest and not re.search(r"[%$#_^~]", rest)
    assert rest.count("&") == 2  # the heading and the row
    assert rest.count("}") == 2 and "{" not in rest  # the ends of caption and box
    assert text.count("\n") == to_latex(Table("Table 9", "x", ("x", "AP50"), [["x", "1.0"]], ("x",))).count("\n")


@pytest.mark.parametrize("name", NASTY)
def test_html_has_no_tag_of_a_name(name):
    page = report_html(make_report(make_frame([a_run(name)]))) + to_html(
        Table(name, name, (name,), [[name]], (name,)), "a"
    )
    tags = {tag.split()[0].strip("</>") for tag in re.findall(r"<[^>]*>", page)}
    ours = "!doctype html head meta title style body h1 h2 h3 p nav a div table thead tbody tr th td".split()
    assert tags <= set(ours)
    assert not re.search(r"<[^>]*(onclick|alert)", page)
    assert html.escape(f"own {name}".replace("\r", "")) in page.replace("\r", "")


@pytest.mark.parametrize("name", NASTY)
def test_csv_gives_the_names_back(name):
    rows = list(csv.reader(to_csv(Table("", "", ("x", "y"), [[name, "1"]])).splitlines(keepends=True)))
    assert len(rows) == 2 and rows[1] == [name, "1"]


def test_data_sets_whose_file_names_are_the_same_keep_a_file_each(tmp_path):
    runs = [results({0: 50.0}, dataset=name) for name in ("a b", "a/b", "x" * 400)]
    write_report(tmp_path, make_report(make_frame(runs)))
    assert len(list((tmp_path / "report").glob("table_4*.csv"))) == 3


def test_a_name_that_climbs_stays_in_the_folder(tmp_path):
    runs = [results({0: 50.0}, dataset=name) for name in ("../../out", "in")]
    write_report(tmp_path / "a" / "b", make_report(make_frame(runs)))
    assert {path.name for path in tmp_path.iterdir()} == {"a"} and {p.name for p in (tmp_path / "a").iterdir()} == {"b"}


def test_arithmetics_do_not_share_a_table(tmp_path):
    published, older = results({0: 50.0}), results({0: 70.0}, seed=1, ap_arithmetic="float64")
    sections = make_report(make_frame([published, older]))
    assert [s.title for s in sections] == ["procedural, preset demo", "procedural, preset demo, float64 arithmetic"]
    assert ["in float32 arithmetic, that of the published" in s.remarks[0] for s in sections] == [True, False]
    assert "in float64 arithmetic, not that of the published figures." in sections[1].remarks[0]
    text = overview(make_frame([published, older]))
    assert text.count("# cross_level_fusion on procedural, preset demo") == 2
    assert "float64 arithmetic, not that" in run_table(older) and "float32 arithmetic, that" in run_table(published)
    levels = [{"variant": "own", "level": 1}, {"variant": "own", "level": 2, "ap_arithmetic": "float64"}]
    apart = make_report(make_frame([results({info["level"] - 1: 50.0}, **info) for info in levels]))
    assert len(apart) == 2


def test_the_program_reports_nasty_names(tmp_path):
    for number, name in enumerate(NASTY):
        write_results(tmp_path / str(number), a_run(name))
    command = [sys.executable, "-m", "instance_seg.report", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "<script>" not in (tmp_path / "report" / "report.html").read_text()
