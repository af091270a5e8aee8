"""SGPN's grouping at test time, as PartNet's program has it. NumPy only.

Where no point is left without a group, that program numbers groups from -1; here they always begin at 0.
"""

import numpy as np

from instance_seg.clustering.thresholds import similarity
from instance_seg.structures import Proposals

SEED_CONFIDENCE = 0.4  # a point with more proposes an instance
SMALLEST_SEED, SMALLEST_GROUP = 5, 50  # proposals have more points than these
SAME_IOU, SAME_SHARE = 0.6, 0.8  # proposals that overlap by more are one
LEAST_SHARE = 0.25  # of the average size of its class that a group needs
MOST_GROUPS = 200
_ROWS = 1024  # points at a time


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
    proposals, bits, sizes = [], np.zeros((0, -(-len(features) // 64)), np.uint64), np.zeros(0, int)
    for start in range(0, len(seeds), _ROWS):
        near = similarity(features[seeds[start : start + _ROWS]], features) < threshold
        near = near[np.count_nonzero(near, axis=1) > SMALLEST_SEED]
        for members, own, size in zip(near, _as_bits(near), np.count_nonzero(near, axis=1)):
            both = np.bitwise_count(bits & own).sum(axis=1, dtype=int)
            like = (both > SAME_IOU * (size + sizes - both)) | (both > SAME_SHARE * size)
            for grown in np.flatnonzero(like & (sizes < size)):
                proposals[grown], bits[grown], sizes[grown] = members, own, size
            if not like.any():
                proposals.append(members)
                bits, sizes = np.vstack([bits, own]), np.append(sizes, size)
    return np.array(proposals) if proposals else np.ones((1, len(features)), bool)


def _as_bits(members: np.ndarray) -> np.ndarray:
    """[R, m] bool -> [R, ceil(m / 64)] uint64: thousands of proposals are compared with all those before them."""
    padded = np.pad(members, [(0, 0), (0, -members.shape[1] % 64)])
    return np.packbits(padded, axis=1).view(np.uint64)
