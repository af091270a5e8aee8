"""How the cases of a kernel are written down.

A case lists the arguments after the stream, in the order of the entry point, and so says at once what goes in, what
comes out and what is expected: the same call of the CPU twin.

    Case("octree_max_pool", DTYPE, Values(x), groups, channels, Result(y_shape), Out(mask_shape), dtype="float16")

Integers go as int64_t, floats as double; wrap others in ctypes.c_int32 or ctypes.c_float.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DTYPE = object()  # stands for the ocnn_dtype of the case
ELEMENT_TYPES = ("float32", "float64", "float16", "bfloat16")
EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}
OK, INVALID_ARGUMENT, EMPTY = 0, 1, 4


@dataclass(frozen=True)
class Values:
    """An input of the case's element type: floats, rounded to that type before either twin sees them."""

    array: np.ndarray


@dataclass(frozen=True)
class Result:
    """An output of the case's element type. It may differ by `ulps` units in the last place of its largest value."""

    shape: Sequence[int] | int
    ulps: float = 0


@dataclass(frozen=True)
class In:
    """An input of a type of its own. `cpu` is what the CPU twin gets instead: -1 where `array` holds an index that is
    out of range, which CUDA kernels treat as missing and CPU kernels refuse."""

    array: np.ndarray
    cpu: np.ndarray | None = None


@dataclass(frozen=True)
class Out:
    """An output of a type of its own; floats may differ by `ulps` units in the last place of the largest value."""

    shape: Sequence[int] | int
    dtype: Any = np.int32
    ulps: float = 0


# The word in device memory where a CUDA twin tells what is wrong with its data: what its CPU twin returns. Where that
# is an error, nothing is said of the other outputs.
STATUS = Out(1)


@dataclass(frozen=True)
class Pointers:
    """A host array of pointers to the items, each an In, Out, Values or Result."""

    items: Sequence[In | Out | Values | Result]


@dataclass(frozen=True)
class Ask:
    """Bytes, as the entry point `name` of the library in use tells them."""

    name: str
    arguments: Sequence[Any]


@dataclass(frozen=True)
class Scratch:
    """A workspace and its size in bytes, two arguments; None: this twin takes none. sized: whether the size follows."""

    cpu: int | Ask | None
    cuda: int | Ask | None
    sized: bool = True


@dataclass(frozen=True, init=False)
class Case:
    """One call. kernel: the entry points are ocnn_<kernel>_cpu and ocnn_<kernel>_cuda.

    label: what tells it from the kernel's other cases; dtype: the element type; status: what both twins answer;
    expected: the outputs in their order, where the CPU twin cannot tell them; deterministic: whether every run must
    give the same bits.
    """

    kernel: str
    arguments: tuple
    label: str
    dtype: str
    status: int
    expected: tuple | None
    deterministic: bool

    def __init__(
        self,
        kernel: str,
        *arguments: Any,
        label: str = "",
        dtype: str = "float32",
        status: int = OK,
        expected: Sequence[np.ndarray] | None = None,
        deterministic: bool = True,
    ):
        fields = {"kernel": kernel, "arguments": arguments, "label": label, "dtype": dtype, "status": status}
        fields |= {"expected": expected and tuple(expected), "deterministic": deterministic}
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return f"{self.kernel} {self.dtype} {self.label}".strip()


@dataclass(frozen=True)
class Timing:
    """A case worth timing: bytes it must move and operations it must do at least, and the ceiling it is held against
    ("copy", or the matrix rate "fp32", "tf32", "fp16")."""

    case: Case
    bytes: int
    flops: int = 0
    ceiling: str = "copy"


def round_to(dtype: str, array: np.ndarray) -> np.ndarray:
    """float values -> what is stored for them; bfloat16 as uint16, for NumPy knows none."""
    if dtype != "bfloat16":
        return np.ascontiguousarray(array, dtype)
    array = np.ascontiguousarray(array, np.float32)
    bits = array.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(array), 0x7FFF, rounded).astype(np.uint16)


def widen(dtype: str, stored: np.ndarray) -> np.ndarray:
    """What is stored -> float32 (float64 for float64), exactly: the type the CPU twin computes in."""
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return stored.astype(np.float64 if dtype == "float64" else np.float32)


def stored_type(dtype: str) -> np.dtype:
    return np.dtype(np.uint16 if dtype == "bfloat16" else dtype)


def dyadic(rng: np.random.Generator, *shape: int, levels: int = 8) -> np.ndarray:
    """Multiples of 1/8 in [-1, 1], exact in every element type, and so are short sums of their products: two ways to
    compute the same thing must agree to the bit. Many values are equal."""
    return rng.integers(-levels, levels + 1, shape) / 8


def int32(value: int) -> ctypes.c_int32:
    return ctypes.c_int32(value)
