"""Average precision of one part class, the PartNet way: precision averaged over 101 recall levels.

NumPy only. The flags come in descending order of confidence; who is a hit is decided in matching.py.
"""

import numpy as np

# A float range on purpose: ten of its levels (0.35, 0.41, 0.47, 0.57, 0.69, 0.7, 0.82, 0.83, 0.94, 0.95) lie a hair
# above the decimal, so that seven hits of ten do not reach recall 0.7. The published figures were made with it.
RECALL_LEVELS = np.arange(0, 1.01, 0.01)


def precision_recall(hits: np.ndarray, num_gt: int) -> tuple[np.ndarray, np.ndarray]:
    """The precision-recall curve of a ranked list.

    Args:
      hits: [n] bool, true positive or false positive, in descending order of confidence.
      num_gt: number of ground-truth instances, at least 1.

    Returns:
      precision [n + 1] and recall [n + 1], float64; both start with the artificial point (precision 1, recall 0).
    """
    found = np.cumsum(hits, dtype=np.float64)
    precision = found / np.arange(1, len(found) + 1)
    return np.concatenate([[1.0], precision]), np.concatenate([[0.0], found / num_gt])


def average_precision(hits: np.ndarray, num_gt: int) -> float:
    """Mean over RECALL_LEVELS of the best precision at that recall or beyond (0 where the recall is never reached).

    Args:
      hits: [n] bool in descending order of confidence.
      num_gt: number of ground-truth instances.

    Returns:
      A float in [0, 1]. 0 where one side is empty (no prediction, or no ground truth); but predictions that all miss
      keep 1/101, because the artificial first point reaches recall 0.
    """
    if len(hits) == 0 or num_gt == 0:
        return 0.0
    precision, recall = precision_recall(hits, num_gt)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    first = np.searchsorted(recall, RECALL_LEVELS, side="left")
    return float(np.append(best_from_here, 0.0)[first].sum() / len(RECALL_LEVELS))
