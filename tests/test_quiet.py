"""What TensorFlow says on the screen: nothing, unless it is asked."""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

from instance_seg.quiet import without_messages

SAID = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795873438.236779    8896 port.cc:153] a note\n"
    b"W0000 00:00:1795873438.236779    8896 port.cc:154] a warning\n"
    b"E0000 00:00:1795873438.236779    8896 port.cc:155] an error\n"
    b"Illegal instruction\n"
)


@pytest.mark.parametrize(("kinds", "first"), [("I", 2), ("IW", 3), ("IWE", 4)])
def test_messages_are_left_out_by_their_kind(kinds, first, capfd):
    with without_messages(kinds):
        os.write(2, SAID)
    os.write(2, b"later\n")
    assert capfd.readouterr().err.encode() == b"".join(SAID.splitlines(True)[first:]) + b"later\n"


def test_what_was_said_before_an_error_arrives(capfd):
    with pytest.raises(ImportError), without_messages("IW"):
        os.write(2, SAID)
        raise ImportError
    assert "an error" in capfd.readouterr().err


LOOKING = """
import sys, types
sys.modules["instance_seg.segmenter"] = types.SimpleNamespace(CloudSegmenter=lambda *_: "by TensorFlow")
from instance_seg import predict, quiet
assert predict._load_segmenter("run", {}, "", False) == "by TensorFlow" and "tensorflow" not in sys.modules
assert any(isinstance(finder, quiet._Finder) for finder in sys.meta_path)
"""


def test_predict_looks_for_tensorflow_without_ending_the_quiet():
    subprocess.run([sys.executable, "-c", LOOKING], check=True)


PROGRAM = """
import {first}
import os, sys
import tensorflow as tf
from absl import app, logging
def main(_):
    tf.constant(1) + 1
    logging.info("a note of Python code")
    logging.warning("a warning of Python code")
    print(os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
app.run(main)
"""


def said(first, level=None):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {} if level is None else {"TF_CPP_MIN_LOG_LEVEL": level}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=first)], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout.strip(), done.stderr.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, "2"])  # the second is what its children inherit
def test_a_program_says_nothing_but_warnings(level):
    seen, lines = said("instance_seg", level)
    assert seen == "2"
    assert len(lines) == 1 and lines[0].endswith("a warning of Python code")


@pytest.mark.slow
@pytest.mark.parametrize(("first", "level"), [("instance_seg", "0"), ("ocnn_tf_ops", None)])
def test_who_asks_hears_the_notes(first, level):
    """And the ops by themselves leave TensorFlow as it is."""
    seen, lines = said(first, level)
    assert seen == str(level)
    assert any("a note of Python code" in line for line in lines)
    assert any("cpu_feature_guard" in line for line in lines)


def test_no_tool_imports_tensorflow_before_the_package_turns_its_notes_off():
    tools = list((pathlib.Path(__file__).resolve().parents[1] / "tools").glob("*.py"))
    tops = {tool.name: ast.parse(tool.read_text()).body for tool in tools}
    imported = {name: [_imported(line) for line in body if _imported(line)] for name, body in tops.items()}
    users = {name: modules for name, modules in imported.items() if "tensorflow" in modules}
    assert "export.py" in users
    for name, modules in users.items():
        assert "instance_seg" in modules[: modules.index("tensorflow")], name


def _imported(line):
    if isinstance(line, ast.Import):
        return line.names[0].name.split(".")[0]
    return line.module.split(".")[0] if isinstance(line, ast.ImportFrom) else None
