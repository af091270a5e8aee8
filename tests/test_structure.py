"""The order of the rooms: each imports only from those before it in the list; what breaks it is named."""

import ast
import pathlib
import subprocess
import sys

import pytest

import instance_seg

ROOT = pathlib.Path(instance_seg.__file__).parent
ORDER = """quiet allocator structures registry options nesting files tables processes interrupt settings_file replicas
    clustering data procedural initializers recompute layers describe octree backbones fusion heads losses systems
    released metrics drawing viewer schedule config presets flags evaluation score_files score_parts score_scannet
    training building evaluator segmenter run_files portable experiment benchmark train evaluate calibrate
    prediction_files predict report jobs study_data study doctor""".split()
WITHOUT_TENSORFLOW = ["clustering", "metrics", "procedural", "drawing", "viewer", "report"]
IN_THE_GRAPH = "clustering/components.py"  # which systems call while they train
FOR_ANY_DATA = ["training", "evaluation", "data/batches.py", "data/pipeline.py"]
OF_ONE_KIND = ["partnet", "category", "octree", "region"]  # what these must not know
MOST_FILES = 13  # of a folder, its own
SHAPES = {"grammars", "rooms"}  # of procedural/: a file for each kind of thing


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
    files = source_files(ROOT / room)
    assert files
    for path in set(files) - {ROOT / IN_THE_GRAPH}:
        for line, module in imported_modules(path):
            assert module.split(".")[0] not in ("tensorflow", "keras"), f"{path}:{line} imports {module}"
            assert module != "instance_seg.clustering.components", f"{path}:{line} imports TensorFlow with {module}"


def test_the_only_reader_of_settings_flags_is_flags():
    """Entry points may define flags of their own; settings come from flags.config_from_flags alone."""
    own = ("flags.py", "study.py")  # a study leaves the flags of the runs to the runs
    readers = [str(p) for p in source_files() if "FLAGS" in p.read_text() and p.name not in own]
    assert not readers, f"{readers}: read settings through instance_seg.flags"


def words_of(path):
    """Names and texts of the code: all but comments and docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and isinstance((node.body or [None])[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value
        for field in ("id", "attr", "arg", "name", "module"):
            if isinstance(getattr(node, field, None), str):
                yield node.lineno, getattr(node, field)


def test_programs_look_at_all_of_their_command_line():
    programs = [p for folder in (ROOT, ROOT.parent / "tools") for p in folder.rglob("*.py")]
    programs = [p for p in programs if "app.run(main" in p.read_text()]
    assert len(programs) > 20
    for path in programs:
        text = path.read_text()
        looks = "refuse_arguments(argv" in text or "len(argv) != " in text or "argv[2:]" in text
        assert looks, f"{path}: words behind no flag would be left out silently; call flags.refuse_arguments"


@pytest.mark.parametrize("place", FOR_ANY_DATA)
def test_the_middle_floor_knows_no_data_set_and_no_backbone(place):
    files = source_files(ROOT / place) if (ROOT / place).is_dir() else [ROOT / place]
    assert files
    for path in files:
        for line, word in words_of(path):
            known = [each for each in OF_ONE_KIND if each in word.lower()]
            assert not known, f"{path}:{line} says {word!r}"


def test_no_folder_is_a_hall():
    folders = {path.parent.relative_to(ROOT) for path in source_files() if path.parent != ROOT}
    crowded = {str(f): len(list((ROOT / f).glob("*.py"))) for f in folders if not SHAPES & set(f.parts)}
    assert crowded and max(crowded.values()) <= MOST_FILES, crowded


def test_settings_load_without_tensorflow():
    code = (
        "import sys; from instance_seg.presets import load_config, preset_names, variant_names\n"
        "for p in preset_names():\n"
        "    for v in variant_names(): load_config(p, {'variant': v, 'level': 1})\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT.parent).returncode == 0
