"""Normals of a cloud: telling them from other numbers, and fitting them where there are none."""

import numpy as np
from scipy.spatial import cKDTree

NEIGHBORS = 16  # points a plane is fitted to
UNIT = 0.1  # how far from 1 the length of a normal may be
NEARLY_ALL = 0.95  # of the rows must be normals, or none counts as one
_CELLS = 1 << 20  # points in one cell of a grid this fine lie at one place
_ROWS = 100_000  # planes fitted at a time; bounds the memory to about 100 MB


def good_rows(vectors: np.ndarray) -> np.ndarray:
    """[N, 3] -> [N] bool: which vectors are finite and of about unit length."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(np.linalg.norm(vectors, axis=1) - 1) <= UNIT


def are_normals(vectors: np.ndarray) -> bool:
    """Whether nearly all vectors [N, 3] are finite and of about unit length."""
    return len(vectors) > 0 and good_rows(vectors).mean() >= NEARLY_ALL


def unit_normals(points: np.ndarray, stored: np.ndarray | None, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Unit normals of some points of a cloud, or of all.

    Stored normals are used if nearly all of them are normals; the few others are fitted. Else all are fitted.

    Args:
        points: [N, 3] finite, not all at one place.
        stored: [N, 3], or None.
        rows: [n] int, whose normals are wanted.

    Returns:
        [n, 3] float32; the sign of a fitted normal is arbitrary, which the network's input signal does not see.
    """
    if stored is None or not are_normals(stored):
        return fitted_normals(points, rows)
    stored = stored[rows]
    good = good_rows(stored)
    normals = fitted_normals(points, rows) if not good.all() else np.empty(stored.shape, np.float32)
    normals[good] = stored[good] / np.linalg.norm(stored[good], axis=1, keepdims=True)
    return normals


def fitted_normals(points: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    """The direction in which the nearest points spread least, [n, 3] float32; the sign is arbitrary.

    Of all points [N, 3], or of `rows` [n] of them; all of them are neighbors.

    Points at one place count once, else the copies of a padded cloud would be each other's neighbors.
    """
    first, place = distinct_places(points)
    places = np.asarray(points, np.float64)[first]
    places = (places - places.mean(axis=0)) / np.ptp(places, axis=0).max()
    tree = cKDTree(places)
    wanted, of_row = np.unique(place[rows], return_inverse=True)
    normals = np.empty((len(wanted), 3), np.float32)
    for begin in range(0, len(wanted), _ROWS):
        portion = slice(begin, begin + _ROWS)
        _, index = tree.query(places[wanted[portion]], k=min(NEIGHBORS, len(places)), workers=-1)
        spread = places[index] - places[index].mean(axis=1, keepdims=True)
        spread /= np.abs(spread).max(axis=(1, 2), keepdims=True)
        normals[portion] = np.linalg.eigh(np.einsum("nki,nkj->nij", spread, spread))[1][:, :, 0]
    return normals[of_row]


def distinct_places(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 3] nearer to each other than a millionth of the extent are at one place.

    Returns:
        index of the first point at each place [P], place of each point [N].
    """
    points = np.asarray(points, np.float64)
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    code = np.zeros(len(points), np.int64)
    for axis in range(3):  # one after the other, for millions of points
        cell = np.round((points[:, axis] - low[axis]) / (extent if extent > 0 else 1) * _CELLS)
        code = code * (2 * _CELLS) + cell.astype(np.int64)
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return first, place
