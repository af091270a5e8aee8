"""Measures of segmentation quality. NumPy and this project's own kernels only, no TensorFlow."""
