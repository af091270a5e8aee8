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
GOOD = {"kernels": 2, "tensorflow": "2.21.0", "gpus": [], "ops": 2}


def run(folder, libraries=()):
    """The program in a copy of the package with these of its libraries alone, with another TensorFlow."""
    shutil.copytree(ROOT / "instance_seg", folder / "instance_seg", ignore=shutil.ignore_patterns("*.js", "data"))
    shutil.copytree(ROOT / "ocnn_tf_ops" / "python", folder / "ocnn_tf_ops" / "python")
    shutil.copy(ROOT / "ocnn_tf_ops" / "__init__.py", folder / "ocnn_tf_ops")
    for name in libraries:
        shutil.copy(ROOT / "ocnn_tf_ops" / name, folder / "ocnn_tf_ops")
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
    assert re.search(r"WRONG kernels +ImportError: .*libocnn_kernels.so does not exist", said)
    for name in ("system", "Python", "processor", "memory", "compiler", "packages", "GPUs"):
        assert re.search(rf"^(ok|note) +{name} ", said, re.MULTILINE), said


def test_kernels_do_without_tensorflow(tmp_path):
    """Where none is installed nothing is wrong: the exit code is that of a machine where all is well."""
    stand_in(tmp_path, "raise ModuleNotFoundError(\"No module named 'tensorflow'\", name='tensorflow')")
    code, said = run(tmp_path, ("libocnn_kernels.so", "build_info.json"))
    assert code == 0 and "WRONG" not in said
    assert re.search(r"ok +kernels +for .*, /.*libocnn_kernels.so; they run\n", said)
    assert re.search(r"note +TensorFlow +none; predict runs by NumPy.*\n +-> for the rest: pip install", said)
    assert re.search(r"ok +ops +built for TensorFlow .*; not tried without TensorFlow\n", said)


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
        ({"tensorflow": "2.22.0", "error": "ImportError: was built for"}, INFO, "ImportError: was built for"),
    ],
)
def test_ops(found, info, words):
    finding = doctor.ops(found, info)
    assert words in finding.found
    assert finding.wrong == bool(finding.remedy) == ("they run" not in words)


@pytest.mark.parametrize(
    "found, words", [({"kernel_error": "OSError: cut"}, "OSError: cut"), ({"signal": "SIGILL"}, "killed by SIGILL")]
)
def test_kernels_that_do_not_run(found, words):
    finding = doctor.kernels(found, ROOT / "ocnn_tf_ops" / "x86-64-v4" / "libocnn_kernels.so")
    assert words in finding.found and finding.wrong and "setup.py build_ext" in finding.remedy
    assert (
        doctor.kernels({"kernels": 2}, pathlib.Path("x86-64-v4/a.so")).found
        == "for x86-64-v4, x86-64-v4/a.so; they run"
    )
    tensorflow = doctor.tensorflow(found)
    assert tensorflow.wrong and (tensorflow.remedy == "mend the kernels first") == ("signal" in found)


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
