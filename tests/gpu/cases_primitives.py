"""Cases of kernels/cuda/primitives.h, through the entry points of probes.cu; NumPy says what is right."""

from collections.abc import Iterator

import numpy as np

from gpu.case import Ask, Case, In, Out, Scratch, Timing, int32

SIZES = (0, 1, 31, 257, 2048, 2049, 5000)
LARGE = 4_000_000


def scratch(name: str, count: int) -> Scratch:
    return Scratch(None, Ask(f"ocnn_{name}_workspace_bytes", (count,)))


def sort_case(rng, count: int, begin: int, end: int) -> Case:
    keys = rng.integers(0, 2**63, count, dtype=np.uint64)
    keys[: count // 2] = rng.choice(keys, count // 2) if count > 1 else keys[:0]  # equal keys keep their order
    values = rng.permutation(count).astype(np.int32)
    part = keys >> np.uint64(begin) & np.uint64(2 ** (end - begin) - 1)
    order = np.argsort(part, kind="stable")
    arguments = (In(keys), In(values), count, int32(begin), int32(end), Out(count, np.uint64), Out(count))
    memory = scratch("probe_sort_pairs", count)
    expected = [keys[order], values[order]]
    return Case("probe_sort_pairs", *arguments, memory, label=f"{count} bits {begin}-{end}", expected=expected)


def scan_case(rng, count: int) -> Case:
    x = rng.integers(-100, 100, count).astype(np.int32)
    wide = rng.integers(-(2**40), 2**40, count)
    memory = scratch("probe_scan", count)
    arguments = (In(x), In(wide), count, Out(count), Out(count), Out(count, np.int64), memory)
    expected = [np.cumsum(x) - x, np.cumsum(x), np.cumsum(wide) - wide]
    return Case("probe_scan", *arguments, label=str(count), expected=expected)


def reduce_case(rng, count: int) -> Case:
    x = rng.integers(-(2**31), 2**31, count).astype(np.int32)
    expected = [[x.sum(dtype=np.int64)], [x.max(initial=-(2**31))]]
    arguments = (In(x), count, Out(1, np.int64), Out(1), scratch("probe_reduce", count))
    return Case("probe_reduce", *arguments, label=str(count), expected=expected)


def group_case(rng, count: int, rows: int) -> Case:
    index = rng.integers(-1, rows + 1, count).astype(np.int32)  # some too low, some too high
    key = np.where((index >= 0) & (index < rows), index, rows)
    order = np.argsort(key, kind="stable")
    starts = np.searchsorted(key[order], np.arange(rows + 1))
    memory = scratch("probe_group_positions", count)
    arguments = (In(index), count, rows, Out(count), Out(rows + 1), memory)
    return Case("probe_group_positions", *arguments, label=f"{count} of {rows}", expected=[order, starts])


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for count in SIZES:
        yield sort_case(rng, count, 0, 64)
        yield sort_case(rng, count, 3, 20)
        yield scan_case(rng, count)
        yield reduce_case(rng, count)
        for rows in (0, 1, 40, 3000):
            yield group_case(rng, count, rows)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    yield Timing(sort_case(rng, LARGE, 0, 51), bytes=7 * 2 * 12 * LARGE)
    yield Timing(scan_case(rng, LARGE), bytes=4 * 12 * LARGE)
    yield Timing(reduce_case(rng, LARGE), bytes=2 * 4 * LARGE)
    yield Timing(group_case(rng, LARGE, LARGE // 8), bytes=3 * 2 * 12 * LARGE)
