"""What the card can do at best, measured: bytes copied and multiplications, the latter also by cuBLAS where it is."""

import contextlib
import ctypes
import ctypes.util
from dataclasses import dataclass, field

import numpy as np

from gpu.device import Device, Stopwatch

RATES = ("fp32", "tf32", "fp16")  # in the order of ocnn_probe_multiply_cuda
FLOPS_A_ROUND = {"fp32": 2 * 8 * 256, "tf32": 2 * 8 * 8 * 16 * 16 * 8, "fp16": 2 * 8 * 8 * 16 * 16 * 16}  # of a block
_CUBLAS = {"fp32": (0, 68), "tf32": (0, 77), "fp16": (2, 68)}  # cudaDataType_t, cublasComputeType_t


@dataclass
class Ceilings:
    """copy: GB/s, read and written counted; the others: GFLOP/s."""

    copy: float = 0
    rates: dict[str, float] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> float:
        return self.copy if name == "copy" else self.rates[name]


def best_of(device: Device, repeats: int, enqueue) -> float:
    """Milliseconds of the fastest of `repeats` runs, after one that does not count."""
    watch = Stopwatch(device)
    enqueue()
    times = []
    for _ in range(repeats):
        watch.start()
        enqueue()
        times.append(watch.stop())
    watch.close()
    return max(min(times), 1e-6)


def measure(device: Device, copy_bytes: int = 1 << 30, rounds: int = 4096, matrix: int = 8192) -> Ceilings:
    ceilings = Ceilings(_copy_rate(device, copy_bytes))
    for kind, name in enumerate(RATES):
        ceilings.rates[name], ceilings.source[name] = _own_rate(device, kind, rounds), "own kernel"
    library = None if device.emulated else _find_cublas()
    for name in RATES if library else ():
        with contextlib.suppress(RuntimeError):
            rate = _cublas_rate(device, library, name, matrix)
            if rate > ceilings.rates[name]:
                ceilings.rates[name], ceilings.source[name] = rate, "cuBLAS"
    return ceilings


def _copy_rate(device: Device, nbytes: int) -> float:
    source, target = device.buffer(nbytes), device.buffer(nbytes)
    arguments = ("ocnn_cuda_copy", None, target.pointer, source.pointer, nbytes)
    milliseconds = best_of(device, 10, lambda: device.call(*arguments))
    source.free()
    target.free()
    return 2 * nbytes / milliseconds / 1e6


def _own_rate(device: Device, kind: int, rounds: int) -> float:
    blocks = 8 * device.describe().multiprocessors if not device.emulated else 1
    out = device.buffer(blocks * 8 * 256 * 4)
    arguments = ("ocnn_probe_multiply_cuda", None, ctypes.c_int32(kind), blocks, rounds, out.pointer)
    milliseconds = best_of(device, 5, lambda: device.call(*arguments))
    out.free()
    return blocks * rounds * FLOPS_A_ROUND[RATES[kind]] / milliseconds / 1e6


def _find_cublas() -> ctypes.CDLL | None:
    for name in (ctypes.util.find_library("cublas"), "libcublas.so", "libcublas.so.13", "libcublas.so.12"):
        with contextlib.suppress(OSError):
            if name:
                return ctypes.CDLL(name)
    return None


def _cublas_rate(device: Device, cublas: ctypes.CDLL, name: str, n: int) -> float:
    """Of a square matrix product; RuntimeError if cuBLAS refuses."""
    data_type, compute_type = map(ctypes.c_int, _CUBLAS[name])
    handle, one, zero = ctypes.c_void_p(), ctypes.c_float(1), ctypes.c_float(0)
    if cublas.cublasCreate_v2(ctypes.byref(handle)):
        raise RuntimeError("cublasCreate failed")
    a, b, c = (device.upload(np.zeros((n, n), np.float32)) for _ in range(3))

    def multiply():
        operands = [(x.pointer, data_type, ctypes.c_int(n)) for x in (a, b, c)]
        sizes = [ctypes.c_int(v) for v in (0, 0, n, n, n)]
        status = cublas.cublasGemmEx(
            *(handle, *sizes, ctypes.byref(one), *operands[0], *operands[1], ctypes.byref(zero), *operands[2]),
            *(compute_type, ctypes.c_int(-1)),
        )
        if status:
            raise RuntimeError(f"cublasGemmEx answers {status}")

    try:
        return 2 * n**3 / best_of(device, 5, multiply) / 1e6
    finally:
        cublas.cublasDestroy_v2(handle)
        for matrix in (a, b, c):
            matrix.free()
