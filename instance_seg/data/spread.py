"""What is known of some points, for others: the points nearest to them, and the faces they lie on."""

import numpy as np
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from instance_seg.structures import Proposals

_ROWS = 1_000_000  # points looked up at a time; bounds the memory to about 50 MB


def nearest_rows(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the points [N, 3] is nearest to each of the others: [M] int32, in [0, N)."""
    tree = cKDTree(points)
    parts = [tree.query(others[i : i + _ROWS], workers=-1)[1] for i in range(0, len(others), _ROWS)]
    return np.concatenate([np.empty(0, np.int32), *(part.astype(np.int32) for part in parts)])


def spread(found: Proposals, like: np.ndarray) -> Proposals:
    """Instances of some points as those of the points that are like them.

    Args:
        found: in N points.
        like: [M] int, the point in [0, N) that each of the new points is like.

    Returns:
        the same proposals in the M points; one that none of them belongs to has none.
    """
    points, row_splits, *_ = found
    new_rows = np.argsort(like, kind="stable")  # those like point 0 first
    first = np.concatenate([[0], np.cumsum(np.bincount(like, minlength=points.max(initial=-1) + 1))])
    count = np.diff(first)[points]  # new points for each entry
    end = np.cumsum(count)
    rows = new_rows[np.arange(count.sum()) + np.repeat(first[points] - (end - count), count)]
    return found._replace(points=rows, row_splits=np.concatenate([[0], end])[row_splits])


def face_labels(face: np.ndarray, labels: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The label that most points on each face have.

    Args:
        face: [N] int, the face that each point lies on.
        labels: [N] int, not below -1.
        like: [F] int, the point that stands for a face without points on it.

    Returns:
        [F] int32; of labels that are equally frequent the smallest.
    """
    votes = csr_array((np.ones(len(face)), (face, labels + 1)), shape=(len(like), int(labels.max(initial=-1)) + 2))
    chosen = votes.argmax(axis=1) - 1
    empty = np.bincount(face, minlength=len(like)) == 0
    return np.where(empty, labels[like], chosen).astype(np.int32)
