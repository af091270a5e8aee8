"""Cases of the CUDA kernels of kernels/octree/interpolate.h."""

from collections.abc import Iterator

import numpy as np

from gpu.case import INVALID_ARGUMENT, STATUS, Case, In, Out, Timing, int32
from gpu.cases_octree_build import Batch, ancestors, batch

EDGE_MODES = (0, 1)


def octants_of(b: Batch) -> np.ndarray:
    """The keys of a batch's finest layer: all eight children of every octant with points in it."""
    return (8 * np.unique(ancestors(b.keys, 1))[:, None] + np.arange(8)).ravel()


def table_case(xyz, row_splits, keys, depth, mode, label: str, status: int = 0) -> Case:
    n = len(xyz)
    sizes = (n, len(row_splits) - 1, In(keys), len(keys), int32(depth), int32(mode))
    arguments = (In(xyz), In(np.asarray(row_splits, np.int32)), *sizes, Out((n, 8)), Out((n, 8), np.float32), STATUS)
    return Case("octree_interpolation_table", *arguments, label=label, status=status)


def cases(rng: np.random.Generator) -> Iterator[Case]:
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


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    b = batch(rng, (12_000,) * 8, 6, 2)
    keys = octants_of(b)
    yield Timing(table_case(b.xyz, b.row_splits, keys, 6, 0, b.label), bytes=76 * b.points + len(keys))
