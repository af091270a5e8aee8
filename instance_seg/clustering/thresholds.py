"""SGPN's thresholds of similarity and sizes of instances, measured on validation shapes. NumPy only.

As in PartNet's program, with its quirk that a point whose histogram begins at exactly 0 tells nothing: the distance of
a point to itself is 0 unless rounding makes it more. Points of "other", which it puts down to the last class, are
skipped here.
"""

from collections.abc import Sequence

import numpy as np

BINS = 20
LEAST_RECALL, LEAST_RATIO = 0.5, 4.0
DEFAULT = 0.2  # threshold of a class of which no point tells one
_ROWS = 1024  # points at a time


class Thresholds:
    """What a number of shapes say of each class.

    Args:
        num_classes: C, without "other".
    """

    def __init__(self, num_classes: int):
        self.sums, self.counts = np.zeros(num_classes), np.zeros(num_classes)
        self._points, self._instances = np.zeros(num_classes, int), np.zeros(num_classes, int)

    def add(self, features: np.ndarray, semantic: np.ndarray, instance: np.ndarray) -> None:
        """A shape: features [n, d] float32 of its points, true classes in [0, C) and instances [n]; -1 = none."""
        for each in np.unique(instance[(instance >= 0) & (semantic >= 0)]):
            rows = np.flatnonzero(instance == each)
            c = np.bincount(semantic[rows][semantic[rows] >= 0]).argmax()
            others = np.flatnonzero((instance != each) & (semantic == c))
            self._points[c] += len(rows)
            self._instances[c] += 1
            for start in range(0, len(rows) if len(others) else 0, _ROWS):
                part = features[rows[start : start + _ROWS]]
                edges = best_edges(similarity(part, features[rows]), similarity(part, features[others]))
                self.sums[c] += np.nansum(edges, dtype=float)
                self.counts[c] += np.count_nonzero(~np.isnan(edges))

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The threshold [C] and the average number of points of an instance [C], a whole number, of each class."""
        threshold = np.divide(self.sums, self.counts, out=np.full(len(self.sums), DEFAULT), where=self.counts > 0)
        return threshold, self._points // np.maximum(self._instances, 1)


def similarity(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """S [r, n] float32: squared distances of features [r, d] and [n, d], at least 0."""
    squares = [np.square(x).sum(axis=1) for x in (rows, columns)]
    return np.maximum(squares[0][:, None] + squares[1] - 2.0 * (rows @ columns.T), 0)


def best_edges(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """The similarity up to which points best count as of the instance of each of some points; NaN: it tells none.

    The edges of a histogram of 20 bins are tried in turn. Of those with a recall above one half the one of the largest
    recall over false rate is best; the first without anything false ends the search. An edge of 0 ends it, too.

    Args:
        inside: [r, n] float32, to the points of its instance, itself included.
        outside: [r, m] float32, to the others of its class.

    Returns:
        [r] float32.
    """
    edges = histogram_edges(inside)
    best, ratio = np.full(len(inside), np.nan, inside.dtype), np.zeros(len(inside))
    ended = np.zeros(len(inside), bool)
    for edge in edges.T:
        ended |= edge == 0
        recall, false = ((x < edge[:, None]).mean(axis=1) for x in (inside, outside))
        tried = ~ended & (recall > LEAST_RECALL)
        clean = tried & (false == 0)
        quotient = np.divide(recall, false, out=np.zeros(len(inside)), where=false > 0)
        better = tried & (quotient > ratio)
        best[clean | better] = edge[clean | better]
        ratio[better] = quotient[better]
        ended |= clean
    return np.where(ratio > LEAST_RATIO, best, np.nan)


def histogram_edges(values: np.ndarray) -> np.ndarray:
    """[r, n] -> [r, 21], those of np.histogram of each row."""
    low, high = values.min(axis=1), values.max(axis=1)
    half = np.where(low == high, 0.5, 0).astype(values.dtype)
    return np.linspace(low - half, high + half, BINS + 1, axis=1, dtype=values.dtype)


def inverse_frequencies(ids: Sequence[np.ndarray], number: int) -> np.ndarray:
    """[number] float32: how many ids there are in all, over how many there are of each; 0 for one that never occurs."""
    counts = np.sum([np.bincount(each, minlength=number) for each in ids], axis=0)
    return np.divide(counts.sum(), counts, out=np.zeros(number), where=counts > 0).astype(np.float32)
