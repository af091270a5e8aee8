"""The pages build without a warning; what they name exists."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "experiments" / "README.md", *(ROOT / "docs").rglob("*.md")]
)
SOURCES = [p for room in ("instance_seg", "tools", "experiments", "tests") for p in (ROOT / room).rglob("*.[psy]*")]
OF_OTHERS = {"logdir", "plugin", "helpfull"}  # TensorBoard's and absl's


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


@pytest.mark.slow
def test_pages_build_without_a_warning(tmp_path):
    pytest.importorskip("myst_parser", reason="pip install -e .[docs]")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built = [page.read_text() for page in tmp_path.rglob("*.html")]
    assert len(built) > len(list((ROOT / "docs").rglob("*.md")))
    assert not any(re.search(r'(src|stylesheet" href)="https?:', page) for page in built)  # nothing from a network


def test_flags_of_the_pages_exist():
    words = set(re.findall(r"\w+", " ".join(p.read_text() for p in SOURCES if p.suffix in (".py", ".sh", ".yaml"))))
    named = {flag for page in PAGES for flag in re.findall(r"(?<![\w-])--([a-z]\w+)", page.read_text())} - OF_OTHERS
    assert len(named) > 40
    assert not [flag for flag in named if flag not in words and flag.removeprefix("no") not in words]


def test_files_of_the_pages_exist():
    places = r"(?<![\w./])(?:tools|experiments|tests|instance_seg|ocnn_tf_ops|docs)/[\w./]+\w"
    named = {(page, place) for page in PAGES for place in re.findall(places, page.read_text())}
    named |= {
        (page, f"{module.replace('.', '/')}.py")
        for page in PAGES
        for module in re.findall(r"-m (instance_seg\.\w+)", page.read_text())
    }
    assert len(named) > 60
    examples = ("instance_seg/report.py", "instance_seg/report/tables/TASK.yaml")  # a package, and a name to put in
    assert not [(str(page), place) for page, place in named if not (ROOT / place).exists() and place not in examples]


def test_links_between_pages_lead_somewhere():
    links = [(p, link) for p in PAGES for link in re.findall(r"\]\(([^)#:]+)\)", p.read_text())]
    assert len(links) > 30
    assert not [(str(page), link) for page, link in links if not (page.parent / link).exists()]
    assert not [str(p) for p in PAGES if "[](" in p.read_text()]  # GitHub shows nothing of a link without a text
