"""Cases of the CUDA kernels of kernels/octree/interpolate.h."""

from collections.abc import Iterator

import numpy as np

from gpu.case import (
    DTYPE,
    ELEMENT_TYPES,
    INVALID_ARGUMENT,
    STATUS,
    Ask,
    Case,
    In,
    Out,
    Result,
    Scratch,
    Timing,
    Values,
    dyadic,
    int32,
    stored_type,
)
from gpu.cases_octree_build import Batch, ancestors, batch

# Points, octants, channels: none, one, odd, rows of whole packs of 16 bytes and others, several blocks of threads.
SIZES = ((0, 8, 3), (1, 1, 1), (5, 0, 4), (37, 40, 33), (130, 8, 8), (300, 512, 24), (3, 8, 0))
LARGE_CHANNELS = 64  # timings
EDGE_MODES = (0, 1)


def octants_of(b: Batch) -> np.ndarray:
    """The keys of a batch's finest layer: all eight children of every octant with points in it."""
    return (8 * np.unique(ancestors(b.keys, 1))[:, None] + np.arange(8)).ravel()


def cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from table_cases(rng)
    for dtype in ELEMENT_TYPES:
        for sizes in SIZES:
            yield from weighted_cases(rng, dtype, *sizes)
    for kernel, extra in (("", ()), ("_grad", (Scratch(None, 0),))):
        arguments = (DTYPE, None, None, None, 3, -1, 2, None, *extra)
        yield Case(f"octree_interpolate{kernel}", *arguments, label="-1 octants", status=INVALID_ARGUMENT)


def table_case(xyz, row_splits, keys, depth, mode, label: str, status: int = 0) -> Case:
    n = len(xyz)
    sizes = (n, len(row_splits) - 1, In(keys), len(keys), int32(depth), int32(mode))
    arguments = (In(xyz), In(np.asarray(row_splits, np.int32)), *sizes, Out((n, 8)), Out((n, 8), np.float32), STATUS)
    return Case("octree_interpolation_table", *arguments, label=label, status=status)


def table_cases(rng) -> Iterator[Case]:
    for sizes, depth in (((1,), 2), ((3, 1), 4), ((260, 1, 37), 6), ((40, 9), 16)):
        b = batch(rng, sizes, depth, 1)
        b.xyz[:1] = 1  # a corner of the box
        for mode in EDGE_MODES:
            yield table_case(b.xyz, b.row_splits, octants_of(b), depth, mode, f"{b.label}, edge mode {mode}")
    whole = np.concatenate([np.arange(8), np.arange(8) + (2 << 48)])  # shape 1 has no octants
    xyz = rng.uniform(-1, 1, (90, 3)).astype(np.float32)
    yield table_case(xyz, [0, 30, 60, 90], whole, 1, 0, "a shape without octants")
    yield table_case(xyz, [0, 0, 90, 90], whole, 1, 0, "shapes without points")
    yield table_case(xyz, [0, 90], whole[:0], 1, 0, "no octants")
    yield table_case(xyz[:0], [0, 0], whole, 1, 0, "no points")
    for wrong in ([0, 89], [1, 90], [0, 60, 50, 90], [0, 2**30, 90]):
        yield table_case(xyz, wrong, whole, 1, 0, f"row_splits {wrong}")
    yield table_case(xyz[:0], [0, 3], whole, 1, 0, "row_splits beyond no points")
    for value in (np.nan, np.inf, -np.inf):
        damaged = xyz.copy()
        damaged[77, 2] = value
        yield table_case(damaged, [0, 90], whole, 1, 0, f"{value} in a coordinate")
    yield nowhere_case()
    for depth, mode, keys in ((0, 0, whole), (17, 0, whole), (1, 2, whole), (1, 0, whole[:7])):
        yield table_case(xyz, [0, 90], keys, depth, mode, "refused", status=INVALID_ARGUMENT)


def nowhere_case() -> Case:
    """Two points at the center of an octant, a third whose coordinate is no number; nobody asks for the status."""
    xyz = np.float32([[0.5, 0.5, 0.5], [0.5, np.nan, 0.5], [0.5, 0.5, -0.5]])
    index, weight = np.full((3, 8), -1), np.zeros((3, 8), np.float32)
    index[0, 0], index[2, [0, 1]] = 7, (6, 7)
    weight[[0, 2], 0] = 1
    arguments = (In(xyz), In(np.int32([0, 3])), 3, 1, In(np.arange(8)), 8, int32(1), int32(0))
    arguments += (Out((3, 8)), Out((3, 8), np.float32), None)
    label = "NaN, no status"
    return Case("octree_interpolation_table", *arguments, label=label, expected=[index, weight])


def weighted_cases(rng, dtype: str, points: int, octants: int, channels: int) -> Iterator[Case]:
    """Tables that hit few octants often, others never, with missing corners and indices out of range."""
    index = rng.integers(-1, max(octants // 2, 1), (points, 8)) if octants else np.full((points, 8), -1)
    weight = dyadic(rng, points, 8).astype("float64" if dtype == "float64" else "float32")
    far = (octants, -2, 2**31 - 1, -(2**31))
    wrong = np.where(index < 0, rng.choice(far, index.shape), index).astype(np.int32)
    index = index.astype(np.int32)
    x, y = dyadic(rng, octants, channels), dyadic(rng, points, channels)
    for label, table in (("", In(index)), (", wrong indices", In(wrong, cpu=index))):
        options = {"dtype": dtype, "label": f"{points} points, {octants} octants x {channels}{label}"}
        arguments = (table, In(weight), points, octants, channels)
        yield Case("octree_interpolate", DTYPE, Values(x), *arguments, Result(y.shape), **options)
        arguments += (Result(x.shape), grad_memory(points, octants))
        yield Case("octree_interpolate_grad", DTYPE, Values(y), *arguments, **options)


def grad_memory(points: int, octants: int) -> Scratch:
    return Scratch(None, Ask("ocnn_octree_interpolate_grad_cuda_workspace_bytes", (points, octants)))


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    b = batch(rng, (12_000,) * 8, 6, 2)
    keys = octants_of(b)
    octants, points, channels = len(keys), b.points, LARGE_CHANNELS
    yield Timing(table_case(b.xyz, b.row_splits, keys, 6, 0, b.label), bytes=76 * points + octants)
    # Of the eight corners about half exist, near each other in memory for points of one octant.
    base = 8 * np.searchsorted(keys[::8], ancestors(b.keys, 1) << 3, "left").clip(0, octants // 8 - 1)
    index = (base[:, None] + rng.integers(0, 8, (points, 8))).astype(np.int32)
    weight = rng.random((points, 8), np.float32)
    for dtype in ("float32", "float16"):
        size, options = stored_type(dtype).itemsize, {"dtype": dtype, "label": f"{points} of {octants} x {channels}"}
        x, y = (Values(rng.standard_normal((n, channels), np.float32)) for n in (octants, points))
        moved = channels * size * (points + octants) + 64 * points
        arguments = (In(index), In(weight), points, octants, channels)
        case = Case("octree_interpolate", DTYPE, x, *arguments, Result((points, channels)), **options)
        yield Timing(case, bytes=moved, flops=16 * points * channels)
        arguments += (Result((octants, channels)), grad_memory(points, octants))
        case = Case("octree_interpolate_grad", DTYPE, y, *arguments, **options)
        yield Timing(case, bytes=moved, flops=16 * points * channels)
