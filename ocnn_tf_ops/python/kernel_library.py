"""The TensorFlow-free kernels through ctypes: loading, threads, and calls on NumPy arrays.

call_kernel("ocnn_octree_conv_cpu", thread_executor(), ctypes.c_int32(FLOAT32), x, weights, neighbors, ...)
"""

import ctypes
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

FLOAT32, FLOAT64, FLOAT16, BFLOAT16 = range(4)  # ocnn_dtype; the half types for CUDA kernels only
_STATUS = {
    1: "a size, depth or index is out of range",
    2: "out of memory",
    3: "NaN or infinity among the coordinates",
    4: "a shape without a single point",
    5: "the CUDA runtime reported an error",
    6: "cancelled",
    7: "the data would take too long: pass fewer points, or another bandwidth",
}
# What processors of the levels of x86-64 have, for which a portable build has libraries of their own; highest first.
_LEVELS = {
    "x86-64-v4": set("avx512f avx512bw avx512cd avx512dq avx512vl avx2 fma".split()),
    "x86-64-v3": set("avx avx2 bmi1 bmi2 f16c fma abm movbe".split()),
}
_NUMBERS = (ctypes.c_int32, ctypes.c_int64, ctypes.c_float, ctypes.c_double)


class Executor(ctypes.Structure):
    """ocnn_executor of kernels/common.h: where a kernel runs its loops."""

    _fields_ = [
        ("context", ctypes.c_void_p),
        ("num_threads", ctypes.c_int32),
        ("parallel_for", ctypes.c_void_p),
        ("cancelled", ctypes.c_void_p),
    ]


def library_path(folder: Path = Path(__file__).parents[1], cpuinfo: Path = Path("/proc/cpuinfo")) -> Path:
    """libocnn_kernels.so for this processor: a portable build has several."""
    there = [level for level in _LEVELS if (folder / level).is_dir()]
    has = set(cpuinfo.read_text().partition("\nflags")[2].partition("\n")[0].split()) if there else set()
    best = next((level for level in there if _LEVELS[level] <= has), ".")
    return folder / best / "libocnn_kernels.so"


def built_level(path: Path) -> str:
    """What a library is compiled for: "x86-64-v3", say, or in words that it is the processor it was built on."""
    if path.parent.name in _LEVELS:
        return path.parent.name
    return "x86-64-v2" if any((path.parent / level).is_dir() for level in _LEVELS) else "the processor it was built on"


def loaded_path() -> Path:
    """That of library_path, or the one that the environment variable OCNN_KERNEL_LIBRARY names."""
    return Path(os.environ.get("OCNN_KERNEL_LIBRARY") or library_path())


@functools.cache
def kernel_library() -> ctypes.CDLL:
    """The library at loaded_path.

    Raises:
        ImportError: it is not built, or cannot be loaded.
    """
    path = loaded_path()
    if not path.exists():
        raise ImportError(f"{path} does not exist: build it with 'python setup.py build_ext --inplace'")
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"{path} cannot be loaded ({error}): rebuild it on this machine") from error


@functools.cache
def thread_executor(num_threads: int = 0) -> Executor:
    """An executor of `num_threads` threads, 0 = one a core. Pass it as a kernel's stream (None runs serially)."""
    executor = Executor()
    call_kernel("ocnn_thread_executor", ctypes.c_int32(num_threads), executor)
    return executor


def has_cuda() -> bool:
    """Whether the library holds the CUDA kernels."""
    return hasattr(kernel_library(), "ocnn_cuda_malloc")


def cuda_device_count() -> int:
    """GPUs that the library can use: 0 without the CUDA kernels, a driver or a card."""
    return _call(kernel_library(), "ocnn_cuda_device_count", ctypes.c_int32)


def status_of(library: ctypes.CDLL, name: str, *arguments: Any) -> int:
    """Calls the entry point `name` with arguments as `call_kernel` takes them, and returns its ocnn_status."""
    return _call(library, name, ctypes.c_int, *arguments)


def call_kernel(name: str, *arguments: Any) -> None:
    """Calls the kernel `name`. Arrays go as pointers, int as int64_t, float as double, None as a null pointer, Executor
    by reference; wrap an int32_t argument in ctypes.c_int32 and a float one in ctypes.c_float.

    Raises:
        ValueError: the kernel refused its input, or an array is not C-contiguous.
        MemoryError: the kernel found no memory.
        RuntimeError: the CUDA runtime reported an error, or the call was cancelled.
    """
    check_status(name, status_of(kernel_library(), name, *arguments))


def call_cancellable(name: str, executor: Executor, *arguments: Any) -> None:
    """`call_kernel` for one that looks at the executor's `cancelled`: Ctrl-C ends it.

    The kernel runs in a thread of its own. Python attends to signals between steps of Python in the main thread, so not
    while that is inside of a kernel.
    """
    cancelled = ctypes.c_int32(0)
    fields = (executor.context, executor.num_threads, executor.parallel_for, ctypes.addressof(cancelled))
    with ThreadPoolExecutor(1) as pool:
        try:  # the signal may come while the thread is being started
            pool.submit(call_kernel, name, Executor(*fields), *arguments).result()
        except BaseException:
            cancelled.value = 1
            raise


def workspace_bytes(name: str, *arguments: Any) -> int:
    """Bytes of scratch that the kernel `name` wants, by its <name>_workspace_bytes."""
    return _call(kernel_library(), f"{name}_workspace_bytes", ctypes.c_int64, *arguments)


def check_status(name: str, status: int) -> None:
    """Raises what `call_kernel` documents, unless `status` is OCNN_OK."""
    if status == 2:
        raise MemoryError(f"{name}: {_STATUS[2]}")
    if status in (5, 6):
        raise RuntimeError(f"{name}: {_STATUS[status]}")
    if status:
        raise ValueError(f"{name}: {_STATUS.get(status, f'unknown status {status}')}")


def _call(library: ctypes.CDLL, name: str, restype: Any, *arguments: Any) -> int:
    """Calls a function of the library, whose types are declared first: ctypes would take every result for an int."""
    values = [_to_c(name, argument) for argument in arguments]
    function = getattr(library, name)
    function.restype = restype
    function.argtypes = [type(x) if isinstance(x, _NUMBERS) else ctypes.c_void_p for x in values]
    return function(*values)


def _to_c(name: str, argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        if not argument.flags.c_contiguous:
            raise ValueError(f"{name}: every array must be C-contiguous")
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, Executor):
        return ctypes.byref(argument)
    if isinstance(argument, bool | int | np.integer):
        return ctypes.c_int64(int(argument))
    if isinstance(argument, float):
        return ctypes.c_double(argument)
    return ctypes.c_void_p() if argument is None else argument
