"""From semantics and offsets to instances: mean-shift within each predicted class (paper, Section 3.3)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from instance_seg.clustering.across import Across, classes_by_vote
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.gaussian_shift import gaussian_regions
from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals
from instance_seg.clustering.shift import shift_points
from instance_seg.structures import Level, LevelReadout, Points, Segmented, Task

_POINTS_PER_CALL = 500_000  # keeps all cores busy, and the kernel's memory near 100 MB


class ShiftedLevel(NamedTuple):
    """What clustering needs to know of one shape at one level."""

    points: np.ndarray  # [N, 3] float32, shifted (shift.py)
    semantic: np.ndarray  # [N] int in [0, S), predicted class
    bandwidth: np.ndarray  # [S] float, of each class


def segment_clouds(
    readout: Sequence[LevelReadout], points: Points, task: Task, reading: ClusterConfig | Across
) -> list[tuple[Segmented, ...]]:
    """Mean-shift of the shifted points within each predicted class, of all clouds of a batch and levels side by side.

    Points of classes that have no instances are in none. A level that is not scored repeats what was found at the
    coarser one. Where a reading is across classes, all points are clustered together, without a push, and those of an
    instance get its class, the one with the largest sum of probabilities.
    """
    clouds = [slice(a, b) for a, b in zip(points.row_splits[:-1], points.row_splits[1:])]
    keys = [(b, k) for b in range(len(clouds)) for k in task.scored]
    parts = [LevelReadout(*(None if x is None else x[clouds[b]] for x in readout[k])) for b, k in keys]
    groupings = [_grouping(part, points.xyz[clouds[b]], task.levels[k], reading) for (b, k), part in zip(keys, parts)]
    regions = [ShiftedLevel(g.points[g.rows], g.region[g.rows], g.bandwidth) for g in groupings]
    within = reading.within if isinstance(reading, Across) else reading
    found = {}
    for (b, k), part, grouping, ids in zip(keys, parts, groupings, segment_levels(regions, within)):
        level, semantic = task.levels[k], np.asarray(part.semantic)
        instance = np.full(len(semantic), -1, np.int32)
        instance[grouping.rows] = ids
        if grouping.is_across:
            semantic = classes_by_vote(ids, part.probabilities)
            instance[~np.isin(semantic, level.things)] = -1
        proposals = as_proposals(instance, semantic, part.certainty, len(level.classes))
        found[b, k] = Segmented(semantic, proposals, part.certainty, grouping.points, grouping.is_unlike)
    return [tuple(found[b, k] for k in task.measured_at) for b in range(len(clouds))]


class _Grouping(NamedTuple):
    """How the points of a cloud are clustered at a level."""

    points: np.ndarray  # [N, 3] float32, shifted
    rows: np.ndarray  # [N] bool, which are clustered
    region: np.ndarray  # [N] int in [0, R), points of one region are clustered together
    bandwidth: np.ndarray  # [R]
    is_across: bool  # regions are no classes
    is_unlike: bool | None  # see Segmented


def _grouping(readout: LevelReadout, xyz: np.ndarray, level: Level, reading: ClusterConfig | Across) -> _Grouping:
    """Of one cloud at one level."""
    is_unlike = None
    if isinstance(reading, Across):
        is_unlike = reading.is_unlike(level.name, -float(readout.certainty.mean()))
        if is_unlike is not False:
            together = np.zeros(len(xyz), np.int32)
            bandwidth = np.array([reading.bandwidth])
            return _Grouping(xyz + readout.instance_offset, together == 0, together, bandwidth, True, is_unlike)
        reading = reading.within
    bandwidth, push = reading.of_classes(level)
    offsets = readout.instance_offset, readout.region_offset
    shifted = shift_points(xyz, *offsets, reading, push[readout.semantic])
    rows = np.isin(readout.semantic, level.things)
    return _Grouping(shifted, rows, readout.semantic, bandwidth, False, is_unlike)


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
