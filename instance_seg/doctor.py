"""Says what this machine has of what the package needs, what does not fit, and the remedy.

    python -m instance_seg.doctor

Works without TensorFlow and without the built ops: what may fail, or be killed for an instruction that the processor
has not, runs in a process of its own. The exit code is 1 if something is wrong.
"""

import importlib.metadata as metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ocnn_tf_ops.python.kernel_library import built_level, loaded_path
from ocnn_tf_ops.python.loader import build_info

OLDEST_PYTHON = (3, 11)
PACKAGES = """absl-py h5py matplotlib numpy pandas plyfile pyyaml scikit-learn scipy tabulate tensorboard tqdm
    trimesh""".split()  # of setup.py
FLAVORS = ("tensorflow", "tensorflow-cpu")
FEATURES = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")  # that make a difference
TF = 'pip install "tensorflow-cpu>=2.21,<2.22" (or tensorflow, for a GPU)'
BUILD = "python setup.py build_ext --inplace (or pip install .)"
PROBE = """
import json
found = {}
try:
    import numpy as np
    from ocnn_tf_ops.python.arrays import octree_build
    xyz = np.float32([[0.1, 0.2, 0.3], [-0.4, 0.5, -0.6]])
    found["kernels"] = len(octree_build(xyz, xyz, np.int32([0, 2]), depth=2).features)
except Exception as error:
    found["kernel_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found), flush=True)
try:
    import tensorflow as tf
    found["tensorflow"] = tf.__version__
    found["gpus"] = [device.name for device in tf.config.list_physical_devices("GPU")]
    print(json.dumps(found), flush=True)
    import ocnn_tf_ops as ocnn
    xyz = tf.constant([[0.1, 0.2, 0.3], [-0.4, 0.5, -0.6]])
    octree = ocnn.octree_build(xyz, tf.math.l2_normalize(xyz, axis=1), tf.constant([0, 2]), depth=2)
    found["ops"] = len(octree.features)
except BaseException as error:
    found["absent"] = isinstance(error, ModuleNotFoundError) and error.name == "tensorflow"
    found["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found), flush=True)
"""


class Finding(NamedTuple):
    """What was found of one thing; a remedy means that something is wrong, or less than it could be."""

    name: str
    found: str
    remedy: str = ""
    wrong: bool = False  # the package does not run before that is mended


def machine() -> Iterator[Finding]:
    """The system, the processor and its memory, the interpreter and the compilers."""
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    linux = platform.system() == "Linux"
    yield Finding("system", system, "" if linux else "use Linux; on Windows WSL2", not linux)
    fits = sys.version_info >= OLDEST_PYTHON
    oldest = ".".join(map(str, OLDEST_PYTHON))
    yield Finding(
        "Python", f"{platform.python_version()}, {sys.executable}", "" if fits else f"use {oldest} or newer", not fits
    )
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    of_cpu = dict(line.split(":", 1) for line in facts.split("\n\n")[0].splitlines() if ":" in line)
    of_cpu = {name.strip(): value.strip() for name, value in of_cpu.items()}
    present = set(of_cpu.get("flags", of_cpu.get("Features", "")).split())
    features = " ".join(name for name in FEATURES if name in present) or "features unknown"
    yield Finding("processor", f"{of_cpu.get('model name', 'unknown')}; {os.cpu_count()} cores; {features}")
    yield Finding("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB")
    compiler = os.environ.get("CXX", "g++").split()[0]
    yield Finding(
        "compiler",
        _first_line(compiler, "--version") or f"no {compiler}",
        "" if shutil.which(compiler) else "install g++, or name a compiler by CXX; needed to build the ops alone",
    )


def packages() -> Iterator[Finding]:
    """The versions of what has to be installed."""
    versions = {name: _version(name) for name in PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    there = " ".join(f"{name} {version}" for name, version in versions.items() if version)
    yield Finding("packages", there or "none", f"pip install {' '.join(missing)}" if missing else "", bool(missing))
    flavors = [name for name in FLAVORS if _version(name)]
    if len(flavors) > 1:
        yield Finding("TensorFlow twice", " and ".join(flavors), f"pip uninstall {flavors[1]}", True)


def probe() -> dict[str, Any]:
    """What kernels, TensorFlow and the ops on top of it say in another process, as far as it got.

    Returns:
        "kernels" or "kernel_error", "tensorflow", "gpus", "ops" or "error"; "absent": whether there is no TensorFlow;
        "signal", which killed it.
    """
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found = json.loads(lines[-1]) if lines else {}
    if done.returncode < 0:
        found["signal"] = signal.Signals(-done.returncode).name
    return found


def tensorflow(found: Mapping[str, Any]) -> Finding:
    """TensorFlow, by what the probe found. The package does something without it."""
    if "tensorflow" in found:
        return Finding("TensorFlow", found["tensorflow"])
    if "signal" in found and not found.keys() & {"kernels", "kernel_error"}:
        return Finding("TensorFlow", "not tried without the kernels", "mend the kernels first", True)
    if found.get("absent"):
        return Finding("TensorFlow", "none; predict runs by NumPy, with folders of weights", f"for the rest: {TF}")
    if found.get("signal") == "SIGILL":
        return Finding("TensorFlow", _trouble(found), "use a machine whose processor has AVX", True)
    return Finding("TensorFlow", _trouble(found), TF, True)


def gpus(found: Mapping[str, Any], info: Mapping[str, Any] | None) -> Finding:
    """GPUs, by what the probe found and what the ops were built with."""
    seen, card = found.get("gpus", []), _first_line("nvidia-smi", "--list-gpus")
    compiler = _first_line("nvcc", "--version", line=-1) or "no nvcc"
    said = f"{', '.join(seen) or 'none that TensorFlow sees'}; {card or 'no nvidia-smi'}; {compiler}"
    if card and not seen and "tensorflow" in found:
        return Finding("GPUs", said, 'for the card: pip install "tensorflow[and-cuda]" in place of tensorflow-cpu')
    if seen and info and not info["cuda"]:
        return Finding("GPUs", said, f"the ops have no CUDA half: with nvcc on PATH {BUILD}")
    return Finding("GPUs", said)


def kernels(found: Mapping[str, Any], path: Path) -> Finding:
    """The kernels, which TensorFlow's ops and NumPy call, by what the probe found with the library at `path`."""
    built = f"for {built_level(path)}, {path}"
    if "kernels" in found:
        return Finding("kernels", f"{built}; they run")
    if "kernel_error" in found:
        return Finding("kernels", found["kernel_error"], BUILD, True)
    return Finding("kernels", f"{built}; {_trouble(found)}", f"{BUILD}, here or with OCNN_PORTABLE=1", True)


def ops(found: Mapping[str, Any], info: Mapping[str, Any] | None) -> Finding:
    """The built ops for TensorFlow, by what the probe found.

    Args:
        found: of `probe`.
        info: of `ocnn_tf_ops.build_info`; None: they are not built.
    """
    if info is None:
        return Finding("ops", "not built", BUILD, True)
    cuda = info["cuda"]
    built = f"built for TensorFlow {info['tensorflow']}, "
    built += f"CUDA {cuda['nvcc']} for sm_{', sm_'.join(cuda['archs'])}" if cuda else "CPU alone"
    if "ops" in found:
        return Finding("ops", f"{built}; they run")
    if found.get("absent"):
        return Finding("ops", f"{built}; not tried without TensorFlow")
    if "tensorflow" not in found:
        return Finding("ops", f"{built}; not tried without TensorFlow", "mend what is wrong above first", True)
    return Finding("ops", f"{built}; {_trouble(found)}", BUILD, True)


def _trouble(found: Mapping[str, Any]) -> str:
    return found.get("error") or f"killed by {found.get('signal', 'nobody knows what')}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _first_line(*command: str, line: int = 0) -> str:
    """One line of what a command says; "" if there is no such command or it fails."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[line] if done.returncode == 0 and done.stdout.strip() else ""


def main() -> int:
    """Prints all findings; returns the exit code."""
    found, info = probe(), build_info()
    findings = [*machine(), *packages(), kernels(found, loaded_path())]
    findings += [tensorflow(found), gpus(found, info), ops(found, info)]
    for each in findings:
        mark = "WRONG" if each.wrong else "note" if each.remedy else "ok"
        print(f"{mark:6}{each.name:12}{each.found}")
        if each.remedy:
            print(f"{'':18}-> {each.remedy}")
    return int(any(each.wrong for each in findings))


if __name__ == "__main__":
    sys.exit(main())
