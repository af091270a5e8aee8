"""Mean-shift on NumPy arrays, many regions at once, as scikit-learn's MeanShift(bandwidth, bin_seeding=True)."""

import ctypes
from typing import NamedTuple

import numpy as np

from ocnn_tf_ops.python.cuda_memory import CudaMemory, require_gpu
from ocnn_tf_ops.python.kernel_library import call_cancellable, call_kernel, thread_executor, workspace_bytes

MAX_ITERATIONS = 300
DEVICES = ("cpu", "cuda")
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


class Clusters(NamedTuple):
    """Clusters of all regions, one region after the other."""

    labels: np.ndarray  # [N] int32, cluster of each point, counted from 0 within its region
    centers: np.ndarray  # [clusters, D] float32, within a region the most populated one first
    row_splits: np.ndarray  # [R + 1] int64; region r owns the centers row_splits[r]:row_splits[r + 1]


def mean_shift(
    points: np.ndarray,
    row_splits: np.ndarray,
    bandwidth: float | np.ndarray,
    max_iterations: int = MAX_ITERATIONS,
    num_threads: int = 0,
    device: str = "cpu",
) -> Clusters:
    """Clusters each of R regions on its own by mean-shift with a flat kernel, all cores busy over all regions.

    Follows scikit-learn 1.9 in seeds (grid cells of size `bandwidth`), float32 arithmetic, stopping rule (a step of at
    most 0.001 * bandwidth), removal of close centers and labels (nearest center), and so finds the same partition.

    Args:
        points: [N, D] float32, finite, all regions one after the other. Up to 15 dimensions are searched by a tree,
            more by comparing all.
        row_splits: [R + 1] integers from 0 to N; region r owns the rows row_splits[r]:row_splits[r + 1]. Empty regions
            get no cluster.
        bandwidth: radius of the kernel, in the unit of the points, of all regions or of each [R]; a normal number in
            float32.
        max_iterations: per seed.
        num_threads: 0 = one a core. The result does not depend on it.
        device: "cpu", or "cuda": the current GPU, which finds the same.

    Raises:
        ValueError: NaN or infinity among the points, a bandwidth that is not positive and finite, no point of a region
            within the bandwidth of any seed (possible from 5 dimensions on), an unknown device, "cuda" without a GPU or
            in a build without the CUDA kernels, or more work (on the CPU) than 10^11 looks at a row, minutes of one
            core.
        KeyboardInterrupt: Ctrl-C ends the work on the CPU; a GPU finishes what it was given.
    """
    points = _checked_points(points)
    row_splits = _checked_splits(row_splits, len(points))
    bandwidths = _checked_bandwidths(bandwidth, len(row_splits) - 1)
    labels = np.empty(len(points), np.int32)
    centers = np.empty_like(points)
    counts = np.empty(len(row_splits) - 1, np.int64)
    results = (labels, centers, counts)
    sizes = (len(points), len(counts), ctypes.c_int32(points.shape[1]))
    limit = ctypes.c_int32(max_iterations)
    if _is_gpu(device):
        _run_on_gpu(points, row_splits, sizes, bandwidths, limit, results)
    else:
        executor, inputs = thread_executor(num_threads), (points, row_splits, *sizes, bandwidths, limit)
        call_cancellable("ocnn_mean_shift_cpu", executor, *inputs, *results)
    _require_clusters(counts, row_splits, bandwidths)
    rows = np.arange(len(points)) - np.repeat(row_splits[:-1], np.diff(row_splits))  # row within its region
    kept = rows < np.repeat(counts, np.diff(row_splits))
    return Clusters(labels, centers[kept], np.concatenate([[0], np.cumsum(counts)]))


def _is_gpu(device: str) -> bool:
    if device not in DEVICES:
        raise ValueError(f"mean_shift: device must be {' or '.join(DEVICES)}, found {device!r}")
    if device == "cuda":
        require_gpu('mean_shift: device="cuda"')
    return device == "cuda"


def _run_on_gpu(points, row_splits, sizes, bandwidths, limit, results) -> None:
    with CudaMemory() as memory:
        outputs = [memory.reserve(array.nbytes) for array in results]
        nbytes = workspace_bytes("ocnn_mean_shift_cuda", *sizes)
        workspace = (memory.reserve(nbytes), nbytes)
        inputs = (*map(memory.upload, (points, row_splits)), *sizes, memory.upload(bandwidths), limit)
        call_kernel("ocnn_mean_shift_cuda", None, *inputs, *outputs, *workspace)
        for pointer, array in zip(outputs, results):
            memory.download(pointer, array)


def _checked_points(points: np.ndarray) -> np.ndarray:
    points = np.ascontiguousarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"mean_shift: points must have the shape [N, D], found {list(points.shape)}")
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise ValueError(f"mean_shift: NaN or infinity in row {int(bad.argmax())} ({bad.sum()} such rows): remove them")
    return points


def _checked_splits(row_splits: np.ndarray, num_points: int) -> np.ndarray:
    splits = np.ascontiguousarray(row_splits, np.int64)
    if (
        splits.ndim != 1
        or len(splits) == 0
        or splits[0] != 0
        or splits[-1] != num_points
        or (np.diff(splits) < 0).any()
    ):
        raise ValueError(f"mean_shift: row_splits must rise from 0 to the {num_points} points, found {row_splits}")
    return splits


def _checked_bandwidths(bandwidth: float | np.ndarray, num_regions: int) -> np.ndarray:
    given = np.asarray(bandwidth, np.float64)
    if given.shape not in ((), (num_regions,)):
        raise ValueError(f"mean_shift: bandwidth must be one number or {num_regions}, found the shape {given.shape}")
    bad = given[~((SMALLEST <= given) & (given <= LARGEST))]
    if bad.size:
        limits = f"positive and finite ({SMALLEST:.2g} to {LARGEST:.2g}, as float32 has it)"
        raise ValueError(f"mean_shift: bandwidth must be {limits}, found {bad.flat[0]}")
    return np.ascontiguousarray(np.broadcast_to(given, [num_regions]))


def _require_clusters(counts: np.ndarray, row_splits: np.ndarray, bandwidths: np.ndarray) -> None:
    lost = (counts == 0) & (np.diff(row_splits) > 0)
    if lost.any():
        raise ValueError(
            f"mean_shift: no point of region {lost.argmax()} is within the bandwidth {bandwidths[lost.argmax()]} of "
            "the middle of its grid cell: use a larger bandwidth"
        )
