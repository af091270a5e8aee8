"""From semantics and offsets to instances: mean-shift within each predicted class (paper, Section 3.3)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.gaussian_shift import gaussian_regions
from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals
from instance_seg.clustering.shift import shift_points
from instance_seg.structures import LevelReadout, Points, Segmented, Task

_POINTS_PER_CALL = 500_000  # keeps all cores busy, and the kernel's memory near 100 MB


class ShiftedLevel(NamedTuple):
    """What clustering needs to know of one shape at one level."""

    points: np.ndarray  # [N, 3] float32, shifted (shift.py)
    semantic: np.ndarray  # [N] int in [0, S), predicted class
    bandwidth: np.ndarray  # [S] float, of each class


def segment_clouds(
    readout: Sequence[LevelReadout], points: Points, task: Task, reading: ClusterConfig
) -> list[tuple[Segmented, ...]]:
    """Mean-shift of the shifted points within each predicted class, of all clouds of a batch and levels side by side.

    Points of classes that have no instances are in none. A level that is not scored repeats what was found at the
    coarser one.
    """
    clouds = [slice(a, b) for a, b in zip(points.row_splits[:-1], points.row_splits[1:])]
    keys = [(b, k) for b in range(len(clouds)) for k in task.scored]
    values = {k: reading.of_classes(task.levels[k]) for k in task.scored}
    levels, things = [], []
    for b, k in keys:
        semantic, *offsets = (x[clouds[b]] for x in readout[k][:3])
        bandwidth, push = values[k]
        shifted = shift_points(points.xyz[clouds[b]], *offsets, reading, push[semantic])
        levels.append(ShiftedLevel(shifted, semantic, bandwidth))
        things.append(np.isin(semantic, task.levels[k].things))
    of_things = [ShiftedLevel(x.points[rows], x.semantic[rows], x.bandwidth) for x, rows in zip(levels, things)]
    found = {}
    for (b, k), level, rows, ids_of_things in zip(keys, levels, things, segment_levels(of_things, reading)):
        instance = np.full(len(rows), -1, np.int32)
        instance[rows] = ids_of_things
        certainty = readout[k].certainty[clouds[b]]
        proposals = as_proposals(instance, level.semantic, certainty, len(task.levels[k].classes))
        found[b, k] = Segmented(np.asarray(level.semantic), proposals, certainty, level.points)
    return [tuple(found[b, k] for k in task.measured_at) for b in range(len(clouds))]


def segment_levels(levels: Sequence[ShiftedLevel], config: ClusterConfig) -> list[np.ndarray]:
    """Clusters the shifted points of every predicted class, class 0 included, of many shapes and levels together.

    Give it as many as are at hand: classes, levels and shapes then share all cores. `config` says how to cluster; the
    bandwidth comes with the levels.

    Returns:
        for every level ids [N] int32 from 0 to I - 1, none left out, which run on from class to ascending class.

    Raises:
        ValueError: arrays of differing length, or a shifted point that is NaN or infinite; the message names the level.
    """
    instances = []
    for batch in _portions(levels):
        regions = [_split_by_class(level, len(instances) + i, config) for i, level in enumerate(batch)]
        splits = np.concatenate([[0], *(np.diff(r.row_splits) for r in regions)]).cumsum()
        points, bandwidth = (np.concatenate(each) for each in zip(*((r.points, r.bandwidth) for r in regions)))
        if config.kernel == "gaussian":
            labels = gaussian_regions(points, splits, bandwidth)
        else:
            labels = cluster_regions(points, splits, bandwidth, config.clustering, config.clustering_device)
        ends = np.cumsum([len(level.points) for level in batch])
        instances += [_number(r, part) for r, part in zip(regions, np.split(labels, ends[:-1]))]
    return instances


class _Regions(NamedTuple):
    points: np.ndarray  # [N, 3] float32, shifted, class after class
    order: np.ndarray  # [N] which point of the level each row is
    row_splits: np.ndarray  # [R + 1] one region for each class that occurs
    bandwidth: np.ndarray  # [R]


def _portions(levels: Sequence[ShiftedLevel]) -> Iterator[list[ShiftedLevel]]:
    """Consecutive levels, together about _POINTS_PER_CALL points."""
    portion, num_points = [], 0
    for level in levels:
        portion.append(level)
        num_points += len(level.points)
        if num_points >= _POINTS_PER_CALL:
            yield portion
            portion, num_points = [], 0
    if portion:
        yield portion


def _split_by_class(level: ShiftedLevel, position: int, config: ClusterConfig) -> _Regions:
    points, semantic = level.points, np.asarray(level.semantic)
    if len(points) != len(semantic):
        raise ValueError(f"levels[{position}]: arrays differ in length: points {len(points)}, semantic {len(semantic)}")
    bad = int(np.count_nonzero(~np.isfinite(points).all(axis=1)))
    if bad:
        remedy = "" if config.eq7_guard else "; Eq. 7 divides by zero where both offsets agree: set eq7_guard"
        raise ValueError(f"levels[{position}]: {bad} of {len(points)} shifted points are NaN or infinite{remedy}")
    order = np.argsort(semantic, kind="stable")
    classes, first = np.unique(semantic[order], return_index=True)
    return _Regions(points[order], order, np.append(first, len(points)), np.asarray(level.bandwidth)[classes])


def _number(regions: _Regions, labels: np.ndarray) -> np.ndarray:
    """Labels within each region -> ids within the level, without gaps (a center may be the nearest to no point)."""
    if len(labels) == 0:
        return np.empty(0, np.int32)
    first = regions.row_splits[:-1]
    counts = np.maximum.reduceat(labels, first) + 1
    ids = labels + np.repeat(np.cumsum(counts) - counts, np.diff(regions.row_splits))
    used = np.bincount(ids) > 0
    instance = np.empty(len(ids), np.int32)
    instance[regions.order] = (np.cumsum(used) - 1)[ids]
    return instance
