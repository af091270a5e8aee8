"""Mean-shift behind one function, by our kernel or by scikit-learn; both find the same clusters."""

import warnings

import numpy as np

from ocnn_tf_ops.python.cuda_memory import require_gpu
from ocnn_tf_ops.python.kernel_library import cuda_device_count
from ocnn_tf_ops.python.mean_shift import mean_shift


def cluster_regions(
    points: np.ndarray,
    row_splits: np.ndarray,
    bandwidth: float | np.ndarray,
    backend: str = "native",
    device: str = "auto",
) -> np.ndarray:
    """Clusters each region on its own: the rows row_splits[r]:row_splits[r + 1] of `points`, r = 0..R-1.

    Args:
        points: [N, D] float32.
        row_splits: [R + 1] integers from 0 to N.
        bandwidth: radius of the flat kernel, in the unit of the points, of all regions or of each [R].
        backend: "native" or "sklearn".
        device: of the native backend: "cpu", "gpu", or "auto", a GPU if there is one with memory left.

    Returns:
        [N] int32, the cluster of each point, counted from 0 within its region, the most populated center first.

    Raises:
        ValueError: NaN or infinity among the points, a bandwidth <= 0, an unknown backend, device "gpu" without a GPU
            or in a build without the CUDA kernels.
        MemoryError: device "gpu" has not enough memory.
    """
    if backend == "sklearn":
        return _sklearn_labels(points, row_splits, bandwidth)
    if backend != "native":
        raise ValueError(f"clustering={backend!r} is unknown; choose native or sklearn")
    if device == "gpu":
        require_gpu("clustering_device=gpu")
    if device == "gpu" or (device == "auto" and cuda_device_count() > 0):
        try:
            return mean_shift(points, row_splits, bandwidth, device="cuda").labels
        except MemoryError:  # TensorFlow may hold all of the GPU's memory
            if device == "gpu":
                raise
    return mean_shift(points, row_splits, bandwidth).labels


def _sklearn_labels(points: np.ndarray, row_splits: np.ndarray, bandwidth: float | np.ndarray) -> np.ndarray:
    from sklearn.cluster import MeanShift  # half a second that the native backend need not wait for

    labels = np.empty(len(points), np.int32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Binning data failed")  # where each point has a cell of its own
        for begin, end, h in zip(row_splits[:-1], row_splits[1:], np.broadcast_to(bandwidth, [len(row_splits) - 1])):
            if end > begin:
                labels[begin:end] = MeanShift(bandwidth=float(h), bin_seeding=True).fit(points[begin:end]).labels_
    return labels
