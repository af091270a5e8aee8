"""setup.py: what it compiles again, what it asks of pip, and what it says when something is missing."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("setuptools")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def setup_py():
    spec = importlib.util.spec_from_file_location("project_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(monkeypatch, setup_py, stdout="", stderr="", returncode=0):
    done = subprocess.CompletedProcess([], returncode, stdout, stderr)
    monkeypatch.setattr(setup_py, "ask_environment", lambda code: done)


def test_missing_compiler(monkeypatch, setup_py):
    monkeypatch.setenv("CXX", "no-such-compiler -m64")
    with pytest.raises(SystemExit, match="'no-such-compiler' was not found.\n.*apt-get install g\\+\\+"):
        setup_py.find_compiler()


def test_missing_tensorflow(monkeypatch, setup_py):
    answer(monkeypatch, setup_py, stderr="Traceback\nModuleNotFoundError: No module named 'tensorflow'", returncode=1)
    with pytest.raises(SystemExit, match=r"No module named 'tensorflow'\)\.\n.*pip install \"tensorflow-cpu>=2\.21"):
        setup_py.query_tensorflow()


def test_other_tensorflow(monkeypatch, setup_py):
    answer(monkeypatch, setup_py, stdout='{"version": "2.18.1"}\n')
    with pytest.raises(SystemExit, match=r"has TensorFlow 2\.18\.1; 2\.21 is needed"):
        setup_py.query_tensorflow()


@pytest.mark.parametrize(
    "installed,required",
    [
        ("tensorflow", "tensorflow"),
        ("tensorflow_cpu\n", "tensorflow-cpu"),
        ("tensorflow-cpu", "tensorflow-cpu"),
        ("", "tensorflow"),
    ],
)
def test_installed_flavor_of_tensorflow_is_required(monkeypatch, setup_py, installed, required):
    answer(monkeypatch, setup_py, stdout=installed)
    assert setup_py.tensorflow_requirement() == [required + ">=2.21,<2.22"]


def test_compiles_again_what_changed(monkeypatch, setup_py, tmp_path, capsys):
    monkeypatch.setattr(setup_py, "ROOT", tmp_path)
    monkeypatch.setattr(setup_py, "OBJECTS", tmp_path / "objects")
    header, source = tmp_path / "a.h", tmp_path / "a.cc"
    header.write_text("int f();\n")
    source.write_text('#include "a.h"\nint f() { return 1; }\n')

    def compiles(*flags):
        setup_py.compile_source(source, ["g++", *flags])
        return "compiling a.cc" in capsys.readouterr().out

    assert compiles() and not compiles()
    later = (tmp_path / "objects" / "a.o").stat().st_mtime + 10
    os.utime(header, (later, later))
    assert compiles()
    assert compiles("-DOTHER=1")
    header.unlink()
    with pytest.raises(SystemExit, match="this command failed"):
        compiles("-DOTHER=1")
