"""Loads libocnn_tf_ops.so on first use, and says what to do when it cannot be loaded."""

import functools
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ocnn_tf_ops.python.kernel_library import kernel_library

_FOLDER = Path(__file__).parents[1]
MAX_DEPTHS = 17  # kMaxDepth + 1 of tf/attributes.h
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
    if "OCNN_OP_LIBRARY" not in os.environ:
        kernel_library()  # the one for this processor, before the linker takes the one beside the wrappers
    try:
        library = tf.load_op_library(str(path))
    except (tf.errors.NotFoundError, RuntimeError) as error:
        raise ImportError(
            f"{path} (built for TensorFlow {version}, found {tf.__version__}) does not load: {error}\n{_REBUILD}"
        ) from error
    library.ocnn_octree_build = _bounded(library.ocnn_octree_build, "num_depths", int)
    library.ocnn_octree_neighbors = _bounded(library.ocnn_octree_neighbors, "children", len, "num_depths")
    coarser_bounded = _bounded(library.ocnn_sparse_voxels, "num_coarser", int, least=0)
    library.ocnn_sparse_voxels = _bounded(coarser_bounded, "num_levels", int)
    return library


def _bounded(function: Callable, name: str, count: Callable, shown: str = "", least: int = 1) -> Callable:
    """The op whose argument `name` says how many tensors it has, refused before TensorFlow makes room for them.

    An op's definition cannot state a largest value, and an eager call gets to the op's own check after a time that is
    quadratic in their number.
    """
    import tensorflow as tf

    signature = inspect.signature(function)

    @tf.autograph.experimental.do_not_convert  # which would warn that TensorFlow's function has no source
    @functools.wraps(function)
    def call(*args, **kwargs):
        given = count(signature.bind(*args, **kwargs).arguments[name])
        if not least <= given <= MAX_DEPTHS:
            message = f"{shown or name} = {given} is out of range; expected {least} to {MAX_DEPTHS}"
            raise tf.errors.InvalidArgumentError(None, None, message)
        return function(*args, **kwargs)

    return call
