"""Cases of the kernels/octree CUDA kernels."""

from collections.abc import Iterator

import numpy as np

from gpu.case import DTYPE, ELEMENT_TYPES, INVALID_ARGUMENT, Case, In, Out, Result, Timing, Values, dyadic, stored_type

# Rows (octants or groups) and channels: none, one, odd, several blocks of threads.
SIZES = ((0, 3), (1, 1), (1, 7), (37, 33), (300, 8), (5, 0))
LARGE_GROUPS, LARGE_CHANNELS = 120_000, 64  # timings: more than a card's caches hold


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in ELEMENT_TYPES:
        for sizes in SIZES:
            yield from pool_cases(rng, dtype, *sizes)
            yield from depad_cases(rng, dtype, *sizes)
    for kernel in ("max_pool", "max_unpool", "max_pick"):
        yield Case(f"octree_{kernel}", DTYPE, None, *_pool_order(kernel, None, -1, 3, None), status=INVALID_ARGUMENT)


def _pool_order(kernel, mask, groups, channels, y) -> tuple:
    """The arguments after x: max_pool writes the mask, the others read it."""
    return (groups, channels, y, mask) if kernel == "max_pool" else (mask, groups, channels, y)


def pool_cases(rng, dtype: str, groups: int, channels: int) -> Iterator[Case]:
    label = f"{groups} groups x {channels}"
    fine, coarse = (8 * groups, channels), (groups, channels)
    x = dyadic(rng, *fine)  # many equal values
    x[rng.random(fine) < 0.02] = np.nan
    mask = (8 * np.arange(groups)[:, None] + rng.integers(0, 8, coarse)).astype(np.int32)
    arguments = (DTYPE, Values(x), groups, channels, Result(coarse), Out(coarse))
    yield Case("octree_max_pool", *arguments, label=label, dtype=dtype)
    arguments = (DTYPE, Values(dyadic(rng, *coarse)), In(mask), groups, channels, Result(fine))
    yield Case("octree_max_unpool", *arguments, label=label, dtype=dtype)
    arguments = (DTYPE, Values(x), In(mask), groups, channels, Result(coarse))
    yield Case("octree_max_pick", *arguments, label=label, dtype=dtype)
    yield from _wrong_masks(rng, dtype, x, mask)


def _wrong_masks(rng, dtype, x, mask) -> Iterator[Case]:
    """Masks that point out of their group, or nowhere: nothing goes there, zeros come back."""
    wrong = rng.random(mask.shape) < 0.3
    damaged = np.where(wrong, rng.choice([-1, 2**31 - 1, -(2**31), mask.size * 8], mask.shape), mask).astype(np.int32)
    groups, channels = mask.shape
    values = dyadic(rng, *mask.shape)
    row, column = np.nonzero(~wrong)
    fine = np.zeros(x.shape)
    fine[mask[row, column], column] = values[row, column]
    picked = np.zeros(mask.shape)
    picked[row, column] = x[mask[row, column], column]
    options = {"dtype": dtype, "label": f"{groups} groups x {channels}, wrong masks"}
    arguments = (DTYPE, Values(values), In(damaged), groups, channels, Result(fine.shape))
    yield Case("octree_max_unpool", *arguments, expected=[fine], **options)
    arguments = (DTYPE, Values(x), In(damaged), groups, channels, Result(mask.shape))
    yield Case("octree_max_pick", *arguments, expected=[picked], **options)


def children_of(rng, nodes: int) -> tuple[np.ndarray, int]:
    """children [nodes], about half of them empty, and the number of the others."""
    exists = rng.random(nodes) < 0.5
    return np.where(exists, np.cumsum(exists) - 1, -1).astype(np.int32), int(exists.sum())


def depad_cases(rng, dtype: str, nodes: int, channels: int) -> Iterator[Case]:
    children, nonempty = children_of(rng, nodes)
    empty = children < 0
    damaged = np.where(empty, rng.choice([-2, nonempty, 2**31 - 1, -(2**31)], nodes), children).astype(np.int32)
    for label, index in (("", In(children)), ("wrong children", In(damaged, cpu=children))):
        options = {"dtype": dtype, "label": f"{nodes} octants x {channels} {label}"}
        sizes = (nodes, nonempty, channels)
        x, y = Values(dyadic(rng, nodes, channels)), Result((nonempty, channels))
        yield Case("octree_depad", DTYPE, x, index, *sizes, y, **options)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    groups, channels = LARGE_GROUPS, LARGE_CHANNELS
    for dtype in ("float32", "float16"):
        size = stored_type(dtype).itemsize
        x = Values(rng.standard_normal((8 * groups, channels), np.float32))
        mask = In((8 * np.arange(groups)[:, None] + rng.integers(0, 8, (groups, channels))).astype(np.int32))
        coarse, fine = (groups, channels), (8 * groups, channels)
        options = {"dtype": dtype, "label": f"{8 * groups} x {channels}"}
        case = Case("octree_max_pool", DTYPE, x, groups, channels, Result(coarse), Out(coarse), **options)
        yield Timing(case, bytes=groups * channels * (9 * size + 4))
        values = Values(rng.standard_normal(coarse, np.float32))
        case = Case("octree_max_unpool", DTYPE, values, mask, groups, channels, Result(fine), **options)
        yield Timing(case, bytes=groups * channels * (9 * size + 4))
        case = Case("octree_max_pick", DTYPE, x, mask, groups, channels, Result(coarse), **options)
        yield Timing(case, bytes=groups * channels * (2 * size + 4))
        children, nonempty = children_of(rng, 8 * groups)
        sizes = (8 * groups, nonempty, channels)
        case = Case("octree_depad", DTYPE, x, In(children), *sizes, Result((nonempty, channels)), **options)
        yield Timing(case, bytes=2 * nonempty * channels * size + 32 * groups)
