"""The doctor's findings: what is missing or does not fit is named with its remedy, TensorFlow or not."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import instance_seg
from instance_seg import doctor

ROOT = pathlib.Path(instance_seg.__file__).parents[1]
INFO = {"tensorflow": "2.21.0", "cuda": None}
WITH_CUDA = INFO | {"cuda": {"nvcc": "13.0", "archs": ["75", "90"]}}
GOOD = {"tensorflow": "2.21.0", "gpus": [], "ops": 2}


def run(folder):
    """The program in a copy of the package without built ops, with another TensorFlow."""
    shutil.copytree(ROOT / "instance_seg", folder / "instance_seg", ignore=shutil.ignore_patterns("*.js", "data"))
    shutil.copytree(ROOT / "ocnn_tf_ops" / "python", folder / "ocnn_tf_ops" / "python")
    shutil.copy(ROOT / "ocnn_tf_ops" / "__init__.py", folder / "ocnn_tf_ops")
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "instance_seg.doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, timeout=120)
    assert done.stderr == ""
    return done.returncode, done.stdout


def stand_in(folder, content):
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").write_text(content)


def test_without_tensorflow_and_ops(tmp_path):
    stand_in(tmp_path, "raise ImportError('no TensorFlow here')")
    code, said = run(tmp_path)
    assert code == 1
    assert re.search(r"WRONG TensorFlow +ImportError: no TensorFlow here\n +-> pip install \"tensorflow-cpu", said)
    assert re.search(r"WRONG ops +not built\n +-> python setup.py build_ext --inplace", said)
    for name in ("system", "Python", "processor", "memory", "compiler", "packages", "GPUs"):
        assert re.search(rf"^(ok|note) +{name} ", said, re.MULTILINE), said


def test_a_processor_that_is_killed_for_an_instruction(tmp_path):
    stand_in(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    _, said = run(tmp_path)
    assert re.search(r"WRONG TensorFlow +killed by SIGILL\n +-> use a machine whose processor has AVX", said)


@pytest.mark.parametrize(
    "found, info, words",
    [
        (GOOD, INFO, "2.21.0, CPU alone; they run"),
        (GOOD, WITH_CUDA, "CUDA 13.0 for sm_75, sm_90; they run"),
        (GOOD | {"ops": 0}, None, "not built"),
        ({}, INFO, "not tried without TensorFlow"),
        ({"tensorflow": "2.21.0", "signal": "SIGILL"}, INFO, "for another processor"),
        ({"tensorflow": "2.22.0", "error": "ImportError: was built for"}, INFO, "ImportError: was built for"),
    ],
)
def test_ops(found, info, words):
    finding = doctor.ops(found, info)
    assert words in finding.found
    assert finding.wrong == bool(finding.remedy) == ("they run" not in words)


def test_a_card_without_a_cuda_build(monkeypatch):
    monkeypatch.setattr(doctor, "_first_line", lambda *command, line=0: "GPU 0: H100")
    assert "no CUDA half" in doctor.gpus(GOOD | {"gpus": ["/physical_device:GPU:0"]}, INFO).remedy
    assert not doctor.gpus(GOOD | {"gpus": ["/physical_device:GPU:0"]}, WITH_CUDA).remedy
    assert "tensorflow[and-cuda]" in doctor.gpus(GOOD, INFO).remedy


def test_packages_are_those_of_the_set_up(monkeypatch):
    block = r"install_requires=\[(.*?)\]"
    (required,) = re.findall(block, (ROOT / "setup.py").read_text(), re.DOTALL)
    assert sorted(re.findall(r'"([\w-]+)', required)) == sorted(doctor.PACKAGES)
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "tqdm" else "1")
    found, twice = doctor.packages()
    assert found.wrong and found.remedy == "pip install tqdm"
    assert twice.wrong and twice.remedy == "pip uninstall tensorflow-cpu"
