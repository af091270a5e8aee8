"""setup.py: what it compiles again, what it asks of pip, and what it says when something is missing."""

import os
import subprocess

import pytest
from setuptools.dist import Distribution

import native_build


def answer(monkeypatch, setup_py, stdout="", stderr="", returncode=0):
    done = subprocess.CompletedProcess([], returncode, stdout, stderr)
    monkeypatch.setattr(setup_py, "ask_environment", lambda code: done)


def test_missing_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -m64")
    with pytest.raises(SystemExit, match="'no-such-compiler' was not found.\n.*apt-get install g\\+\\+"):
        native_build.find_compiler()


def test_missing_tensorflow(monkeypatch, setup_py):
    answer(monkeypatch, setup_py, stderr="Traceback\nModuleNotFoundError: No module named 'tensorflow'", returncode=1)
    with pytest.raises(SystemExit, match=r"No module named 'tensorflow'\)\.\n.*pip install \"tensorflow-cpu>=2\.21"):
        setup_py.query_tensorflow()


def test_other_tensorflow(monkeypatch, setup_py):
    answer(monkeypatch, setup_py, stdout='{"version": "2.18.1"}\n')
    with pytest.raises(SystemExit, match=r"has TensorFlow 2\.18\.1; 2\.21 is needed"):
        setup_py.query_tensorflow()


def test_compiles_again_what_changed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(native_build, "ROOT", tmp_path)
    header, source = tmp_path / "a.h", tmp_path / "a.cc"
    header.write_text("int f();\n")
    source.write_text('#include "a.h"\nint f() { return 1; }\n')

    def compiles(*flags):
        native_build.compile_source(source, ["g++", *flags], tmp_path / "objects")
        return "compiling a.cc" in capsys.readouterr().out

    assert compiles() and not compiles()
    later = (tmp_path / "objects" / "a.cc.o").stat().st_mtime + 10
    os.utime(header, (later, later))
    assert compiles()
    assert compiles("-DOTHER=1")
    header.unlink()
    with pytest.raises(SystemExit, match="this command failed"):
        compiles("-DOTHER=1")


def test_nothing_is_built_while_nothing_changes(monkeypatch, setup_py, tmp_path):
    built = []

    def build(compiler, folder, nvcc):
        built.append(compiler)
        for name in ("libocnn_kernels.so", *setup_py.BuildOps.PRODUCTS):
            (folder / name).write_text("")

    monkeypatch.setattr(setup_py, "OBJECTS", tmp_path / "objects")
    monkeypatch.setattr(setup_py.BuildOps, "folder", lambda self: tmp_path / "out")
    monkeypatch.setattr(setup_py, "build_kernels", build)
    monkeypatch.setattr(setup_py, "build_wrappers", lambda *arguments: None)
    monkeypatch.setattr(setup_py, "find_nvcc", lambda: None)
    (tmp_path / "tensorflow.py").write_text("")
    answer(monkeypatch, setup_py, stdout=f"{tmp_path / 'tensorflow.py'}\n")

    def builds():
        before = len(built)
        setup_py.BuildOps(Distribution()).run()
        return len(built) > before

    assert builds() and not builds()
    os.utime(tmp_path / "tensorflow.py", (0, 0))  # another version
    assert builds() and not builds()
    (tmp_path / "out" / "libocnn_tf_ops.so").unlink()
    assert builds() and not builds()
    monkeypatch.setenv("CXX", "g++ -g")
    assert builds() and built[-1] == ["g++", "-g"]
    monkeypatch.setattr(setup_py, "find_nvcc", lambda: native_build.Nvcc("nvcc", "12.4", ("75",)))
    assert builds() and not builds()


@pytest.fixture
def fake_nvcc(monkeypatch, tmp_path):
    """A CUDA compiler in CUDA_HOME that has the architectures 7.0, 7.5 and 9.0, on a machine without a card."""
    (tmp_path / "bin").mkdir()
    version, archs = 'echo "release 12.4, V12.4.1"', 'printf "compute_70\\ncompute_75\\ncompute_90\\n"'
    script = f'if [ "$1" = --version ]; then {version}; else {archs}; fi'
    (tmp_path / "bin" / "nvcc").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin" / "nvcc").chmod(0o755)
    for name in ("OCNN_CUDA", "OCNN_CUDA_ARCHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    return tmp_path / "bin"


def card(folder, capability):
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\necho {capability}\n")
    (folder / "nvidia-smi").chmod(0o755)


def test_architectures(monkeypatch, fake_nvcc):
    assert native_build.find_nvcc().archs == ("70",)  # no card: the oldest one, whose PTX serves every card
    monkeypatch.setenv("OCNN_CUDA_ARCHS", "all")
    assert native_build.find_nvcc().archs == ("70", "75", "90")  # of the common ones those it has, and the old one
    monkeypatch.delenv("OCNN_CUDA_ARCHS")
    monkeypatch.setenv("PATH", str(fake_nvcc))
    card(fake_nvcc, "9.0")
    assert native_build.find_nvcc() == native_build.Nvcc(str(fake_nvcc / "nvcc"), "12.4", ("90",))
    monkeypatch.setenv("OCNN_CUDA_ARCHS", "90; 75")
    assert native_build.find_nvcc().archs == ("75", "90")
    monkeypatch.setenv("OCNN_CUDA_ARCHS", "75;120")
    with pytest.raises(SystemExit, match=r"asks for 120, which nvcc 12\.4 cannot compile for.\nIt has 70, 75, 90"):
        native_build.find_nvcc()


def test_newest_architecture_becomes_ptx_too():
    command = native_build.nvcc_command(native_build.Nvcc("nvcc", "12.4", ("75", "90")), ["g++", "-m64"])
    assert command[-2:] == [
        "-gencode=arch=compute_75,code=sm_75",
        "-gencode=arch=compute_90,code=[sm_90,compute_90]",
    ]


def test_without_nvcc(monkeypatch, fake_nvcc):
    monkeypatch.setenv("OCNN_CUDA", "0")
    assert native_build.find_nvcc() is None
    monkeypatch.delenv("OCNN_CUDA")
    (fake_nvcc / "nvcc").unlink()
    assert native_build.find_nvcc() is None


def test_says_why_the_cuda_half_is_left_out(monkeypatch, tmp_path, capsys):
    for name in ("compile_all", "link"):
        monkeypatch.setattr(native_build, name, lambda *arguments: [])
    for value, reason in (("0", "OCNN_CUDA=0"), ("1", "no nvcc on PATH or in CUDA_HOME/bin")):
        monkeypatch.setenv("OCNN_CUDA", value)
        native_build.build_kernels(["g++"], tmp_path, nvcc=None)
        assert capsys.readouterr().out == f"building the CPU half only ({reason})\n"


def test_nvcc_that_fails(fake_nvcc):
    (fake_nvcc / "nvcc").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(SystemExit, match="bin/nvcc does not work.*\n.*OCNN_CUDA=0 builds without it"):
        native_build.find_nvcc()


def test_a_portable_build_has_a_library_for_each_level(monkeypatch):
    monkeypatch.setattr(native_build.platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("OCNN_PORTABLE", "1")
    assert [flag for flags in native_build.kernel_builds().values() for flag in flags] == [
        f"-march=x86-64-v{k}" for k in (2, 3, 4)
    ]
    monkeypatch.setattr(native_build.platform, "machine", lambda: "aarch64")
    assert native_build.kernel_builds() == {".": []}
    monkeypatch.delenv("OCNN_PORTABLE")
    assert native_build.kernel_builds() == {".": ["-march=native"]}
