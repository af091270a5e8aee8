"""The CUDA kernels against their CPU twins, through ctypes: needs Python 3.10, NumPy and a compiler, no TensorFlow."""
