"""Functions of a C library are called in one place, which declares their types, and is told what the headers say."""

import ast
import ctypes
import re
from pathlib import Path

import numpy as np
import pytest

import ocnn_tf_ops
from ocnn_tf_ops.python import kernel_library as module

PACKAGE = Path(ocnn_tf_ops.__file__).parent
HOME = "kernel_library.py"


def test_no_other_file_calls_a_function_of_the_library():
    files = sorted((PACKAGE / "python").glob("*.py"))
    assert HOME in {path.name for path in files}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            attribute = node.attr if isinstance(node, ast.Attribute) else ""
            assert path.name == HOME or attribute not in ("restype", "argtypes", "CDLL"), f"{path}:{node.lineno}"
            assert not attribute.startswith("ocnn_") or path.name == "loader.py" or "tf_ops()" in ast.unparse(node), (
                f"{path}:{node.lineno} calls {attribute} undeclared: use call_kernel"
            )


def declared_in_header(name: str) -> list:
    """The ctypes of a function's parameters, by its header: a pointer is a void pointer."""
    (text,) = {
        found
        for header in PACKAGE.glob("kernels/*/*.h")
        for found in re.findall(rf"{name}\(([^)]*)\)", header.read_text())
    }
    numbers = {"int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "float": ctypes.c_float, "double": ctypes.c_double}
    parameters = [each for each in text.split(",") if each.strip()]
    return [ctypes.c_void_p if "*" in each else numbers[each.split()[0]] for each in parameters]


CALLS = {
    "ocnn_octree_depad_cpu": (
        *(None, ctypes.c_int32(0), np.ones((1, 2), np.float32), np.zeros(1, np.int32)),
        *(1, 1, 2, np.ones((1, 2), np.float32)),
    ),
    "ocnn_thread_executor": (ctypes.c_int32(1), module.Executor()),
    "ocnn_mean_shift_cpu": (
        *(None, np.zeros((1, 3), np.float32), np.array([0, 1]), 1, 1, ctypes.c_int32(3), np.array([0.1])),
        ctypes.c_int32(9),
        *(np.zeros(1, np.int32), np.zeros((1, 3), np.float32), np.zeros(1, np.int64)),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_types_are_declared_as_the_header_has_them(name):
    module.call_kernel(name, *CALLS[name])
    function = getattr(module.kernel_library(), name)
    assert function.argtypes == declared_in_header(name) and function.restype is ctypes.c_int


def test_sizes_beyond_int32_come_back_whole():
    assert module.workspace_bytes("ocnn_octree_point_keys", 2**33) > 2**33
    assert module.kernel_library().ocnn_octree_point_keys_workspace_bytes.argtypes == [ctypes.c_int64]
