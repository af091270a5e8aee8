"""Binds the arguments of a case to memory, of the device or of the host, and calls the entry point."""

import ctypes
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpu import case as spec
from gpu.case import ELEMENT_TYPES, Ask, Case, In, Out, Pointers, Result, Scratch, Values
from gpu.device import POISON, Buffer, Device
from ocnn_tf_ops.python.kernel_library import status_of


def poisoned(shape: Any, dtype: Any) -> np.ndarray:
    array = np.empty(shape, dtype)
    array.view(np.uint8).reshape(-1)[:] = POISON if array.size else 0
    return array


def is_float(dtype: Any) -> bool:
    return np.issubdtype(np.dtype(dtype), np.floating)


@dataclass
class Call:
    """Arguments after the stream, ready for ctypes, and what to keep alive until the call is over."""

    arguments: list = field(default_factory=list)
    outputs: list = field(default_factory=list)  # (specification, array or Buffer, dtype)
    inputs: list = field(default_factory=list)  # (array, Buffer)
    buffers: list = field(default_factory=list)
    kept: list = field(default_factory=list)


def call_cpu(case: Case, library: ctypes.CDLL) -> tuple[int, list[np.ndarray]]:
    """Status and outputs of the CPU twin; for the half types it computes in float32."""
    call = Call()
    wide = "float64" if case.dtype == "float64" else "float32"
    for argument in case.arguments:
        _bind_cpu(call, argument, case.dtype, wide, library)
    status = status_of(library, f"ocnn_{case.kernel}_cpu", None, *call.arguments)
    return status, [np.int32([status]) if item is spec.STATUS else array for item, array, _ in call.outputs]


def _bind_cpu(call: Call, argument: Any, dtype: str, wide: str, library: ctypes.CDLL) -> None:
    if argument is spec.DTYPE:
        call.arguments.append(ctypes.c_int32(ELEMENT_TYPES.index(wide)))
    elif argument is spec.STATUS:
        call.outputs.append((argument, None, None))
    elif isinstance(argument, Scratch):
        size = _bytes(argument.cpu, library)
        if size is not None:
            call.arguments += [poisoned(size, np.uint8), *([size] if argument.sized else [])]
    elif isinstance(argument, Pointers):
        arrays = [_host_array(call, item, dtype, wide) for item in argument.items]
        call.kept.append(arrays)
        call.arguments.append((ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays)))
    elif isinstance(argument, Values | Result | In | Out):
        call.arguments.append(_host_array(call, argument, dtype, wide))
    else:
        call.arguments.append(argument)


def _host_array(call: Call, item: Any, dtype: str, wide: str) -> np.ndarray:
    if isinstance(item, Values):
        return np.ascontiguousarray(spec.widen(dtype, spec.round_to(dtype, item.array)))
    if isinstance(item, In):
        return np.ascontiguousarray(item.array if item.cpu is None else item.cpu)
    array = poisoned(item.shape, wide if isinstance(item, Result) else item.dtype)
    call.outputs.append((item, array, array.dtype))
    return array


def _bytes(size: int | Ask | None, library: ctypes.CDLL) -> int | None:
    return Device(library).ask(size.name, *size.arguments) if isinstance(size, Ask) else size


def bind_device(case: Case, device: Device) -> Call:
    call = Call()
    for argument in case.arguments:
        _bind_device(call, argument, case.dtype, device)
    return call


def _bind_device(call: Call, argument: Any, dtype: str, device: Device) -> None:
    if argument is spec.DTYPE:
        call.arguments.append(ctypes.c_int32(ELEMENT_TYPES.index(dtype)))
    elif isinstance(argument, Scratch):
        size = _bytes(argument.cuda, device.library)
        if size is not None:
            call.buffers.append(device.buffer(size))
            call.arguments += [call.buffers[-1].pointer, *([size] if argument.sized else [])]
    elif isinstance(argument, Pointers):
        buffers = [_device_buffer(call, item, dtype, device) for item in argument.items]
        call.arguments.append((ctypes.c_void_p * len(buffers))(*(b.pointer.value for b in buffers)))
    elif isinstance(argument, Values | Result | In | Out):
        call.arguments.append(_device_buffer(call, argument, dtype, device).pointer)
    else:
        call.arguments.append(argument)


def _device_buffer(call: Call, item: Any, dtype: str, device: Device) -> Buffer:
    if isinstance(item, Values | In):
        array = spec.round_to(dtype, item.array) if isinstance(item, Values) else np.ascontiguousarray(item.array)
        buffer = device.upload(array)
        call.inputs.append((array, buffer))
    else:
        kind = spec.stored_type(dtype) if isinstance(item, Result) else np.dtype(item.dtype)
        buffer = device.buffer(int(np.prod(item.shape)) * kind.itemsize)
        call.outputs.append((item, buffer, kind))
    call.buffers.append(buffer)
    return buffer


def call_device(case: Case, device: Device) -> tuple[int, list[np.ndarray]]:
    """Status and outputs of the CUDA twin, the half types as they are stored.

    Raises:
        AssertionError: the kernel changed an input, or wrote outside of a buffer.
        RuntimeError: the device reports an error.
    """
    call = bind_device(case, device)
    try:
        status = status_of(device.library, f"ocnn_{case.kernel}_cuda", None, *call.arguments)
        device.synchronize()
        for array, buffer in call.inputs:
            kept = buffer.read(array.shape, array.dtype)
            assert kept.tobytes() == array.tobytes(), "the kernel changed one of its inputs"
        return status, [buffer.read(item.shape, kind) for item, buffer, kind in call.outputs]
    finally:
        for buffer in call.buffers:
            buffer.free()
