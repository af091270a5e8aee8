"""Batch normalization as a kernel: NumPy says what is right."""

import ctypes

import numpy as np
import pytest
from kernels.octree_calls import c_int, dtype_of

from ocnn_tf_ops.python.kernel_library import call_kernel, thread_executor, workspace_bytes


def normal(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def workspace(name, *arguments):
    return np.zeros(workspace_bytes(name, *arguments), np.uint8)


def test_threads_change_nothing():
    x, grad_y = normal(0, 9000, 24, dtype=np.float32), normal(1, 9000, 16, dtype=np.float32)
    four = thread_executor(4)
    np.testing.assert_array_equal(moments(x), moments(x, four))
    for one, more in zip(backward(grad_y, grad_y, 0.1), backward(grad_y, grad_y, 0.1, stream=four)):
        np.testing.assert_array_equal(one, more)


EPSILON = 1e-3


def norm_workspace(x):
    sizes = (ctypes.c_int64(len(x)), ctypes.c_int64(x.shape[1]))
    return workspace("ocnn_batch_norm", dtype_of(x), *sizes)


def moments(x, stream=None):
    mean, variance, memory = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype), norm_workspace(x)
    arguments = (x, *x.shape, mean, variance, memory, memory.nbytes)
    call_kernel("ocnn_batch_norm_moments_cpu", stream, dtype_of(x), *arguments)
    return mean, variance


def forward(x, slope, shortcut=None, gamma=None, beta=None, statistics=None):
    channels = x.shape[1]
    gamma = np.ones(channels, x.dtype) if gamma is None else gamma
    beta = np.zeros(channels, x.dtype) if beta is None else beta
    y, memory = np.empty_like(x), norm_workspace(x)
    call_kernel(
        "ocnn_batch_norm_cpu",
        *(None, dtype_of(x), x, shortcut, gamma, beta, *(statistics or moments(x)), *x.shape, EPSILON, slope, y),
        *(memory, memory.nbytes),
    )
    return y


def backward(grad_y, x, slope, y=None, gamma=None, beta=None, statistics=None, stream=None):
    """Gradients of x, gamma, beta and, if y is given, of the shortcut; `statistics` are constants if given."""
    gamma = np.ones(x.shape[1], x.dtype) if gamma is None else gamma
    beta = np.zeros(x.shape[1], x.dtype) if beta is None else beta
    grads = [np.empty_like(x), np.empty_like(gamma), np.empty_like(beta), None if y is None else np.empty_like(x)]
    memory = norm_workspace(x)
    call_kernel(
        "ocnn_batch_norm_grad_cpu",
        *(stream, dtype_of(x), grad_y, x, y, gamma, beta, *(statistics or moments(x)), *x.shape, EPSILON, slope),
        *(c_int(statistics is None), *grads, memory, memory.nbytes),
    )
    return grads[: 3 if y is None else 4]


@pytest.mark.parametrize("rows", [1, 2, 511, 512, 1300])
def test_moments(rows):
    x = normal(0, rows, 5) + 1000.0
    mean, variance = moments(x)
    np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(variance, x.var(axis=0), atol=1e-9)


def test_moments_in_float32_of_rows_far_from_zero():
    x = (normal(0, 40_000, 3) + 100.0).astype(np.float32)
    np.testing.assert_allclose(moments(x)[1], x.astype(np.float64).var(axis=0), rtol=1e-5)


def test_no_rows():
    x = np.zeros((0, 4))
    np.testing.assert_array_equal(moments(x), np.zeros((2, 4)))
    assert forward(x, 0.1).shape == (0, 4)
    np.testing.assert_array_equal(backward(x, x, 0.1)[1], np.zeros(4))


@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("with_shortcut", [False, True])
def test_normalization_shortcut_and_activation(slope, with_shortcut):
    x, gamma, beta = normal(0, 70, 19), normal(1, 19), normal(2, 19)
    shortcut = normal(3, 70, 19) if with_shortcut else None
    z = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + EPSILON) + beta + (shortcut if with_shortcut else 0)
    want = np.where(z > 0, z, slope * z)
    np.testing.assert_allclose(forward(x, slope, shortcut, gamma, beta), want, atol=1e-12)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("with_shortcut", [False, True])
def test_gradients_against_differences(fixed, with_shortcut):
    x, gamma, beta, grad_y = normal(0, 30, 4), normal(1, 4), normal(2, 4), normal(4, 30, 4)
    shortcut = normal(3, 30, 4) if with_shortcut else None
    gamma[2] = 0.0
    statistics = (normal(5, 4), normal(6, 4) ** 2) if fixed else None

    def loss():
        return np.sum(grad_y * forward(x, 0.1, shortcut, gamma, beta, statistics))

    y = forward(x, 0.1, shortcut, gamma, beta, statistics) if with_shortcut else None
    grads = backward(grad_y, x, 0.1, y, gamma, beta, statistics)
    for array, grad in zip((x, gamma, beta, shortcut), grads):
        for place in list(np.ndindex(array.shape))[:: max(1, array.size // 15)]:
            kept = array[place]
            array[place] = kept + 1e-6
            above = loss()
            array[place] = kept - 1e-6
            below = loss()
            array[place] = kept
            assert grad[place] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_too_little_memory_is_refused():
    x = np.zeros((5, 3))
    with pytest.raises(ValueError, match="out of range"):
        call_kernel("ocnn_batch_norm_moments_cpu", None, dtype_of(x), x, 5, 3, x[0], x[1], x, 7)
