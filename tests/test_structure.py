"""The order of the rooms: each imports only from those before it in the list; what breaks it is named."""

import ast
import pathlib

import pytest

import instance_seg

ROOT = pathlib.Path(instance_seg.__file__).parent
ORDER = [
    "quiet",
    "structures",
    "options",
    "files",
    "tables",
    "processes",
    "interrupt",
    "settings_file",
    "replicas",
    "describe",
    "data",
    "procedural",
    "initializers",
    "layers",
    "octree",
    "backbones",
    "fusion",
    "heads",
    "losses",
    "systems",
    "clustering",
    "metrics",
    "drawing",
    "evaluation",
    "schedule",
    "config",
    "flags",
    "training",
    "released",
    "benchmark",
    "train",
    "evaluate",
    "predict",
    "report",
    "jobs",
    "study",
]
WITHOUT_TENSORFLOW = ["clustering", "metrics", "procedural", "drawing", "evaluation", "report"]


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def source_files(folder=ROOT):
    return sorted(p for p in folder.rglob("*.py") if p != ROOT / "__init__.py")


def test_every_room_has_its_place():
    strange = {room_of(p) for p in source_files()} - set(ORDER)
    assert not strange, f"add {sorted(strange)} to ORDER in {__file__}, after all that they import"


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_import_only_from_those_before_them(path):
    here = ORDER.index(room_of(path))
    for line, module in imported_modules(path):
        if module.startswith("instance_seg."):
            there = module.split(".")[1]
            assert ORDER.index(there) <= here, f"{path}:{line} imports {module}: {there} comes after {ORDER[here]}"


@pytest.mark.parametrize("room", ["training", "evaluation"])
def test_who_measures_knows_no_report(room):
    files = source_files(ROOT / room)
    assert files
    for path in files:
        for line, module in imported_modules(path):
            assert not module.startswith("instance_seg.report"), f"{path}:{line} imports {module}"


@pytest.mark.parametrize("room", WITHOUT_TENSORFLOW)
def test_numpy_rooms_stay_free_of_tensorflow(room):
    for path in source_files(ROOT / room):
        for line, module in imported_modules(path):
            assert module.split(".")[0] not in ("tensorflow", "keras"), f"{path}:{line} imports {module}"


def test_the_only_reader_of_settings_flags_is_flags():
    """Entry points may define flags of their own; settings come from flags.config_from_flags alone."""
    own = ("flags.py", "study.py")  # a study leaves the flags of the runs to the runs
    readers = [str(p) for p in source_files() if "FLAGS" in p.read_text() and p.name not in own]
    assert not readers, f"{readers}: read settings through instance_seg.flags"
