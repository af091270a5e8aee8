"""One file pins the version of everything that is installed for runs, tests and pages."""

import ast
import importlib.metadata as metadata
import pathlib
import re

from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNPINNED = {"torch"}  # a choice of the user's, for reading weights alone


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins():
    lines = [line for line in (ROOT / "tools" / "constraints.txt").read_text().splitlines() if line[0] != "#"]
    found = {canonical(name): version for name, version in (line.split("==") for line in lines)}
    assert len(found) == len(lines) > 50
    return found


def requirements():
    """All texts of setup.py that are requirements: of the package and of its extras."""
    (call,) = (
        node
        for node in ast.walk(ast.parse((ROOT / "setup.py").read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    lists = [given["install_requires"], *(value for value in given["extras_require"].values if value is not None)]
    return [
        Requirement(each.value)
        for part in lists
        for each in getattr(part, "elts", [])
        if isinstance(each, ast.Constant)
    ]


def test_every_requirement_is_pinned_to_a_version_that_it_allows():
    pinned = pins()
    wanted = [each for each in requirements() if each.name not in UNPINNED]
    assert len(wanted) > 15
    for each in wanted:
        assert each.specifier.contains(pinned[canonical(each.name)]), each


def test_what_is_installed_here_has_these_versions():
    installed = {canonical(each.metadata["Name"]): each.version for each in metadata.distributions()}
    both = installed.keys() & pins().keys()
    assert len(both) > 30
    assert {name: installed[name] for name in both} == {name: pins()[name] for name in both}
