"""Memory of a GPU for kernels that are called through ctypes: NumPy arrays go there and come back."""

import ctypes

import numpy as np

from ocnn_tf_ops.python.kernel_library import call_kernel, cuda_device_count, has_cuda


def require_gpu(setting: str) -> None:
    """Raises a ValueError that names the setting and what is missing, if no GPU can be used."""
    if not has_cuda():
        raise ValueError(f"{setting} needs the CUDA kernels: install nvcc and build again, or choose cpu")
    if cuda_device_count() == 0:
        raise ValueError(f"{setting} needs a GPU and its driver, and there is none: choose cpu")


class CudaMemory:
    """Memory that is freed when its `with` block ends. What is handed out are pointers for `call_kernel`."""

    def __enter__(self):
        self._pointers = []
        return self

    def __exit__(self, *_):
        for pointer in self._pointers:
            call_kernel("ocnn_cuda_free", pointer)

    def reserve(self, nbytes: int) -> ctypes.c_void_p:
        """Uninitialized memory.

        Raises:
            MemoryError: the GPU has not as much.
        """
        pointer = ctypes.c_void_p()
        call_kernel("ocnn_cuda_malloc", max(nbytes, 1), ctypes.byref(pointer))
        self._pointers.append(pointer)
        return pointer

    def upload(self, array: np.ndarray) -> ctypes.c_void_p:
        """A copy of a C-contiguous array."""
        pointer = self.reserve(array.nbytes)
        call_kernel("ocnn_cuda_copy", None, pointer, array, array.nbytes)
        return pointer

    def download(self, pointer: ctypes.c_void_p, into: np.ndarray) -> None:
        """Fills a C-contiguous array, when all that was enqueued before is done.

        Raises:
            RuntimeError: a kernel failed.
        """
        call_kernel("ocnn_cuda_copy", None, into, pointer, into.nbytes)
        call_kernel("ocnn_cuda_synchronize", None)
