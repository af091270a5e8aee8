"""Mean-shift with a Gaussian kernel at test time, the one that losses/modes.py learns the width of. NumPy only."""

import numpy as np

FLAT_PER_SIGMA = 2.45  # radius of the flat kernel that stands for a Gaussian of standard deviation 1
MAX_ITERATIONS = 100
_STOP = 1e-3  # of the standard deviation: seeds that move less are at their mode


def gaussian_regions(points: np.ndarray, row_splits: np.ndarray, bandwidth: np.ndarray) -> np.ndarray:
    """Clusters each region on its own; arguments and labels as of clustering.mean_shift.cluster_regions.

    A bandwidth h stands for the standard deviation h / 2.45. Seeds are the means of the points in each cell of a grid
    of size h. Of modes closer than a standard deviation the densest stays; each point belongs to the nearest mode.
    """
    labels = np.empty(len(points), np.int32)
    for begin, end, h in zip(row_splits[:-1], row_splits[1:], bandwidth):
        if end > begin:
            labels[begin:end] = _cluster(np.asarray(points[begin:end], np.float64), h)
    return labels


def _cluster(x: np.ndarray, h: float) -> np.ndarray:
    s = h / FLAT_PER_SIGMA
    cells, cell = np.unique(np.round(x / h).astype(np.int64), axis=0, return_inverse=True)
    cell = cell.ravel()
    z = np.stack([np.bincount(cell, axis, len(cells)) for axis in x.T], axis=1) / np.bincount(cell)[:, None]
    moving, density = np.arange(len(z)), np.zeros(len(z))
    for _ in range(MAX_ITERATIONS):
        weight = np.exp(-_square_distances(z[moving], x) / (2 * s * s))
        density[moving] = weight.sum(axis=1)
        new = weight @ x / np.maximum(density[moving, None], np.finfo(float).tiny)
        step = np.linalg.norm(new - z[moving], axis=1)
        z[moving] = new
        moving = moving[step > _STOP * s]
        if not len(moving):
            break
    modes = np.empty((0, 3))
    for row in np.argsort(-density, kind="stable"):
        if not (_square_distances(z[row : row + 1], modes) < s * s).any():
            modes = np.append(modes, z[row : row + 1], axis=0)
    nearest = _square_distances(x, modes).argmin(axis=1)
    return np.unique(nearest, return_inverse=True)[1].astype(np.int32)


def _square_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return sum((p[:, None] - q) ** 2 for p, q in zip(a.T, b.T))
