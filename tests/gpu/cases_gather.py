"""Cases of the kernels/gather CUDA kernels."""

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
    stored_type,
)

OUT_OF_RANGE = (-2, 2**31 - 1, -(2**31))

# None, one, odd, several blocks of threads; rows of whole packs of 16 bytes and others.
GATHERS = ((0, 3, 5), (7, 0, 5), (1, 1, 1), (300, 37, 33), (61, 400, 8), (40, 9, 0))  # rows, points, channels
MAXIMA = ((0, 4, 9, 3), (3, 0, 9, 3), (1, 1, 1, 1), (37, 5, 60, 33), (200, 16, 300, 4))  # queries, neighbors, ...
WEIGHTED = ((0, 8, 8, 3), (1, 8, 1, 1), (5, 8, 0, 4), (37, 8, 40, 33), (130, 8, 8, 8), (300, 8, 512, 24), (3, 8, 8, 0))
WEIGHTED += ((4, 0, 8, 3), (37, 3, 40, 33), (130, 3, 8, 8), (70, 30, 300, 16))  # other numbers of neighbors

POINTS, NEIGHBORS, CHANNELS = 80_000, 16, 64  # timings: a batch of the network


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in ELEMENT_TYPES:
        for sizes in GATHERS:
            yield from gather_cases(rng, dtype, *sizes)
        for sizes in MAXIMA:
            yield from max_cases(rng, dtype, *sizes)
        for sizes in WEIGHTED:
            yield from weighted_cases(rng, dtype, *sizes)
    yield from refused_cases()


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


def weighted_cases(rng, dtype: str, queries: int, neighbors: int, points: int, channels: int) -> Iterator[Case]:
    """Tables that hit few rows often, others never, with missing entries and indices out of range."""
    options = {"dtype": dtype, "label": f"{queries} x {neighbors} of {points} x {channels}"}
    table = damaged(rng, random_index(rng, (queries, neighbors), (points + 1) // 2), points)
    weight = In(dyadic(rng, queries, neighbors).astype("float64" if dtype == "float64" else "float32"))
    arguments = (table, weight, queries, neighbors, points, channels)
    x, y = Values(dyadic(rng, points, channels)), Values(dyadic(rng, queries, channels))
    yield Case("weighted_gather", DTYPE, x, *arguments, Result((queries, channels)), **options)
    arguments += (Result((points, channels)), grad_memory("weighted_gather", queries, neighbors, points))
    yield Case("weighted_gather_grad", DTYPE, y, *arguments, **options)


def refused_cases() -> Iterator[Case]:
    options = {"status": INVALID_ARGUMENT, "label": "refused: too small a workspace", "expected": []}
    small = Scratch(None, 16)
    sizes = (100, 50, 4)
    index, grad_y, grad_x = In(np.zeros(100, np.int32)), Values(np.zeros((100, 4))), Result((50, 4))
    yield Case("gather_rows_grad", DTYPE, grad_y, index, *sizes, grad_x, small, **options)
    source = In(np.zeros((100, 4), np.int32))
    yield Case("neighbor_max_grad", DTYPE, grad_y, source, *sizes, grad_x, small, **options)
    table = (In(np.zeros((100, 3), np.int32)), In(np.zeros((100, 3), np.float32)))
    yield Case("weighted_gather_grad", DTYPE, grad_y, *table, 100, 3, 50, 4, grad_x, small, **options)
    for kernel, extra in (("", ()), ("_grad", (Scratch(None, 0),))):
        arguments = (DTYPE, None, None, None, 3, 8, -1, 2, None, *extra)
        yield Case(f"weighted_gather{kernel}", *arguments, label="-1 rows", status=INVALID_ARGUMENT)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    for dtype in ("float32", "float16"):
        yield from gather_timings(rng, dtype)
        for neighbors in (8, 3):
            yield from weighted_timings(rng, dtype, neighbors)


def gather_timings(rng, dtype: str) -> Iterator[Timing]:
    points, neighbors, channels = POINTS, NEIGHBORS, CHANNELS
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


def weighted_timings(rng, dtype: str, neighbors: int) -> Iterator[Timing]:
    """The neighbors of a point are near each other in memory, about half of them exist."""
    queries, points, channels, size = POINTS, POINTS, CHANNELS, stored_type(dtype).itemsize
    options = {"dtype": dtype, "label": f"{queries} x {neighbors} of {points} x {channels}"}
    index = np.sort(rng.integers(0, points - 8, queries))[:, None] + rng.integers(0, 8, (queries, neighbors))
    index = np.where(rng.random(index.shape) < 0.5, index, -1).astype(np.int32)
    weight = rng.random(index.shape, np.float32)
    x, y = (Values(rng.standard_normal((n, channels), np.float32)) for n in (points, queries))
    moved, flops = channels * size * (points + queries) + 8 * index.size, 2 * index.size * channels
    arguments = (In(index), In(weight), queries, neighbors, points, channels)
    case = Case("weighted_gather", DTYPE, x, *arguments, Result((queries, channels)), **options)
    yield Timing(case, bytes=moved, flops=flops)
    arguments += (Result((points, channels)), grad_memory("weighted_gather", queries, neighbors, points))
    case = Case("weighted_gather_grad", DTYPE, y, *arguments, **options)
    yield Timing(case, bytes=moved, flops=flops)
