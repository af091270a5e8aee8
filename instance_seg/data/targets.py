"""What systems aim at besides labels: centers of instances and of semantic regions (paper, Section 3.3), or ranks.

Centers are kept as small tables, one row for each instance id and one for each class, so that augmentation moves a few
dozen centers and the points merely look theirs up.
"""

from typing import NamedTuple

import numpy as np

from instance_seg.data.augment import Motion
from instance_seg.structures import Cloud, Labels, Task, Tensor


class CenterTables(NamedTuple):
    """Centers of one shape at one level; rows that no point refers to are 0."""

    instance: np.ndarray  # [I + 1, 3] float32; row i + 1 = center of instance i, row 0 = of the points in none (-1)
    region: (
        np.ndarray
    )  # [S + 1, 3] float32; row s + 1 = center of the region of class s, row 0 = of ignored points (-1)


class Centers(NamedTuple):
    """What the offsets of the points of one level aim at."""

    instance: Tensor  # [N, 3] float32, center of the point's instance
    region: Tensor  # [N, 3] float32, center of its semantic region


class CenterTargets:
    """Targets of systems that predict offsets to centers (see System.targets)."""

    def prepare(self, cloud: Cloud, task: Task) -> tuple[CenterTables, ...]:
        """The centers of a whole cloud at every level, before it is moved."""
        return tuple(
            center_tables(cloud.xyz, labels.semantic, labels.instance, len(level.classes))
            for level, labels in zip(task.levels, cloud.labels)
        )

    def at(self, prepared: tuple[CenterTables, ...], labels: tuple[Labels, ...], motion: Motion) -> tuple[Centers, ...]:
        """The centers of labeled points, moved as these are: those of the whole cloud, whatever was dropped."""
        return tuple(
            Centers(motion.move(tables.instance)[each.instance + 1], motion.move(tables.region)[each.semantic + 1])
            for tables, each in zip(prepared, labels)
        )


class InstanceRanks:
    """Instances of the labeled points numbered without gaps, shape by shape: targets of systems that list them."""

    def prepare(self, cloud: Cloud, task: Task) -> None:
        """Nothing: ranks are those of the points that are left."""

    def at(self, prepared: None, labels: tuple[Labels, ...], motion: Motion) -> tuple[np.ndarray, ...]:
        """[N] int32 for each level; -1 = in none."""
        return tuple(instance_ranks(each.instance) for each in labels)


def instance_ranks(instance: np.ndarray) -> np.ndarray:
    """[N] ids >= -1 -> [N] int32: the ids that occur counted from 0 in their order; -1 stays."""
    found, index = np.unique(instance, return_inverse=True)
    return (index - np.count_nonzero(found < 0)).astype(np.int32)


def center_tables(points: np.ndarray, semantic: np.ndarray, instance: np.ndarray, num_classes: int) -> CenterTables:
    """Centers of the instances and semantic regions of one shape.

    The center of an instance is the mean of its points. The center of a region is the mean of the centers of the
    instances found among its points, each counted once whatever its size. The points in no instance (id -1) make up
    one more instance, and the ignored ones (class -1) one more region.

    Args:
        points: [N, 3] float.
        semantic: [N] int in [-1, num_classes).
        instance: [N] int >= -1.

    Raises:
        ValueError: a class outside [-1, num_classes), or an instance below -1.
    """
    if semantic.size and not -1 <= semantic.min() <= semantic.max() < num_classes:
        raise ValueError(f"classes {semantic.min()}..{semantic.max()} do not fit {num_classes} classes")
    if instance.size and instance.min() < -1:
        raise ValueError(f"instance ids start at -1 (none), found {instance.min()}")
    group = instance.astype(np.int64) + 1
    num_groups = int(group.max(initial=0)) + 1
    instance_centers = _means(points, group, num_groups)
    # A (class, instance) pair counts once in its class.
    pairs = np.flatnonzero(np.bincount((semantic.astype(np.int64) + 1) * num_groups + group))
    region_centers = _means(instance_centers[pairs % num_groups], pairs // num_groups, num_classes + 1)
    return CenterTables(instance_centers.astype(np.float32), region_centers.astype(np.float32))


def _means(values: np.ndarray, group: np.ndarray, num_groups: int) -> np.ndarray:
    """Mean of the rows [N, 3] of each group, [num_groups, 3] float64; 0 for a group without rows."""
    counts = np.bincount(group, minlength=num_groups)
    sums = np.stack([np.bincount(group, column, minlength=num_groups) for column in values.T], axis=1)
    return sums / np.maximum(counts, 1)[:, None]
