"""Cases of the kernels/clustering CUDA kernels."""

from collections.abc import Iterator

import numpy as np

from gpu.case import INVALID_ARGUMENT, Ask, Case, In, Out, Scratch, Timing, int32

MAX_ITERATIONS = 300
SPREADS = (0.02, 0.05, 0.15)  # of clusters; the bandwidth is 0.1

# Around these numbers of points the search takes another way: no tree, a leaf, several, more than a warp tests at once.
SIZES = (0, 1, 3, 11, 12, 0, 13, 61, 62, 121, 500)
MANY = 2_300


def blobs(rng, points: int, d: int, spread: float) -> np.ndarray:
    centers = rng.uniform(-0.7, 0.7, (rng.integers(1, 20), d))
    return centers[rng.integers(len(centers), size=points)] + rng.normal(0, spread, (points, d))


def splits_of(sizes) -> np.ndarray:
    return np.cumsum([0, *sizes]).astype(np.int64)


def shift_case(points: np.ndarray, splits: np.ndarray, bandwidth, iterations: int = MAX_ITERATIONS, **options):
    """`bandwidth`: of all regions, or of each."""
    points, regions = points.astype(np.float32), len(splits) - 1
    sizes = (*points.shape[:1], regions, int32(points.shape[1]))
    memory = options.pop("memory", Scratch(None, Ask("ocnn_mean_shift_cuda_workspace_bytes", sizes)))
    settings = (In(np.array(np.broadcast_to(bandwidth, [regions]), np.float64)), int32(iterations))
    outputs = (Out(len(points)), Out(points.shape, np.float32), Out(regions, np.int64))
    return Case("mean_shift", In(points), In(splits), *sizes, *settings, *outputs, memory, **options)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for d in (1, 2, 3, 5):
        parts = [blobs(rng, size, d, rng.choice(SPREADS)) for size in SIZES]
        bandwidth = 0.1 if d < 5 else 0.3
        yield shift_case(np.concatenate(parts), splits_of(SIZES), bandwidth, label=f"{len(SIZES)} regions, d {d}")
    points = blobs(rng, MANY, 3, 0.05)
    yield shift_case(points, splits_of((MANY,)), 0.1, label=f"{MANY} points")
    yield shift_case(points[:600], splits_of((200, 0, 300, 100)), [0.05, 0.1, 0.2, 0.4], label="bandwidth by region")
    yield shift_case(blobs(rng, 1_500, 1, 0.02), splits_of((1_500,)), 0.1, label="sums of hundreds in d 1")
    for iterations in (0, 2):
        options = {"iterations": iterations, "label": f"{iterations} iterations"}
        yield shift_case(points[:400], splits_of((150, 250)), 0.1, **options)
    yield from high_cases(rng)
    yield from tie_cases(rng)
    yield from wrong_cases(rng)
    yield shift_case(points[:0], splits_of(()), 0.1, label="no region")


def high_cases(rng) -> Iterator[Case]:
    """Many dimensions; seeds without a point among them, for the corners of their cells are too far."""
    for d in (8, 16, 40):
        bandwidth = 0.1 * d**0.5
        centers = rng.integers(-2, 3, (6, d)) * bandwidth
        points = centers[rng.integers(6, size=150)] + rng.normal(0, 0.05, (150, d))
        yield shift_case(points, splits_of((70, 80)), bandwidth, label=f"d {d}")
    corner = np.array([[0.49] * 8, [0.48] * 8])
    yield shift_case(corner, splits_of((2,)), 1.0, label="seed without a point")


def tie_cases(rng) -> Iterator[Case]:
    """Points on a grid whose spacing divides the bandwidth: distances equal to it, equal counts, equal distances, one
    center with differing counts; equal points; a full grid, half of it centers, the other half between four of them."""
    sizes = (1, 20, 50, 99, 99)
    for d, width in ((1, 7), (2, 5), (3, 3)):
        for bandwidth, step in ((0.25, 0.25), (1.0, 0.25), (0.1, 0.05), (1e15, 5e14), (1e-25, 1e-25)):
            points = rng.integers(-width, width + 1, (sum(sizes), d)) * step
            label = f"grid of {step} in {d} dimensions, bandwidth {bandwidth}"
            yield shift_case(points, splits_of(sizes), bandwidth, label=label)
    points = rng.integers(-4, 5, (600, 1)) * 0.5
    yield shift_case(points, splits_of((15,) * 40), 1.0, iterations=0, label="one step on a grid")
    yield shift_case(np.full((130, 3), 0.7), splits_of((50, 80)), 0.1, label="equal points")
    grid = np.stack(np.meshgrid(*[np.arange(24)] * 2), axis=-1).reshape(-1, 2) / 4
    yield shift_case(grid, splits_of((len(grid),)), 0.25, label="full grid")
    yield shift_case(killer(rng, 2_000)[:, None], splits_of((2_000,)), 0.003, label="the median's worst case")


def killer(rng, count: int) -> np.ndarray:
    """Numbers so arranged that quickselect takes too long for their median: an adversary decides on their order when it
    must, and always makes the pivot one of the least that are left. The others come in any order."""
    undecided = np.inf
    values, decided = [undecided] * count, 0
    items = list(range(count))

    def decide(item: int) -> None:
        nonlocal decided
        values[item] = decided
        decided += 1

    first, last, nth = 0, count, count // 2
    for _ in range(2 * (count.bit_length() - 1)):
        if last - first <= 3:
            break
        a, b, c = first + 1, first + (last - first) // 2, last - 1
        undecided_ones = [i for i in (a, b) if values[items[i]] == undecided]
        for i in undecided_ones:
            decide(items[i])
        pivot = sorted((a, b, c), key=lambda i: (values[items[i]], items[i]))[1]
        items[first], items[pivot] = items[pivot], items[first]
        first, last = partition(items, values, first, last, nth)
    for item in rng.permutation(count):
        if values[item] == undecided:
            decide(item)
    return np.array(values) / count


def partition(items: list, values: list, first: int, last: int, nth: int) -> tuple[int, int]:
    """One step of quickselect with the pivot in front: the part that holds the place `nth`."""

    def key(i: int) -> tuple:
        return values[items[i]], items[i]

    pivot, low, high = key(first), first + 1, last
    while True:
        while key(low) < pivot:
            low += 1
        high -= 1
        while pivot < key(high):
            high -= 1
        if low >= high:
            return (low, last) if low <= nth else (first, low)
        items[low], items[high] = items[high], items[low]
        low += 1


def wrong_cases(rng) -> Iterator[Case]:
    """NaN and infinity cost their own region alone; what is wrong is refused at once, or by -1 where it is found."""
    points = blobs(rng, 90, 3, 0.05).astype(np.float32)
    points[35, 1], points[70, 0] = np.nan, np.inf
    untouched = np.full(points.shape, 0x7F7F7F7F, np.int32).view(np.float32)
    center = untouched.copy()
    points[:20] = center[0] = 0.25
    expected = [np.where(np.arange(90) < 20, 0, -1), center, np.array([1, -1, -1])]
    yield shift_case(points, splits_of((20, 40, 30)), 0.1, label="NaN", expected=expected)
    for splits in ([0, 90, 40, 90], [1, 20, 60, 90], [0, 20, 60, 91], [0, -(2**40), 2**40, 90]):
        expected = [np.full(90, -1), untouched, np.full(3, -1)]
        yield shift_case(points, np.array(splits), 0.1, label="wrong splits", expected=expected)
    first = np.where(np.arange(90) < 20, 0, -1), center, np.array([1, -1, -1])
    clean = np.where(np.isfinite(points), points, 0)
    for wrong in (0.0, -0.1, np.nan, np.inf, 1e-46, 1e39):
        bandwidths = [0.1, wrong, wrong]
        yield shift_case(clean, splits_of((20, 40, 30)), bandwidths, label="no bandwidth", expected=list(first))
    options = {"status": INVALID_ARGUMENT, "label": "refused", "memory": Scratch(None, 1 << 20)}
    yield shift_case(points, splits_of((90,)), 0.1, iterations=-1, **options)
    yield shift_case(points[:, :0], splits_of((90,)), 0.1, **options)
    yield shift_case(points, splits_of(()), 0.1, **options)
    options["memory"] = Scratch(None, 16)
    yield shift_case(points, splits_of((90,)), 0.1, **options, expected=[])


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    """A batch of the network: regions of one class and level, shifted to their centers more or less well."""
    for spread in (0.02, 0.08):
        regions, size = 96, 2_500
        points = np.concatenate([blobs(rng, size, 3, spread) for _ in range(regions)])
        case = shift_case(points, splits_of((size,) * regions), 0.1, label=f"{regions} x {size}, spread {spread}")
        yield Timing(case, bytes=len(points) * 28)
