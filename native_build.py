"""Compiles and links the C++ and CUDA sources: what setup.py and the tests that need no TensorFlow build with.

Environment: CXX (default g++), MAX_JOBS (default: all cores), OCNN_PORTABLE=1 (kernels for other machines, too: of
x86-64 a library for each of the levels v2, v3 and v4, between which the loader chooses), OCNN_CUDA=0 (leave out the
CUDA half), CUDA_HOME (a toolkit whose nvcc is not on PATH), OCNN_CUDA_ARCHS (such as "75;90", or "all" for the common
ones; default: the compute capability of this machine's card; without a card the oldest common one, whose PTX every
younger card translates when it first runs it).
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OBJECTS = ROOT / "build" / "objects"
KERNELS = "ocnn_tf_ops/kernels"
COMMON_FLAGS = ["-std=c++17", "-fPIC", "-Wall", "-Wextra", "-Wno-psabi"]
# Nobody reads the flags of floating-point exceptions; kept, they forbid to vectorize a choice of two values.
KERNEL_FLAGS = ["-O3", "-fno-trapping-math"]
NATIVE = ["-march=native"]
LEVELS = ("x86-64-v3", "x86-64-v4")  # as python/kernel_library.py knows them
CUDA_FLAGS = ["-std=c++17", "-O3", "-Xcompiler", "-fPIC,-Wall,-Wextra", "-Werror", "all-warnings"]
CUDA_LIBRARIES = ["-lcudart_static", "-ldl", "-lrt", "-lpthread"]
COMMON_ARCHS, OLD_ARCH = ("75", "80", "86", "89", "90"), "70"  # the old one where the toolkit still has it


class BuildError(SystemExit):
    """Ends the build with a message for people instead of a traceback."""


@dataclass(frozen=True)
class Nvcc:
    """A CUDA compiler, and the architectures to compile for, in ascending order ("75" is compute capability 7.5)."""

    path: str
    version: str
    archs: tuple[str, ...]


def kernel_builds() -> dict[str, list[str]]:
    """Places of libocnn_kernels.so below the package's folder, and what the processor of each is to the compiler."""
    if os.environ.get("OCNN_PORTABLE") != "1":
        return {".": NATIVE}
    if platform.machine() != "x86_64":
        return {".": []}
    return {".": ["-march=x86-64-v2"], **{level: [f"-march={level}"] for level in LEVELS}}


def find_compiler() -> list[str]:
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    if not shutil.which(compiler[0]):
        raise BuildError(
            f"setup.py: the C++ compiler '{compiler[0]}' was not found.\n"
            "Install g++ 9 or newer (Debian/Ubuntu: apt-get install g++), or name another one in CXX."
        )
    return compiler


def find_nvcc() -> Nvcc | None:
    """The CUDA compiler, None where the CUDA half is to be left out."""
    if os.environ.get("OCNN_CUDA") == "0":
        return None
    home = os.environ.get("CUDA_HOME")
    path = shutil.which("nvcc") or (shutil.which("nvcc", path=f"{home}/bin") if home else None)
    if path is None:
        return None
    version = re.search(r"release ([\d.]+)", _output([path, "--version"]))
    supported = re.findall(r"compute_(\d+)", _output([path, "--list-gpu-arch"]))
    if version is None or not supported:
        raise BuildError(f"setup.py: {path} does not work (try '{path} --version').\nOCNN_CUDA=0 builds without it.")
    return Nvcc(path, version[1], choose_archs(supported, version[1]))


def choose_archs(supported: Sequence[str], version: str) -> tuple[str, ...]:
    """OCNN_CUDA_ARCHS, else the architecture of the cards in this machine, else the oldest common one."""
    asked = re.findall(r"[^;,\s]+", os.environ.get("OCNN_CUDA_ARCHS", ""))
    common = [arch for arch in (OLD_ARCH, *COMMON_ARCHS) if arch in supported]
    here = [capability.replace(".", "") for capability in _compute_capabilities()]
    archs = common if asked == ["all"] else asked or [arch for arch in here if arch in supported] or common[:1]
    missing = [arch for arch in archs if arch not in supported]
    if missing:
        raise BuildError(
            f"setup.py: OCNN_CUDA_ARCHS asks for {', '.join(missing)}, which nvcc {version} cannot compile for.\n"
            f"It has {', '.join(supported)}."
        )
    return tuple(sorted(set(archs), key=int))


def _compute_capabilities() -> list[str]:
    if not shutil.which("nvidia-smi"):
        return []
    return re.findall(r"\d+\.\d+", _output(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]))


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode else done.stdout


def nvcc_command(nvcc: Nvcc, compiler: list[str]) -> list[str]:
    """The newest architecture is compiled to PTX too, which younger cards translate."""
    targets = [f"-gencode=arch=compute_{arch},code=sm_{arch}" for arch in nvcc.archs[:-1]]
    newest = nvcc.archs[-1]
    targets.append(f"-gencode=arch=compute_{newest},code=[sm_{newest},compute_{newest}]")
    return [nvcc.path, "-ccbin", compiler[0], *CUDA_FLAGS, *targets]


def cuda_library_flags(nvcc: Nvcc) -> list[str]:
    """Where the toolkit keeps its libraries, in nvcc's own words, and those the kernels need."""
    done = subprocess.run([nvcc.path, "-dryrun", "-shared", "x.o", "-o", "x.so"], capture_output=True, text=True)
    named = re.search(r"LIBRARIES=(.*)", done.stderr)
    return [*(flag for flag in shlex.split(named[1] if named else "") if flag.startswith("-L")), *CUDA_LIBRARIES]


def newest_input(depfile: Path) -> float:
    """Modification time of the youngest file named in a compiler-written .d file; infinite if one is gone."""
    names = depfile.read_text().replace("\\\n", " ").split(":", 1)[1].split()
    files = [ROOT / name for name in names]  # relative to where the compiler ran
    return max(file.stat().st_mtime if file.exists() else float("inf") for file in files)


def is_current(output: Path, command: list[str], depfile: Path) -> bool:
    record = output.with_suffix(".cmd")
    if not (output.exists() and depfile.exists() and record.exists()):
        return False
    return record.read_text() == shlex.join(command) and newest_input(depfile) <= output.stat().st_mtime


def run_compiler(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    if done.returncode:
        raise BuildError(f"setup.py: this command failed (see above):\n{shlex.join(command)}")


def compile_source(source: Path, command: list[str], objects: Path) -> Path:
    """Compiles one file unless its object is younger than the source, its headers and the same command."""
    relative = source.relative_to(ROOT)
    output = objects / relative.with_suffix(f"{source.suffix}.o")
    depfile = output.with_suffix(".d")
    command = [*command, "-c", str(relative), "-o", str(output), "-MMD", "-MF", str(depfile)]
    if not is_current(output, command, depfile):
        print(f"compiling {relative}\n", end="", flush=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.unlink(missing_ok=True)
        run_compiler(command)
        output.with_suffix(".cmd").write_text(shlex.join(command))
    return output


def compile_all(sources: list[Path], command: list[str], objects: Path | None = None) -> list[str]:
    folder = objects or OBJECTS
    jobs = int(os.environ.get("MAX_JOBS", 0)) or os.cpu_count() or 1
    with ThreadPoolExecutor(jobs) as pool:
        return [str(path) for path in pool.map(lambda source: compile_source(source, command, folder), sources)]


def link(compiler: list[str], objects: list[str], flags: list[str], library: Path) -> None:
    """Links beside the target and renames, so that a program using the old library is not disturbed."""
    unfinished = library.with_suffix(f".{os.getpid()}.so")
    soname = f"-Wl,-soname,{library.name}"
    try:
        run_compiler([*compiler, "-shared", soname, *objects, *flags, "-o", str(unfinished)])
        os.replace(unfinished, library)
    finally:
        unfinished.unlink(missing_ok=True)


def build_kernels(compiler: list[str], folder: Path, nvcc: Nvcc | None) -> None:
    """libocnn_kernels.so, once or several times: C++ without TensorFlow and, if there is an nvcc, the CUDA kernels."""
    kernels, cuda_objects, flags = ROOT / KERNELS, [], ["-pthread"]
    if nvcc is None:
        reason = "OCNN_CUDA=0" if os.environ.get("OCNN_CUDA") == "0" else "no nvcc on PATH or in CUDA_HOME/bin"
        print(f"building the CPU half only ({reason})")
    else:
        print(f"CUDA half by nvcc {nvcc.version} for the architectures {', '.join(nvcc.archs)}")
        cuda_objects = compile_all(sorted(kernels.glob("*/*.cu")), nvcc_command(nvcc, compiler))
        flags += cuda_library_flags(nvcc)
    for level in LEVELS:  # of an earlier build
        shutil.rmtree(folder / level, ignore_errors=True)
    for place, march in kernel_builds().items():
        command = [*compiler, *COMMON_FLAGS, *KERNEL_FLAGS, *march]
        folder_of_objects = OBJECTS if march == NATIVE else OBJECTS / "portable" / place
        objects = compile_all(sorted(kernels.glob("*/*.cc")), command, folder_of_objects)
        (folder / place).mkdir(parents=True, exist_ok=True)
        link(compiler, objects + cuda_objects, flags, folder / place / "libocnn_kernels.so")
