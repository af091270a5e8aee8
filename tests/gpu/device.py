"""Memory and events of a CUDA device, real or emulated, through the entry points of kernels/cuda/device.h."""

import ctypes
from typing import Any

import numpy as np

from ocnn_tf_ops.python.kernel_library import check_status, status_of

POISON = 0x7F  # fills what nobody has written yet: huge as a float, far out of range as an index
GUARD_BYTES = 256


class Description(ctypes.Structure):
    """ocnn_cuda_device of kernels/cuda/device.h."""

    _fields_ = [
        ("name", ctypes.c_char * 256),
        *((name, ctypes.c_int32) for name in ("major", "minor", "multiprocessors", "driver", "runtime")),
        *((name, ctypes.c_int64) for name in ("memory_bytes", "l2_bytes")),
    ]


class Buffer:
    """Device memory with a guard zone at either end."""

    def __init__(self, device: "Device", nbytes: int):
        self._device, self.nbytes, self._guard = device, nbytes, device.guard_bytes
        self._whole = ctypes.c_void_p()
        device.call("ocnn_cuda_malloc", max(nbytes + 2 * self._guard, 1), ctypes.byref(self._whole))
        device.call("ocnn_cuda_fill", None, self._whole, ctypes.c_int32(POISON), nbytes + 2 * self._guard)
        self.pointer = ctypes.c_void_p(self._whole.value + self._guard)

    def write(self, array: np.ndarray) -> "Buffer":
        self._device.call("ocnn_cuda_copy", None, self.pointer, array, self.nbytes)
        return self

    def read(self, shape: Any, dtype: Any) -> np.ndarray:
        """Also checks that nobody wrote beside the buffer.

        Raises:
            AssertionError: somebody did.
        """
        whole = np.empty(self.nbytes + 2 * self._guard, np.uint8)
        self._device.call("ocnn_cuda_copy", None, whole, self._whole, whole.nbytes)
        beside = np.concatenate([whole[: self._guard], whole[self._guard + self.nbytes :]])
        assert (beside == POISON).all(), "the kernel wrote outside of a buffer"
        return whole[self._guard : self._guard + self.nbytes].view(dtype).reshape(shape).copy()

    def free(self) -> None:
        self._device.call("ocnn_cuda_free", self._whole)


class Device:
    """A library that holds CUDA entry points, and the device it runs them on.

    guard_bytes 0 leaves finding what goes beside a buffer to a sanitizer, which then sees its true end.
    """

    def __init__(self, library: ctypes.CDLL, guard_bytes: int = GUARD_BYTES):
        self.library, self.guard_bytes = library, guard_bytes
        self.emulated = hasattr(library, "ocnn_emulation_reverse")

    def call(self, name: str, *arguments: Any) -> None:
        check_status(name, status_of(self.library, name, *arguments))

    def ask(self, name: str, *arguments: Any) -> int:
        """What an entry point answers that returns a number of bytes."""
        function = getattr(self.library, name)
        function.restype = ctypes.c_int64
        return function(*(ctypes.c_int64(a) if isinstance(a, int) else a for a in arguments))

    def count(self) -> int:
        return self.library.ocnn_cuda_device_count()

    def describe(self) -> Description:
        description = Description()
        self.call("ocnn_cuda_describe_device", ctypes.byref(description))
        return description

    def buffer(self, nbytes: int) -> Buffer:
        return Buffer(self, nbytes)

    def upload(self, array: np.ndarray) -> Buffer:
        return self.buffer(array.nbytes).write(np.ascontiguousarray(array))

    def synchronize(self) -> None:
        self.call("ocnn_cuda_synchronize", None)

    def set_reverse(self, reverse: bool) -> None:
        """Has an emulated device run its threads in descending order; a real one does as it likes."""
        if self.emulated:
            self.library.ocnn_emulation_reverse(ctypes.c_int32(reverse))


class Stopwatch:
    """Time on the device between two events."""

    def __init__(self, device: Device):
        self._device, self._events = device, (ctypes.c_void_p(), ctypes.c_void_p())
        for event in self._events:
            device.call("ocnn_cuda_event_create", ctypes.byref(event))

    def start(self) -> None:
        self._device.call("ocnn_cuda_event_record", None, self._events[0])

    def stop(self) -> float:
        """Milliseconds since `start`, when all that was enqueued is done."""
        self._device.call("ocnn_cuda_event_record", None, self._events[1])
        milliseconds = ctypes.c_float()
        self._device.call("ocnn_cuda_event_elapsed", *self._events, ctypes.byref(milliseconds))
        return milliseconds.value

    def close(self) -> None:
        for event in self._events:
            self._device.call("ocnn_cuda_event_destroy", event)
