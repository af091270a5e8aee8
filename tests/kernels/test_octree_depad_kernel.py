"""Between all octants and the non-empty ones: depad, and the gather whose adjoint it is."""

import numpy as np
import pytest
from kernels import octree_calls as calls
from kernels.points_calls import gather_rows

from ocnn_tf_ops.python.kernel_library import thread_executor

CHILDREN = np.array([-1, 0, -1, 1, 2], np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_hand(dtype):
    x = np.arange(6, dtype=dtype).reshape(3, 2)
    padded = gather_rows(x, CHILDREN)
    np.testing.assert_array_equal(padded, [[0, 0], [0, 1], [0, 0], [2, 3], [4, 5]])
    np.testing.assert_array_equal(calls.depad(padded + 1, CHILDREN, 3), x + 1)


def test_each_is_the_adjoint_of_the_other():
    rng = np.random.default_rng(0)
    nonempty = rng.random(5000) < 0.3
    children = np.where(nonempty, np.cumsum(nonempty) - 1, -1).astype(np.int32)
    x, y = rng.normal(size=(nonempty.sum(), 3)), rng.normal(size=(5000, 3))
    stream = thread_executor(3)
    left = np.sum(gather_rows(x, children, stream) * y)
    np.testing.assert_allclose(left, np.sum(x * calls.depad(y, children, len(x), stream)))


@pytest.mark.parametrize("bad", [3, -2])
def test_index_out_of_range(bad):
    children = CHILDREN.copy()
    children[2] = bad
    with pytest.raises(ValueError, match="out of range"):
        gather_rows(np.zeros((3, 2)), children)
    with pytest.raises(ValueError, match="out of range"):
        calls.depad(np.zeros((5, 2)), children, 3)


def test_nothing():
    assert gather_rows(np.zeros((0, 4)), np.full(3, -1, np.int32)).tolist() == [[0] * 4] * 3
    assert calls.depad(np.zeros((3, 4)), np.full(3, -1, np.int32), 0).shape == (0, 4)
    assert gather_rows(np.zeros((3, 0)), CHILDREN).shape == (5, 0)
