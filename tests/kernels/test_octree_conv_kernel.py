"""The convolution kernel and its weight gradient against a matrix product over gathered rows, on NumPy arrays."""

import ctypes

import numpy as np
import pytest
from kernels.octree_calls import dtype_of

from ocnn_tf_ops.python.kernel_library import call_kernel, thread_executor, workspace_bytes

# widths that take every path of the inner loops: full tiles, halves, quarters, single columns
SIZES = [(0, 3, 5), (1, 1, 1), (63, 4, 64), (64, 16, 16), (200, 5, 7), (130, 32, 48), (129, 64, 100)]
DTYPES = [np.float32, np.float64]


def i32(*values):
    return [ctypes.c_int32(v) for v in values]


def conv(x, weights, neighbors, stream=None):
    kernel, cin, cout = weights.shape
    y = np.full((len(neighbors), cout), np.nan, x.dtype)
    sizes = (len(x), len(neighbors), *i32(kernel, cin, cout))
    call_kernel("ocnn_octree_conv_cpu", stream, dtype_of(x), x, weights, neighbors, *sizes, y)
    return y


def grad_weights(x, grad_y, neighbors, stream=None):
    kernel, cin, cout = neighbors.shape[1], x.shape[1], grad_y.shape[1]
    grad = np.full((kernel, cin, cout), np.nan, x.dtype)
    num_bytes = workspace_bytes("ocnn_octree_conv_grad_weights", dtype_of(x), len(neighbors), *i32(kernel, cin, cout))
    workspace = np.full(num_bytes, 255, np.uint8)
    sizes = (len(x), len(neighbors), *i32(kernel, cin, cout))
    arguments = (dtype_of(x), x, grad_y, neighbors, *sizes, grad, workspace, num_bytes)
    call_kernel("ocnn_octree_conv_grad_weights_cpu", stream, *arguments)
    return grad


def random_case(size, dtype, seed=0, kernel=27):
    rows, cin, cout = size
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(rows, cin)).astype(dtype), rng.normal(size=(kernel, cin, cout)).astype(dtype)
    neighbors = rng.integers(-max(rows, 1), max(rows, 1), (rows, kernel)).clip(-1).astype(np.int32)
    return x, weights, neighbors, rng.normal(size=(rows, cout)).astype(dtype)


def gathered(x, neighbors):
    """[M, K, Cin] with zeros for missing neighbors."""
    return np.concatenate([x, np.zeros((1, x.shape[1]), x.dtype)])[neighbors]


def tolerance(dtype):
    return {"rtol": 1e-4, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-11}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_convolution(size, dtype):
    x, weights, neighbors, _ = random_case(size, dtype)
    want = np.einsum("mki,kio->mo", gathered(x, neighbors), weights)
    np.testing.assert_allclose(conv(x, weights, neighbors), want, **tolerance(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_gradient_of_the_weights(size, dtype):
    x, _, neighbors, grad_y = random_case(size, dtype, seed=1)
    want = np.einsum("mki,mo->kio", gathered(x, neighbors), grad_y)
    np.testing.assert_allclose(grad_weights(x, grad_y, neighbors), want, **tolerance(dtype))


def test_another_number_of_cells():
    x, weights, neighbors, grad_y = random_case((40, 3, 6), np.float64, seed=2, kernel=8)
    np.testing.assert_allclose(
        conv(x, weights, neighbors), np.einsum("mki,kio->mo", gathered(x, neighbors), weights), atol=1e-11
    )
    assert grad_weights(x, grad_y, neighbors).shape == (8, 3, 6)


def test_a_row_without_neighbors_is_zero():
    x, weights, _, grad_y = random_case((5, 4, 16), np.float32)
    nothing = np.full((5, 27), -1, np.int32)
    assert not conv(x, weights, nothing).any() and not grad_weights(x, grad_y, nothing).any()


def test_many_rows_are_summed_in_chunks_and_threads_change_nothing():
    x, weights, neighbors, grad_y = random_case((40_000, 2, 3), np.float64, seed=3)
    want = np.einsum("mki,mo->kio", gathered(x, neighbors), grad_y)
    serial = grad_weights(x, grad_y, neighbors)
    np.testing.assert_allclose(serial, want, atol=1e-8)
    stream = thread_executor(2)
    np.testing.assert_array_equal(grad_weights(x, grad_y, neighbors, stream), serial)
    np.testing.assert_array_equal(conv(x, weights, neighbors, stream), conv(x, weights, neighbors))


def test_impossible_sizes_and_types_are_refused():
    x, weights, neighbors, _ = random_case((4, 2, 3), np.float32)
    y = np.empty((4, 3), np.float32)
    for dtype, cin in [(7, 2), (0, 0), (0, -1)]:
        sizes = (4, 4, *i32(27, cin, 3))
        with pytest.raises(ValueError, match="ocnn_octree_conv_cpu"):
            call_kernel("ocnn_octree_conv_cpu", None, ctypes.c_int32(dtype), x, weights, neighbors, *sizes, y)
