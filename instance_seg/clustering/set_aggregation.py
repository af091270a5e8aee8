"""HAIS: components that are small for their class are fragments, which large ones near by absorb. NumPy only."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from instance_seg.clustering.partition import find_instances
from instance_seg.structures import Labels

SMALL, TINY = 0.3, 0.05  # of the mean size of a class: below the one components are fragments, below the other no more
GROWTH = 0.01  # meters by which a component reaches for fragments, per root of its points
MAX_FRAGMENTS, MAX_ABSORBED = 1024, 8192  # fragments, and points of them, that one component absorbs


class ClassSizes(NamedTuple):
    """What instances of each class are like in the training data."""

    points: np.ndarray  # [S] float32, mean number of points
    radius: np.ndarray  # [S] float32, mean radius, m


def hierarchical_groups(
    members: np.ndarray,
    row_splits: np.ndarray,
    xyz: np.ndarray,
    semantic: np.ndarray,
    cloud: np.ndarray,
    sizes: ClassSizes,
    absorb: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The fragments that may be instances of their own, then the components that are not fragments.

    Args:
        members: [T] int32, rows of points, component after component.
        row_splits: [P + 1] int32, of the components.
        xyz: [N, 3] float32, shifted points.
        semantic, cloud: [N] int, class and cloud of each point; a component is of one.
        absorb: components absorb fragments, whose points follow their own (off in training).

    Returns:
        members [T'] int32 and row splits [P' + 1] int32 of the groups.
    """
    count, first = np.diff(row_splits), members[row_splits[:-1]]
    label, usual = semantic[first], sizes.points[semantic[first]]
    is_fragment = count < np.float32(SMALL) * usual
    primary, fragment = np.flatnonzero(~is_fragment), np.flatnonzero(is_fragment)
    kept = fragment[count[fragment] >= np.float32(TINY) * usual[fragment]]
    parts = {p: [p] for p in (*kept, *primary)}
    if absorb and len(primary) and len(fragment):
        center = np.add.reduceat(xyz[members], row_splits[:-1]) / count[:, None].astype(np.float32)
        reach = np.maximum(GROWTH * np.sqrt(count[primary]), sizes.radius[label[primary]])
        nearest = _nearest(center, label, cloud[first], fragment, primary, reach)
        for f, p in zip(fragment[nearest >= 0], primary[nearest[nearest >= 0]]):
            parts[p].append(f)
    rows = [_rows(parts[p], row_splits) for p in parts]
    splits = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    return members[np.concatenate([np.zeros(0, np.int64), *rows])], splits


def _nearest(center, label, cloud, fragment, primary, reach):
    """[F] the place of the nearest primary of the same class and cloud, -1 where it does not reach the fragment."""
    square = ((center[fragment][:, None] - center[primary][None]) ** 2).sum(axis=2)
    for kind in (label, cloud):
        square[kind[fragment][:, None] != kind[primary][None]] = np.inf
    place = square.argmin(axis=1)
    return np.where(np.sqrt(square[np.arange(len(place)), place]) < reach[place], place, -1)


def _rows(components, row_splits):
    """Entries of a component and of the fragments behind it, as many as it may absorb."""
    own, *absorbed = (np.arange(row_splits[p], row_splits[p + 1]) for p in components[: MAX_FRAGMENTS + 1])
    return np.concatenate([own, np.concatenate([own[:0], *absorbed])[:MAX_ABSORBED]])


def measured_sizes(clouds: Iterable[tuple[np.ndarray, Labels]], num_classes: int) -> ClassSizes:
    """The mean number of points and the mean radius of the instances of each class; 1 for a class without any.

    The radius of an instance is the distance of its farthest point from its center.

    Args:
        clouds: xyz [N, 3] and labels of each.
    """
    totals = np.zeros((3, num_classes))
    for xyz, labels in clouds:
        known = np.flatnonzero((labels.instance >= 0) & (labels.semantic >= 0))
        found = find_instances(labels.instance[known], labels.semantic[known], num_classes)
        center = np.stack([np.bincount(found.index, axis, len(found.size)) for axis in xyz[known].T], axis=1)
        center = center / found.size[:, None]
        radius = np.zeros(len(found.size))
        np.maximum.at(radius, found.index, np.linalg.norm(xyz[known] - center[found.index], axis=1))
        for total, values in zip(totals, (np.ones(len(radius)), found.size, radius)):
            total += np.bincount(found.label, values, num_classes)
    count, points, radius = totals
    return ClassSizes(
        *(np.where(count > 0, total / np.maximum(count, 1), 1).astype(np.float32) for total in (points, radius))
    )
