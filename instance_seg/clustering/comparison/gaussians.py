"""Greedy grouping of points that are Gaussians (our reading of probabilistic embeddings). NumPy only."""

import numpy as np

from instance_seg.structures import Proposals


def similarity(mean: np.ndarray, variance: np.ndarray, seed: int) -> np.ndarray:
    """The Bhattacharyya coefficient [n] of the Gaussian of row `seed` with each of [n, D]; 1 with itself."""
    total = variance + variance[seed]
    log = 0.5 * (np.log(2.0 / total) + 0.5 * (np.log(variance) + np.log(variance[seed])))
    return np.exp((log - np.square(mean - mean[seed]) / (4.0 * total)).sum(axis=1))


def greedy_groups(
    mean: np.ndarray,
    variance: np.ndarray,
    score: np.ndarray,
    semantic: np.ndarray,
    *,
    least: float = 0.1,
    least_seed: float = 0.3,
    like: float = 0.5,
    min_points: int = 10,
) -> Proposals:
    """The point of highest score takes all points like it, then the best of the rest, and so on.

    Args:
        mean, variance: [n, D] float32.
        score: [n] float32.
        semantic: [n] int, class.
        least: points of at most this score are in no instance.
        least_seed: nor does a point of at most this score begin one.
        like: points whose similarity with the seed is above this are of its instance.
        min_points: instances of at most so many points are dropped.

    Returns:
        Instances with the class and the score of their seeds.
    """
    left, found = np.flatnonzero(score > least), []
    while len(left):
        best = score[left].argmax()
        if score[left[best]] <= least_seed:
            break
        members = similarity(mean[left], variance[left], best) > like
        members[best] = True
        if np.count_nonzero(members) > min_points:
            found.append((left[best], left[members]))
        left = left[~members]
    seeds = np.array([seed for seed, _ in found], int)
    points = np.concatenate([np.zeros(0, int), *(rows for _, rows in found)])
    splits = np.append(0, np.cumsum([len(rows) for _, rows in found])).astype(int)
    return Proposals(points, splits, semantic[seeds], score[seeds])
