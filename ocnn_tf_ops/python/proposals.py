"""What SGPN's grouping asks of the pairs of a shape's points, on NumPy arrays."""

import numpy as np

from ocnn_tf_ops.python.kernel_library import call_kernel, thread_executor


def merge_proposals(sets: np.ndarray, same_iou: float, same_share: float) -> np.ndarray:
    """Merges sets that overlap, one after the other.

    A set is like a proposal if their intersection is more than `same_iou` of their union or more than `same_share` of
    the set. It replaces every like proposal that has fewer elements; a set without a like proposal becomes a new one.

    Args:
        sets: [S, W] uint64, whose bits are the elements.

    Returns:
        [P] int64, the row of `sets` that each proposal is in the end, in the order in which they were opened.

    Raises:
        ValueError: a share that is negative or NaN, or sets of another shape or type.
    """
    if sets.ndim != 2 or sets.dtype != np.uint64:
        raise ValueError(f"merge_proposals: sets must be uint64 [S, W], found {sets.dtype} {list(sets.shape)}")
    kept, count = np.empty(len(sets), np.int64), np.zeros(1, np.int64)
    sets = np.ascontiguousarray(sets)
    call_kernel("ocnn_merge_proposals_cpu", None, sets, *sets.shape, float(same_iou), float(same_share), kept, count)
    return kept[: count[0]]


def count_below(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many of the `values` [R, N] of a row are below each of its `limits` [R, E], both float32: [R, E] int64.

    Raises:
        ValueError: arrays of other shapes or types.
    """
    if (
        values.ndim != 2
        or limits.ndim != 2
        or len(values) != len(limits)
        or {values.dtype, limits.dtype} != {np.dtype(np.float32)}
    ):
        found = " and ".join(f"{x.dtype} {list(x.shape)}" for x in (values, limits))
        raise ValueError(f"count_below: want float32 [R, N] and [R, E], found {found}")
    counts = np.empty(limits.shape, np.int64)
    values, limits = np.ascontiguousarray(values), np.ascontiguousarray(limits)
    call_kernel("ocnn_count_below_cpu", thread_executor(), values, limits, *values.shape, limits.shape[1], counts)
    return counts
