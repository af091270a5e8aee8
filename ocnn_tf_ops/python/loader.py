"""Loads libocnn_tf_ops.so on first use, and says what to do when it cannot be loaded."""

import functools
import json
import os
from pathlib import Path
from types import ModuleType

_FOLDER = Path(__file__).parents[1]
_REBUILD = "rebuild with 'python setup.py build_ext --inplace' (or 'pip install .')"


def build_info() -> dict | None:
    """What the libraries were built with; None if they are not built.

    {"tensorflow": its version, "cuda": None for a CPU build, else {"nvcc": its version, "archs": ["75", "90", ...]}}
    """
    try:
        return json.loads((_FOLDER / "build_info.json").read_text())
    except FileNotFoundError:
        return None


def built_for() -> str | None:
    """The TensorFlow version the library was built for; None if it is not built."""
    info = build_info()
    return info and info["tensorflow"]


@functools.cache
def tf_ops() -> ModuleType:
    """The generated op functions (`tf_ops().octree_conv(...)`).

    The environment variable OCNN_OP_LIBRARY names another build of the library, for the same TensorFlow.

    Raises:
        ImportError: the library is missing, or was built for another TensorFlow, whose C++ symbols differ.
    """
    import tensorflow as tf

    path = Path(os.environ.get("OCNN_OP_LIBRARY", _FOLDER / "libocnn_tf_ops.so"))
    version = built_for()
    if version is None or not path.exists():
        raise ImportError(f"{path} does not exist: build it with 'python setup.py build_ext --inplace'")
    if version.split(".")[:2] != tf.__version__.split(".")[:2]:
        raise ImportError(f"{path} was built for TensorFlow {version}, found {tf.__version__}: {_REBUILD}")
    try:
        return tf.load_op_library(str(path))
    except (tf.errors.NotFoundError, RuntimeError) as error:
        raise ImportError(
            f"{path} (built for TensorFlow {version}, found {tf.__version__}) does not load: {error}\n{_REBUILD}"
        ) from error
