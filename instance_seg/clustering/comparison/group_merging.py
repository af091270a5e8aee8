"""SGPN's grouping at test time, and the thresholds and sizes it wants, as PartNet's program has them.

Where no point is left without a group, that program numbers groups from -1; here they always begin at 0. Its quirk is
kept that a point whose histogram begins at exactly 0 tells no threshold: the distance of a point to itself is 0 unless
rounding makes it more. Points of "other", which it puts down to the last class, tell none here.
"""

from collections.abc import Sequence

import numpy as np

from instance_seg.structures import Proposals
from ocnn_tf_ops.python.proposals import count_below, merge_proposals

SEED_CONFIDENCE = 0.4  # a point with more proposes an instance
SMALLEST_SEED, SMALLEST_GROUP = 5, 50  # proposals have more points than these
SAME_IOU, SAME_SHARE = 0.6, 0.8  # proposals that overlap by more are one
LEAST_SHARE = 0.25  # of the average size of its class that a group needs
MOST_GROUPS = 200
BINS = 20  # of a point's histogram of similarities, whose edges are tried for a threshold
LEAST_RECALL, LEAST_RATIO = 0.5, 4.0
DEFAULT = 0.2  # threshold of a class of which no point tells one
_ROWS, _CACHED_ROWS = 1024, 64  # points at a time: in a product of matrices, and where the memory is what limits


def merge_groups(
    features: np.ndarray, confidence: np.ndarray, semantic: np.ndarray, threshold: np.ndarray, average_size: np.ndarray
) -> Proposals:
    """The instances of a shape.

    Args:
        features: [n, d] float32, whose squared distances are the similarity.
        confidence: [n] float32.
        semantic: [n] int, predicted class in [0, C).
        threshold: [C] similarity below which points of a class are of one instance.
        average_size: [C] points of an instance.

    Returns:
        a partition of some of the points; the label is the most frequent class, the score the mean confidence of the
        proposal that a group began as.
    """
    group, score = propose(features, confidence, semantic, threshold)
    absorb(group, features, semantic, threshold)
    rows = [np.flatnonzero(group == each) for each in range(len(score))]
    label = np.array([np.bincount(semantic[each]).argmax() for each in rows], int)
    size = np.array([len(each) for each in rows], int)
    kept = np.flatnonzero(size >= LEAST_SHARE * average_size[label])[:MOST_GROUPS]
    points = np.concatenate([np.zeros(0, int), *(rows[each] for each in kept)])
    return Proposals(points, np.append(0, np.cumsum(size[kept])), label[kept], np.float32(score[kept]))


def propose(
    features: np.ndarray, confidence: np.ndarray, semantic: np.ndarray, threshold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The group of each point [n], -1 = none, and the score of each group [G]; arguments as in `merge_groups`."""
    group, scores = np.full(len(semantic), -1), []
    for c in np.unique(semantic):
        region = np.flatnonzero(semantic == c)
        for members in _proposals_of_class(features[region], confidence[region], threshold[c]):
            rows = region[members]
            if len(rows) > SMALLEST_GROUP:
                group[rows] = len(scores)  # later ones take points of earlier ones
                scores.append(confidence[rows].mean(dtype=float))
    size = np.bincount(group[group >= 0], minlength=len(scores))
    kept = size >= SMALLEST_GROUP
    number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)  # the last one answers -1
    return number[group], np.array(scores)[kept] if scores else np.zeros(0)


def absorb(group: np.ndarray, features: np.ndarray, semantic: np.ndarray, threshold: np.ndarray) -> None:
    """Gives points without a group, one after the other, the most frequent group among the points like them."""
    alone = np.flatnonzero(group < 0)
    if len(alone) == len(group):
        return
    for start in range(0, len(alone), _ROWS):
        rows = alone[start : start + _ROWS]
        near = similarity(features[rows], features) < threshold[semantic[rows], None]
        for row, like in zip(rows, near):
            found = group[like]
            if len(found := found[found >= 0]):
                group[row] = np.bincount(found).argmax()


def _proposals_of_class(features, confidence, threshold) -> np.ndarray:
    """[P, m] bool: what the confident points of a class propose, merged; the whole class if they propose nothing."""
    seeds = np.flatnonzero(confidence > SEED_CONFIDENCE)
    sets = [np.zeros((0, -(-len(features) // 64)), np.uint64)]
    for start in range(0, len(seeds), _ROWS):
        near = _as_bits(similarity(features[seeds[start : start + _ROWS]], features) < threshold)
        sets.append(near[np.bitwise_count(near).sum(axis=1, dtype=int) > SMALLEST_SEED])
    sets = np.concatenate(sets)
    merged = sets[merge_proposals(sets, SAME_IOU, SAME_SHARE)]
    if not len(merged):
        return np.ones((1, len(features)), bool)
    return np.unpackbits(merged.view(np.uint8), axis=1, count=len(features)).astype(bool)


def _as_bits(members: np.ndarray) -> np.ndarray:
    """[R, m] bool -> [R, ceil(m / 64)] uint64."""
    padded = np.pad(members, [(0, 0), (0, -members.shape[1] % 64)])
    return np.packbits(padded, axis=1).view(np.uint64)


class Thresholds:
    """Thresholds and sizes of each class, measured on a number of validation shapes.

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
    of_rows, of_columns = (np.square(x).sum(axis=1) for x in (rows, columns))
    found = rows @ columns.T
    for start in range(0, len(rows), _CACHED_ROWS):
        part = found[start : start + _CACHED_ROWS]
        part *= -2
        part += of_rows[start : start + _CACHED_ROWS, None] + of_columns
        np.maximum(part, 0, out=part)
    return found


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
    recalls, falses = (count_below(x, edges).T / x.shape[1] for x in (inside, outside))
    for edge, recall, false in zip(edges.T, recalls, falses):
        ended |= edge == 0
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
