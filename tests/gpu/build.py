"""Builds the library that is checked: the kernels by nvcc, or for the emulated device by the C++ compiler alone.

Environment, beside that of native_build.py: OCNN_EMULATION_FLAGS, further flags of the emulated build, such as
"-fsanitize=address,undefined" or "-D__CUDA_ARCH__=700", the old card among the emulated ones (default: 900).
"""

import ctypes
import fcntl
import os
import shlex
from pathlib import Path

import native_build as native

TESTS = native.ROOT / "tests"
EMULATION_FLAGS = ["-x", "c++", "-O1", "-g", "-Wno-unknown-pragmas", "-I", "tests/cuda_emulation"]


PROBES = TESTS / "gpu" / "probes.cu"  # what only the checks call


def emulation_flags() -> list[str]:
    return shlex.split(os.environ.get("OCNN_EMULATION_FLAGS", ""))


def is_sanitized() -> bool:
    """Whether the emulated library is built with AddressSanitizer, which sees more than guard zones do."""
    return any(flag.startswith("-fsanitize") for flag in emulation_flags())


def build_emulated() -> ctypes.CDLL:
    """The `_cuda` entry points on the CPU, pointers being host pointers."""
    extra = emulation_flags()
    folder = native.ROOT / "build" / ("cuda_emulation_special" if extra else "cuda_emulation")
    compiler = native.find_compiler()
    with locked(folder):
        kernels = sorted((native.ROOT / native.KERNELS).glob("*/*.cu"))
        sources = [*kernels, PROBES, *(TESTS / "cuda_emulation" / name for name in ("samples.cu", "emulation.cc"))]
        objects = native.compile_all(sources, [*compiler, *native.COMMON_FLAGS, *EMULATION_FLAGS, *extra], folder)
        library = folder / "libocnn_cuda_emulated.so"
        native.link(compiler, objects, extra or ["-Wl,-z,defs"], library)
    return ctypes.CDLL(str(library))


def build_for_gpu() -> ctypes.CDLL | None:
    """Both halves of the kernels, for the card of this machine; None without nvcc."""
    nvcc, compiler = native.find_nvcc(), native.find_compiler()
    if nvcc is None:
        return None
    folder = native.ROOT / "build" / "gpu_check"
    with locked(folder):
        native.build_kernels(compiler, folder, nvcc)
        probes = native.compile_all([PROBES], native.nvcc_command(nvcc, compiler))
        flags = [f"-L{folder}", "-l:libocnn_kernels.so", "-Wl,-rpath,$ORIGIN", *native.cuda_library_flags(nvcc)]
        native.link(compiler, probes, flags, folder / "libocnn_probes.so")
    return ctypes.CDLL(str(folder / "libocnn_probes.so"))


class locked:
    """Makes `folder`, and lets one build at a time into it."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / ".lock"

    def __enter__(self):
        self._file = open(self._path, "w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self._file.close()
