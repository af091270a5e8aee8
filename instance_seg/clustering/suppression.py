"""Which of many overlapping proposals are kept: a filter, then non-maximum suppression (PointGroup). NumPy only."""

import numpy as np
from scipy.sparse import csr_matrix

from instance_seg.structures import Proposals


def overlaps(proposals: Proposals, num_points: int) -> np.ndarray:
    """The intersection over union of every pair of proposals, [P, P] float64."""
    shape = len(proposals.label), num_points
    masks = csr_matrix((np.ones(len(proposals.points)), proposals.points, proposals.row_splits), shape)
    common, size = (masks @ masks.T).toarray(), proposals.size
    return common / np.maximum(size[:, None] + size[None] - common, 1)


def suppress(score: np.ndarray, iou: np.ndarray, limit: float) -> np.ndarray:
    """Rows of the proposals left, best first: each removes the worse ones that overlap it by more than `limit`.

    Args:
        score: [P] float; of equal ones the later comes first.
        iou: [P, P] float.
    """
    waiting, kept = np.argsort(score, kind="stable")[::-1], []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[iou[best, waiting] <= limit]
    return np.array(kept, np.intp)
