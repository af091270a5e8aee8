"""The functions of points.py in plain NumPy, all pairs at once: to compare with, not to be fast."""

import numpy as np


def _shapes(*splits):
    return list(zip(*(zip(s[:-1], s[1:]) for s in splits)))


def _distances(queries, x, norm):
    difference = np.abs(queries[:, None].astype(np.float64) - x[None])
    return np.sum(difference if norm == "l1" else difference**2, axis=2)


def farthest_points(xyz, row_splits, num_samples):
    index = []
    for ((first, last),) in _shapes(row_splits):
        squared = _distances(xyz[first:last], xyz[first:last], "l2").astype(np.float32)
        chosen = [0]
        while len(chosen) < num_samples:
            chosen.append(int(np.argmax(squared[:, chosen].min(axis=1))))
        index += [first + i for i in chosen]
    return np.array(index, np.int32)


def ball_query(xyz, row_splits, queries, query_splits, radius, max_neighbors):
    index, count = np.full((len(queries), max_neighbors), -1, np.int32), np.zeros(len(queries), np.int32)
    for (first, last), (begin, end) in _shapes(row_splits, query_splits):
        for q in range(begin, end):
            squared = _distances(queries[q : q + 1], xyz[first:last], "l2")[0]
            found = first + np.flatnonzero(squared < radius**2)[:max_neighbors]
            count[q] = len(found)
            if len(found):
                index[q] = found[0]
                index[q, : len(found)] = found
    return index, count


def radius_components(xyz, labels, row_splits, radius, max_neighbors, min_points):
    """Breadth first over the neighbors that ball_query lists, from the rows that are in none yet."""
    index, count = ball_query(xyz, row_splits, xyz, row_splits, radius, max_neighbors)
    taken, components = np.zeros(len(xyz), bool), []
    for seed in range(len(xyz)):
        component = [] if taken[seed] else [seed]
        taken[seed] = True
        for point in component:  # grows as it goes
            for neighbor in index[point, : count[point]]:
                if labels[neighbor] == labels[point] and not taken[neighbor]:
                    taken[neighbor] = True
                    component.append(int(neighbor))
        if len(component) >= min_points:
            components.append(component)
    members = np.array([row for component in components for row in component], np.int32)
    return members, np.cumsum([0, *map(len, components)], dtype=np.int32)


def nearest_neighbors(x, row_splits, queries, query_splits, num_neighbors, norm="l2"):
    index = np.full((len(queries), num_neighbors), -1, np.int32)
    distance = np.full((len(queries), num_neighbors), np.inf, np.float32)
    for (first, last), (begin, end) in _shapes(row_splits, query_splits):
        measured = _distances(queries[begin:end], x[first:last], norm)
        order = np.argsort(measured, axis=1, kind="stable")[:, :num_neighbors]
        index[begin:end, : order.shape[1]] = first + order
        distance[begin:end, : order.shape[1]] = np.take_along_axis(measured, order, axis=1)
    return index, distance


def gather_rows(x, index, once=False):
    """`once` concerns the gradient and what is refused."""
    return np.concatenate([x, np.zeros((1, x.shape[1]), x.dtype)])[index]


def sum_rows(x, index, num_rows):
    y = np.zeros((num_rows, x.shape[-1]), x.dtype)
    np.add.at(y, index[index >= 0], x[index >= 0])
    return y


def neighbor_max(x, index):
    rows = np.where(index[..., None] < 0, -np.inf, gather_rows(x, index))
    return np.where((index < 0).all(axis=1, keepdims=True), 0, rows.max(axis=1, initial=-np.inf)).astype(x.dtype)


def three_neighbors(xyz, row_splits, queries, query_splits):
    index, squared = nearest_neighbors(xyz, row_splits, queries, query_splits, 3)
    inverse = 1 / np.maximum(squared, 1e-10)
    total = inverse.sum(axis=1, keepdims=True)
    return index, np.divide(inverse, total, out=np.zeros_like(inverse), where=total > 0)


def weighted_gather(x, index, weight):
    return np.einsum("qkc,qk->qc", gather_rows(x, index), weight)
