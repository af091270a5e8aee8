"""The GPU's side of every op, on the emulated device: the tests of the ops once more, in a process of their own.

A library in which the ops' GPU kernels stand in for those of the CPU, and which calls the CUDA kernels compiled for the
CPU (tests/cuda_emulation). What it cannot show: TensorFlow's streams and memory of a real GPU.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpu.build import build_emulated

import native_build

pytestmark = pytest.mark.slow

FLAGS = ["-O0", "-DOCNN_WITH_CUDA=1", "-DOCNN_GPU_OPS_ON_EMULATION=1"]


@pytest.fixture(scope="module")
def library(setup_py) -> Path:
    kernels = Path(build_emulated()._name)
    compiler, tensorflow = native_build.find_compiler(), setup_py.query_tensorflow()
    objects = setup_py.compile_wrappers(compiler, tensorflow, FLAGS, kernels.parent)
    path = kernels.with_name("libocnn_tf_ops_emulated.so")
    flags = [*tensorflow["link"], "-Wl,-rpath,$ORIGIN", "-Wl,-z,defs"]
    for each in (kernels, native_build.ROOT / "ocnn_tf_ops" / "libocnn_kernels.so"):  # some kernels are for CPUs alone
        flags += [f"-L{each.parent}", f"-l:{each.name}", f"-Wl,-rpath,{each.parent}"]
    native_build.link(compiler, objects, flags, path)
    return path


def test_ops_on_the_emulated_gpu(library):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not reads_data and not large"]
    done = subprocess.run(
        [*command, "-k", "CPU", str(Path(__file__).parent)],  # the parameter of those who ask for a device
        env=os.environ | {"OCNN_OP_LIBRARY": str(library), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
