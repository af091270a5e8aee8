"""Average precision of one part class, the PartNet way: precision averaged over 101 recall levels.

NumPy only. The flags come in descending order of confidence; who is a hit is decided in matching.py.

Ten of the levels are a hair above their decimal in float64 (0.35, 0.41, 0.47, 0.57, 0.69, 0.7, 0.82, 0.83, 0.94, 0.95),
so the result depends on the arithmetic:

* "float32", that of the published figures. PartNet's script divides a float32 count by an int32 number and compares the
  quotient with a float64 level. NumPy 1, under which it was written and used, does both in float32, where every recall
  reaches the level of the same decimal: seven hits of ten reach level 0.7, which makes 71 levels of 101.
* "float64", what the same script gives under NumPy 2: seven hits of ten stay below level 0.7, which makes 70 of 101.

Precision is float32 in the script under both, and NumPy 2 sums it in float32 as well. Here it is float64: that is worth
3e-8 of an average precision beside NumPy 1, and 1e-6 beside NumPy 2.
"""

import numpy as np

ARITHMETICS = ("float32", "float64")
PUBLISHED = "float32"
RECALL_LEVELS = np.arange(0, 1.01, 0.01)  # a float range as in the script: ten levels are above the decimal, see above


def precision_recall(hits: np.ndarray, num_gt: int, arithmetic: str = PUBLISHED) -> tuple[np.ndarray, np.ndarray]:
    """The precision-recall curve of a ranked list.

    Args:
      hits: [n] bool, true positive or false positive, in descending order of confidence.
      num_gt: number of ground-truth instances, at least 1.
      arithmetic: of the recall, one of ARITHMETICS.

    Returns:
      precision [n + 1] float64 and recall [n + 1] in the arithmetic's dtype; both start with the artificial point
      (precision 1, recall 0).
    """
    found = np.cumsum(hits, dtype=np.float64)
    recall = (np.append(0.0, found) / num_gt).astype(arithmetic)  # exact counts: rounded once, as a float32 quotient is
    return np.append(1.0, found / np.arange(1, len(found) + 1)), recall


def best_precisions(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    """[101] best precision at each recall level or beyond, 0 where it is never reached.

    Args:
      precision, recall: [n + 1] as precision_recall gives them; levels are compared in the dtype of the recall.
    """
    best_from_here = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return best_from_here[np.searchsorted(recall, RECALL_LEVELS.astype(recall.dtype), side="left")]


def average_precision(hits: np.ndarray, num_gt: int, arithmetic: str = PUBLISHED) -> float:
    """Mean over RECALL_LEVELS of the best precision at that recall or beyond (0 where the recall is never reached).

    Args:
      hits: [n] bool in descending order of confidence.
      num_gt: number of ground-truth instances.
      arithmetic: in which recall and levels are compared, one of ARITHMETICS.

    Returns:
      A float in [0, 1]. 0 where one side is empty (no prediction, or no ground truth); but predictions that all miss
      keep 1/101, because the artificial first point reaches recall 0.
    """
    if len(hits) == 0 or num_gt == 0:
        return 0.0
    return float(best_precisions(*precision_recall(hits, num_gt, arithmetic)).sum() / len(RECALL_LEVELS))
