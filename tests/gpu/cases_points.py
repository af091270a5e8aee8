"""Cases of the kernels/points CUDA kernels."""

import ctypes
from collections.abc import Iterator

import numpy as np

from gpu.case import (
    DTYPE,
    ELEMENT_TYPES,
    INVALID_ARGUMENT,
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

L1, L2 = int32(1), int32(2)
NO_NORM = int32(3)
OUT_OF_RANGE = (-2, 2**31 - 1, -(2**31))

# Points of each shape, and queries of each: none, one, odd, several blocks, blocks that several shapes share.
BATCHES = (((1,), (1,)), ((0, 3), (2, 5)), ((70, 0, 1, 130), (1, 3, 0, 63)), ((33,) * 7, (9,) * 7), ((5,), (0,)))
GATHERS = ((0, 3, 5), (7, 0, 5), (1, 1, 1), (300, 37, 33), (61, 400, 8), (40, 9, 0))  # rows, points, channels
MAXIMA = ((0, 4, 9, 3), (3, 0, 9, 3), (1, 1, 1, 1), (37, 5, 60, 33), (200, 16, 300, 4))  # queries, neighbors, ...

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
    for dtype in ELEMENT_TYPES:
        for sizes in GATHERS:
            yield from gather_cases(rng, dtype, *sizes)
        for sizes in MAXIMA:
            yield from max_cases(rng, dtype, *sizes)
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


def damaged(rng, index: np.ndarray, limit: int) -> In:
    """Some entries -1, some out of range, which only the GPU is to take for -1."""
    missing, wrong = rng.random(index.shape) < 0.1, rng.random(index.shape) < 0.2
    kept = np.where(missing | wrong, -1, index).astype(np.int32)
    return In(np.where(wrong, rng.choice([limit, *OUT_OF_RANGE], index.shape), kept).astype(np.int32), cpu=kept)


def random_index(rng, shape, limit: int) -> np.ndarray:
    return rng.integers(0, max(limit, 1), shape).astype(np.int32) - (limit == 0)


def gather_cases(rng, dtype: str, rows: int, points: int, channels: int) -> Iterator[Case]:
    options = {"dtype": dtype, "label": f"{rows} of {points} x {channels}"}
    index, sizes = damaged(rng, random_index(rng, rows, points), points), (rows, points, channels)
    x = Values(dyadic(rng, points, channels))
    yield Case("gather_rows", DTYPE, x, index, *sizes, Result((rows, channels)), **options)
    grad_y, memory = Values(dyadic(rng, rows, channels)), grad_memory("gather_rows", rows, points)
    yield Case("gather_rows_grad", DTYPE, grad_y, index, *sizes, Result((points, channels)), memory, **options)


def grad_memory(kernel: str, *sizes: int) -> Scratch:
    return Scratch(None, Ask(f"ocnn_{kernel}_grad_cuda_workspace_bytes", sizes))


def max_cases(rng, dtype: str, queries: int, neighbors: int, points: int, channels: int) -> Iterator[Case]:
    options = {"dtype": dtype, "label": f"{queries} x {neighbors} of {points} x {channels}"}
    shape = (queries, channels)
    x = dyadic(rng, points, channels)  # many equal values
    x[rng.random(x.shape) < 0.05] = np.nan
    index = damaged(rng, random_index(rng, (queries, neighbors), points), points)
    sizes = (queries, neighbors, points, channels)
    yield Case("neighbor_max", DTYPE, Values(x), index, *sizes, Result(shape), Out(shape), **options)
    grad_y, source = Values(dyadic(rng, *shape)), damaged(rng, random_index(rng, shape, points), points)
    sizes, memory = (queries, points, channels), grad_memory("neighbor_max", queries, points, channels)
    yield Case("neighbor_max_grad", DTYPE, grad_y, source, *sizes, Result((points, channels)), memory, **options)


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
    small = Scratch(None, 16)
    sizes = (100, 50, 4)
    index, grad_y, grad_x = In(np.zeros(100, np.int32)), Values(np.zeros((100, 4))), Result((50, 4))
    options |= {"label": "refused: too small a workspace", "expected": []}
    yield Case("gather_rows_grad", DTYPE, grad_y, index, *sizes, grad_x, small, **options)
    source = In(np.zeros((100, 4), np.int32))
    yield Case("neighbor_max_grad", DTYPE, grad_y, source, *sizes, grad_x, small, **options)


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
    for dtype in ("float32", "float16"):
        yield from gather_timings(rng, dtype)


def gather_timings(rng, dtype: str) -> Iterator[Timing]:
    points, neighbors, channels = SHAPES * POINTS, 16, 64
    rows, size = points * neighbors, stored_type(dtype).itemsize
    options = {"dtype": dtype, "label": f"{points} x {neighbors} x {channels}"}
    index = random_index(rng, rows, points)
    x, y = rng.standard_normal((points, channels), np.float32), rng.standard_normal((rows, channels), np.float32)
    moved = (rows + points) * channels * size + 4 * rows
    sizes = (rows, points, channels)
    case = Case("gather_rows", DTYPE, Values(x), In(index), *sizes, Result(y.shape), **options)
    yield Timing(case, bytes=moved)
    memory = grad_memory("gather_rows", rows, points)
    case = Case("gather_rows_grad", DTYPE, Values(y), In(index), *sizes, Result(x.shape), memory, **options)
    yield Timing(case, bytes=moved)
    sizes = (points, neighbors, points, channels)
    table = In(index.reshape(points, neighbors))
    case = Case("neighbor_max", DTYPE, Values(x), table, *sizes, Result(x.shape), Out(x.shape), **options)
    yield Timing(case, bytes=points * channels * (2 * size + 4) + 4 * rows)
    source, sizes = random_index(rng, x.shape, points), (points, points, channels)
    memory = grad_memory("neighbor_max", *sizes)
    case = Case("neighbor_max_grad", DTYPE, Values(x), In(source), *sizes, Result(x.shape), memory, **options)
    yield Timing(case, bytes=points * channels * (2 * size + 4))
