"""Max pooling over siblings, unpooling, picking."""

import numpy as np
import pytest
from kernels import octree_calls as calls
from kernels import octree_example as example

from ocnn_tf_ops.python import reference
from ocnn_tf_ops.python.kernel_library import thread_executor


def test_worked_example():
    y, mask = calls.max_pool(example.X)
    assert y.tolist() == [[8], [16]] and mask.tolist() == [[7], [15]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_equal_reference(dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, (8 * 700, 6)).astype(dtype)  # many equal values
    children = np.arange(700, dtype=np.int32)
    y, mask = calls.max_pool(x, thread_executor(2))
    expected, expected_mask = reference.octree_max_pool(x, children)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(mask, expected_mask)
    np.testing.assert_array_equal(calls.max_unpool(y, mask), reference.octree_max_unpool(y, mask, children))
    np.testing.assert_array_equal(calls.max_pick(x, mask), y)


def test_nan_is_not_lost():
    x = np.zeros((8, 1))
    x[3] = np.nan
    y, mask = calls.max_pool(x)
    assert np.isnan(y[0, 0]) and mask[0, 0] == 3


@pytest.mark.parametrize("bad", [-1, 7, 16])
def test_mask_outside_its_group(bad):
    mask = np.array([[0], [bad]], np.int32)
    with pytest.raises(ValueError, match="out of range"):
        calls.max_unpool(np.zeros((2, 1)), mask)
    with pytest.raises(ValueError, match="out of range"):
        calls.max_pick(np.zeros((16, 1)), mask)


def test_nothing():
    y, mask = calls.max_pool(np.zeros((0, 3)))
    assert y.shape == mask.shape == (0, 3)
    assert calls.max_unpool(y, mask).shape == (0, 3)
