"""Cases of the octree convolution's CUDA kernels."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gpu.case import (
    DTYPE,
    ELEMENT_TYPES,
    INVALID_ARGUMENT,
    Ask,
    Case,
    In,
    Result,
    Scratch,
    Timing,
    Values,
    dyadic,
    int32,
    round_to,
    stored_type,
    widen,
)

TF32 = 4  # of ocnn_dtype: float32 in memory, a choice of the caller

# float32 units in the last place, a quarter of what one of TF32 is: of positive factors, those rounded up and down make
# up for each other in a sum, while cutting bits off (which tensor cores do to factors nobody has rounded) adds up.
TF32_ULPS = 2.0**11

# Units in the last place by which a result of random numbers may be off. Half types: sums are of float32, so rounding
# the result is all there is. The others: some hundred roundings, up and down, of sums no larger than the largest.
RANDOM_ULPS = {"float32": 8, "float64": 8, "float16": 1, "bfloat16": 1}


@dataclass(frozen=True)
class Sizes:
    num_in: int
    num_out: int
    kernel: int
    cin: int
    cout: int

    def __str__(self) -> str:
        return f"{self.num_in} -> {self.num_out} x {self.kernel}, {self.cin} -> {self.cout}"

    def arguments(self) -> tuple:
        return (self.num_in, self.num_out, int32(self.kernel), int32(self.cin), int32(self.cout))


# None, one, odd ones; rows that copies of 16 bytes fit, and not; several tiles of rows and of columns, several slices.
SIZES = (
    Sizes(0, 0, 27, 3, 5),
    Sizes(0, 4, 27, 2, 3),
    Sizes(1, 1, 27, 1, 1),
    Sizes(90, 133, 7, 4, 33),
    Sizes(200, 150, 4, 40, 64),
    Sizes(70, 260, 3, 17, 72),
    Sizes(50, 2600, 2, 8, 9),
)
RANDOM = Sizes(300, 140, 9, 24, 40)
NETWORK = Sizes(60_000, 60_000, 27, 64, 64)  # timings: a layer of a batch at depth 6


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for dtype in ELEMENT_TYPES:
        for sizes in SIZES:
            yield from exact_cases(rng, dtype, sizes)
        yield from random_cases(rng, dtype)
    yield from tf32_cases(rng)
    yield from refused_cases()


def neighbor_table(rng: np.random.Generator, sizes: Sizes) -> np.ndarray:
    """neighbors [num_out, kernel]: a third missing, the last cell and the middle of the others for whole tiles."""
    table = rng.integers(0, max(sizes.num_in, 1), (sizes.num_out, sizes.kernel))
    table[rng.random(table.shape) < (1 / 3 if sizes.num_in else 2)] = -1
    table[:128, sizes.kernel // 2 :: 5] = -1
    table[:, 1:][:, -1:] = -1
    return table.astype(np.int32)


def damage(rng: np.random.Generator, table: np.ndarray, num_in: int) -> np.ndarray:
    """The table with indices out of range where it says missing."""
    return np.where(table < 0, rng.choice([-1, -2, num_in, 2**31 - 1, -(2**31)], table.shape), table).astype(np.int32)


def grad_scratch(dtype: int, cpu_dtype: int, sizes: Sizes) -> Scratch:
    arguments = (sizes.num_out, sizes.kernel, sizes.cin, sizes.cout)
    name = "ocnn_octree_conv_grad_weights"
    return Scratch(
        Ask(f"{name}_workspace_bytes", (cpu_dtype, *arguments)),
        Ask(f"{name}_cuda_workspace_bytes", (dtype, *arguments)),
    )


def conv_case(dtype: str, number, sizes: Sizes, x, weights, neighbors: In, ulps: float, **options) -> Case:
    """number: the ocnn_dtype."""
    arguments = (number, Values(x), Values(weights), neighbors, *sizes.arguments())
    return Case("octree_conv", *arguments, Result((sizes.num_out, sizes.cout), ulps), dtype=dtype, **options)


def grad_case(dtype: str, number, sizes: Sizes, x, grad_y, neighbors: In, ulps: float, **options) -> Case:
    code = ELEMENT_TYPES.index(dtype) if number is DTYPE else number.value
    scratch = grad_scratch(code, ELEMENT_TYPES.index("float64" if dtype == "float64" else "float32"), sizes)
    arguments = (number, Values(x), Values(grad_y), neighbors, *sizes.arguments())
    result = Result((sizes.kernel, sizes.cin, sizes.cout), ulps)
    return Case("octree_conv_grad_weights", *arguments, result, scratch, dtype=dtype, **options)


def exact_cases(rng, dtype: str, sizes: Sizes, number=DTYPE) -> Iterator[Case]:
    """Numbers whose sums are exact in whatever order: bit for bit what the CPU says, missing neighbors in every way."""
    x, weights = dyadic(rng, sizes.num_in, sizes.cin), dyadic(rng, sizes.kernel, sizes.cin, sizes.cout)
    table, grad_y = neighbor_table(rng, sizes), dyadic(rng, sizes.num_out, sizes.cout)
    neighbors = In(damage(rng, table, sizes.num_in), cpu=table)
    options = {"label": f"{sizes} {'' if number is DTYPE else 'tf32'}"}
    if number is not DTYPE:  # the CPU twin knows no TF32
        options["expected"] = [convolve(x, weights, table)]
    yield conv_case(dtype, number, sizes, x, weights, neighbors, 0, **options)
    if number is not DTYPE:
        options["expected"] = [gradient(x, grad_y, table)]
    yield grad_case(dtype, number, sizes, x, grad_y, neighbors, 0, **options)


def gather(x: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.zeros((1, x.shape[1]))])[table]


def convolve(x: np.ndarray, weights: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.einsum("mki,kij->mj", gather(x, table), weights, optimize=True)


def gradient(x: np.ndarray, grad_y: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.einsum("mki,mj->kij", gather(x, table), grad_y, optimize=True)


def rounded(rng: np.random.Generator, dtype: str, *shape: int, positive: bool = False) -> np.ndarray:
    """Random numbers of the element type, as float64."""
    numbers = 0.5 + rng.random(shape) if positive else rng.standard_normal(shape)
    return widen(dtype, round_to(dtype, numbers)).astype(np.float64)


def random_cases(rng, dtype: str, number=DTYPE, ulps: float | None = None) -> Iterator[Case]:
    """Against float64 sums of the same, rounded factors."""
    draw = functools.partial(rounded, rng, dtype, positive=number is not DTYPE)
    sizes, options = RANDOM, {"label": f"{RANDOM} random {'' if number is DTYPE else 'tf32'}"}
    ulps = RANDOM_ULPS[dtype] if ulps is None else ulps
    x, weights = draw(sizes.num_in, sizes.cin), draw(sizes.kernel, sizes.cin, sizes.cout)
    table, grad_y = neighbor_table(rng, sizes), draw(sizes.num_out, sizes.cout)
    expected = [convolve(x, weights, table)]
    yield conv_case(dtype, number, sizes, x, weights, In(table), ulps, expected=expected, **options)
    expected = [gradient(x, grad_y, table)]
    yield grad_case(dtype, number, sizes, x, grad_y, In(table), ulps, expected=expected, **options)


def tf32_cases(rng) -> Iterator[Case]:
    yield from exact_cases(rng, "float32", SIZES[3], int32(TF32))
    yield from random_cases(rng, "float32", int32(TF32), TF32_ULPS)


def refused_cases() -> Iterator[Case]:
    sizes = Sizes(4, 4, 3, 2, 2)
    for wrong in (Sizes(4, -1, 3, 2, 2), Sizes(-1, 4, 3, 2, 2), Sizes(4, 4, 0, 2, 2), Sizes(4, 4, 3, 0, 2)):
        arguments = (DTYPE, None, None, None, *wrong.arguments(), None)
        options = {"label": str(wrong), "status": INVALID_ARGUMENT}
        yield Case("octree_conv", *arguments, **options)
        yield Case("octree_conv_grad_weights", *arguments, Scratch(1 << 20, 1 << 20), **options)
    unknown = (int32(9), None, None, None, *sizes.arguments(), None)
    options = {"label": "unknown type", "status": INVALID_ARGUMENT}
    yield Case("octree_conv", *unknown, **options)
    yield Case("octree_conv_grad_weights", *unknown, Scratch(1 << 20, 1 << 20), **options)
    arguments = (DTYPE, None, None, None, *Sizes(4, 40_000, 3, 2, 2).arguments(), None)
    options["label"] = "too small a workspace"
    yield Case("octree_conv_grad_weights", *arguments, Scratch(8, 8), **options)


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    sizes = NETWORK
    table = np.arange(sizes.num_out)[:, None] + rng.integers(-400, 400, (1, sizes.kernel))  # near in the order of keys
    table[(rng.random(table.shape) < 0.55) | (table < 0) | (table >= sizes.num_in)] = -1
    neighbors = In(table.astype(np.int32))
    flops = 2 * int((table >= 0).sum()) * sizes.cin * sizes.cout
    x = rng.standard_normal((sizes.num_in, sizes.cin), np.float32)
    weights = rng.standard_normal((sizes.kernel, sizes.cin, sizes.cout), np.float32)
    grad_y = rng.standard_normal((sizes.num_out, sizes.cout), np.float32)
    for dtype, number, rate in (
        ("float32", DTYPE, "fp32"),
        ("float32", int32(TF32), "tf32"),
        ("float16", DTYPE, "fp16"),
    ):
        size = stored_type(dtype).itemsize
        moved = table.size * 4 + size * (x.size + weights.size + grad_y.size)
        options = {"label": f"{sizes} {rate}"}
        case = conv_case(dtype, number, sizes, x, weights, neighbors, 0, **options)
        yield Timing(case, bytes=moved, flops=flops, ceiling=rate)
        case = grad_case(dtype, number, sizes, x, grad_y, neighbors, 0, **options)
        yield Timing(case, bytes=moved, flops=flops, ceiling=rate)
