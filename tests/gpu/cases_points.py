"""Cases of the kernels/points CUDA kernels."""

import ctypes
from collections.abc import Iterator

import numpy as np

from gpu.case import (
    INVALID_ARGUMENT,
    Case,
    In,
    Out,
    Scratch,
    Timing,
    dyadic,
    int32,
)

L1, L2 = int32(1), int32(2)
NO_NORM = int32(3)

# Points of each shape, and queries of each: none, one, odd, several blocks, blocks that several shapes share.
BATCHES = (((1,), (1,)), ((0, 3), (2, 5)), ((70, 0, 1, 130), (1, 3, 0, 63)), ((33,) * 7, (9,) * 7), ((5,), (0,)))

SHAPES, POINTS = 8, 10_000  # timings: a batch of the network


def splits_of(sizes) -> np.ndarray:
    return np.cumsum([0, *sizes]).astype(np.int32)


def beyond(splits: np.ndarray) -> np.ndarray:
    """The same splits but for ends that lead out of the rows."""
    wrong = splits.copy()
    wrong[0], wrong[-1] = -5, 2**31 - 1
    return wrong


def cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from sample_cases(rng)
    for sizes, queries in BATCHES:
        yield from search_cases(rng, sizes, queries)
    yield from nan_cases(rng)
    yield from refused_cases()


def sample_case(xyz: np.ndarray, splits: In, samples: int, **options) -> Case:
    shapes, points = len(splits.array) - 1, len(xyz)
    sizes = (points, shapes, samples, Scratch(4 * points, 4 * points, sized=False))
    return Case("farthest_points", In(xyz.astype(np.float32)), splits, *sizes, Out(shapes * samples), **options)


def sample_cases(rng) -> Iterator[Case]:
    """Up to where a shape no longer fits the registers of a block, which has three sizes to try before."""
    for sizes, samples in (((1,), 3), ((5, 1, 40), 17), ((2048, 2049), 6), ((5120, 5121), 3), ((10_241, 700), 4)):
        xyz, splits = dyadic(rng, sum(sizes), 3, levels=64), splits_of(sizes)
        for label, given in (("", In(splits)), ("wrong splits", In(beyond(splits), cpu=splits))):
            yield sample_case(xyz, given, samples, label=f"{samples} of {sizes} {label}")
    crowd = dyadic(rng, 600, 3, levels=1)  # 27 places: ties throughout, and fewer points than samples
    yield sample_case(crowd, In(splits_of((600,))), 40, label="40 of 27")
    expected = [np.array([-1, -1, 0, 0], np.int32)]
    yield sample_case(crowd[:1], In(splits_of((0, 1))), 2, label="no point", expected=expected)


def search_arguments(x, splits: In, queries, query_splits: In) -> tuple:
    shapes = len(splits.array) - 1
    x, queries = x.astype(np.float32), queries.astype(np.float32)
    return (In(x), splits, len(x), In(queries), query_splits, len(queries), shapes)


def ball_case(arguments: tuple, radius: float, neighbors: int, **options) -> Case:
    queries = arguments[5]
    outputs = (ctypes.c_float(radius), neighbors, Out((queries, neighbors)), Out(queries))
    return Case("ball_query", *arguments, *outputs, **options)


def nearest_case(arguments: tuple, norm: ctypes.c_int32, neighbors: int, **options) -> Case:
    channels, shape = arguments[0].array.shape[1], (arguments[5], neighbors)
    sizes = (channels, norm, neighbors)
    return Case("nearest_neighbors", *arguments, *sizes, Out(shape), Out(shape, np.float32), **options)


def search_cases(rng, sizes, queries) -> Iterator[Case]:
    splits, query_splits = splits_of(sizes), splits_of(queries)
    for wrong in (False, True):
        rows = In(beyond(splits), cpu=splits) if wrong else In(splits)
        query_rows = In(beyond(query_splits), cpu=query_splits) if wrong else In(query_splits)
        label = f"{queries} in {sizes}{', wrong splits' if wrong else ''}"
        xyz = search_arguments(dyadic(rng, sum(sizes), 3), rows, dyadic(rng, sum(queries), 3), query_rows)
        for radius, neighbors in ((0.5, 4), (1.25, 40), (0.1, 1)):
            yield ball_case(xyz, radius, neighbors, label=f"{label}: {neighbors} within {radius}")
        for channels, neighbors, norm in ((3, 3, L2), (17, 33, L2), (40, 70, L1), (1, 1, L1))[: 1 if wrong else None]:
            x, q = dyadic(rng, sum(sizes), channels), dyadic(rng, sum(queries), channels)
            arguments = search_arguments(x, rows, q, query_rows)
            options = {"label": f"{label}: {neighbors} in {channels} dimensions, norm {norm.value}"}
            yield nearest_case(arguments, norm, neighbors, **options)


def nan_cases(rng) -> Iterator[Case]:
    """Rows with NaN are near nothing, the query itself included; infinities are as far as what is missing. The sums
    of L1 take the same order on both, so that any number will do."""
    x = rng.standard_normal((90, 20))
    x[rng.random(90) < 0.2, 3] = np.nan
    x[7, 0] = np.inf
    splits = In(splits_of((25, 65)))
    yield nearest_case(search_arguments(x, splits, x, splits), L1, 30, label="NaN")


def refused_cases() -> Iterator[Case]:
    options = {"status": INVALID_ARGUMENT, "label": "refused"}
    splits, x = In(splits_of((2,))), np.zeros((2, 3))
    arguments = search_arguments(x, splits, x, splits)
    yield sample_case(x, splits, 0, **options)
    for radius, neighbors in ((0.0, 4), (float("nan"), 4), (1.0, 0)):
        yield ball_case(arguments, radius, neighbors, **options)
    for norm, neighbors in ((NO_NORM, 4), (L1, 0)):
        yield nearest_case(arguments, norm, neighbors, **options)
    empty = search_arguments(np.zeros((2, 0)), splits, np.zeros((2, 0)), splits)
    yield nearest_case(empty, L2, 1, **options)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    splits, samples = splits_of((POINTS,) * SHAPES), POINTS // 8
    xyz = rng.standard_normal((SHAPES * POINTS, 3), np.float32)
    label = f"{SHAPES} x {POINTS}"
    case = sample_case(xyz, In(splits), samples, label=f"{samples} of {label}")
    yield Timing(case, bytes=xyz.nbytes, flops=10 * samples * len(xyz), ceiling="fp32")
    queries, query_splits = xyz[::8], splits // 8
    arguments = search_arguments(xyz, In(splits), queries, In(query_splits))
    case = ball_case(arguments, 0.2, 64, label=f"64 for {len(queries)} in {label}")
    yield Timing(case, bytes=xyz.nbytes + len(queries) * 64 * 4, flops=9 * len(queries) * POINTS, ceiling="fp32")
    case = nearest_case(search_arguments(queries, In(query_splits), xyz, In(splits)), L2, 3, label=f"3 for {label}")
    yield Timing(case, bytes=len(xyz) * 36, flops=9 * len(xyz) * samples, ceiling="fp32")
    f = rng.standard_normal((SHAPES * POINTS, 128), np.float32)
    for norm in (L1, L2):
        arguments = search_arguments(f, In(splits), f, In(splits))
        case = nearest_case(arguments, norm, 30, label=f"30 for {label} x 128, norm {norm.value}")
        yield Timing(case, bytes=f.nbytes + len(f) * 240, flops=3 * 128 * len(f) * POINTS, ceiling="fp32")
