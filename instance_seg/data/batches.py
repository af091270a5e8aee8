"""Batches as NumPy arrays. A training batch depends on nothing but the data, the settings and the number of its step.

No generator carries state from one step to the next: the order of an epoch is drawn from (seed, epoch), the motion and
the subset of a shape from (seed, step, place in the batch). So training resumes at any step, and shapes may be
prepared in parallel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from instance_seg.data.augment import STILL, AugmentConfig, Motion, inside_cube, random_motion
from instance_seg.data.partnet.dataset import PartNetDataset, Shape, ShapeLevelData
from instance_seg.structures import LevelLabels, Points

_ORDER, _SAMPLE = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class SampleConfig:
    """What a training batch is made of.

    Attributes:
        batch_size: shapes in a batch.
        seed: of everything random, >= 0.
        points_per_shape: labels are given for this many random points of each shape, 0 = all. The octree always has
            all points; fewer labelled ones save time in the heads.
        augmentation: how shapes are varied.
    """

    batch_size: int = 8
    seed: int = 0
    points_per_shape: int = 0
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self):
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")
        if self.points_per_shape < 0:
            raise ValueError(f"points_per_shape must not be negative, got {self.points_per_shape}")


class Sample(NamedTuple):
    """One shape, or a batch of them, as the network gets it; NumPy arrays."""

    cloud: Points  # the points that the octree is built from
    points: Points  # the points that are labelled, a subset of the cloud
    labels: tuple[LevelLabels, ...]  # of `points`, coarse to fine
    shape_index: np.ndarray  # [B] int32, places in the dataset


def shape_indices(seed: int, step: int, batch_size: int, num_shapes: int) -> np.ndarray:
    """The shapes of a step, [batch_size] int32: every epoch is one permutation, and batches run on across epochs."""
    epochs, places = np.divmod(step * batch_size + np.arange(batch_size), num_shapes)
    indices = np.empty(batch_size, np.int32)
    for epoch in np.unique(epochs):
        order = _generator(seed, _ORDER, epoch, 0).permutation(num_shapes)
        indices[epochs == epoch] = order[places[epochs == epoch]]
    return indices


def training_batch(
    dataset: PartNetDataset, config: SampleConfig, step: int, part: int = 0, num_parts: int = 1
) -> Sample:
    """The batch of one step, augmented; or the part number `part` of `num_parts` with as many shapes each."""
    indices = shape_indices(config.seed, step, config.batch_size, len(dataset))
    size = config.batch_size // num_parts
    return concatenate(
        [
            training_sample(
                dataset.shapes[indices[slot]],
                int(indices[slot]),
                config,
                _generator(config.seed, _SAMPLE, step, slot),
            )
            for slot in range(part * size, (part + 1) * size)
        ]
    )


def evaluation_batch(dataset: PartNetDataset, first: int, batch_size: int) -> Sample:
    """Shapes first, first + 1, ... as they are, all of their points; fewer than batch_size at the end."""
    chosen = range(first, min(first + batch_size, len(dataset)))
    return concatenate([_whole_sample(dataset.shapes[index], index) for index in chosen])


def training_sample(shape: Shape, index: int, config: SampleConfig, rng: np.random.Generator) -> Sample:
    """Moves a shape at random, drops what leaves [-1, 1]^3 and picks the points to label.

    A shape that leaves the cube altogether is taken unmoved: a batch must not lose a shape.
    """
    motion, kept = STILL, np.arange(len(shape.points))
    if config.augmentation.augment:
        drawn = random_motion(config.augmentation, rng)
        inside = np.flatnonzero(inside_cube(drawn.move(shape.points)))
        if inside.size:
            motion, kept = drawn, inside
    labeled = kept
    if 0 < config.points_per_shape < kept.size:
        labeled = np.sort(rng.choice(kept, config.points_per_shape, replace=False))
    return _sample(shape, index, motion, kept, labeled)


def concatenate(samples: Sequence[Sample]) -> Sample:
    """Joins batches, shapes one after the other."""
    labels = tuple(LevelLabels(*map(np.concatenate, zip(*level))) for level in zip(*(s.labels for s in samples)))
    return Sample(
        _concatenate_points([sample.cloud for sample in samples]),
        _concatenate_points([sample.points for sample in samples]),
        labels,
        np.concatenate([sample.shape_index for sample in samples]),
    )


def _sample(shape: Shape, index: int, motion: Motion, kept: np.ndarray, labeled: np.ndarray) -> Sample:
    """A batch of one shape: the rows `kept` make up the cloud, the rows `labeled` the labelled points."""
    return Sample(
        _moved_points(shape, motion, kept),
        _moved_points(shape, motion, labeled),
        tuple(_moved_labels(level, motion, labeled) for level in shape.levels),
        np.array([index], np.int32),
    )


def _whole_sample(shape: Shape, index: int) -> Sample:
    rows = np.arange(len(shape.points))
    return _sample(shape, index, STILL, rows, rows)


def _moved_points(shape: Shape, motion: Motion, rows: np.ndarray) -> Points:
    row_splits = np.array([0, len(rows)], np.int32)
    return Points(motion.move(shape.points[rows]), motion.turn(shape.normals[rows]), row_splits)


def _moved_labels(level: ShapeLevelData, motion: Motion, rows: np.ndarray) -> LevelLabels:
    """The centers move as the points do; they are those of the whole shape, whatever was dropped."""
    semantic, instance = level.semantic[rows].astype(np.int32), level.instance[rows].astype(np.int32)
    instance_centers, region_centers = (motion.move(centers) for centers in level.centers)
    return LevelLabels(semantic, instance, instance_centers[instance + 1], region_centers[semantic])


def _concatenate_points(parts: Sequence[Points]) -> Points:
    sizes = np.concatenate([np.diff(part.row_splits) for part in parts])
    row_splits = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return Points(np.concatenate([part.xyz for part in parts]), np.concatenate([p.normals for p in parts]), row_splits)


def _generator(*key: int) -> np.random.Generator:
    """Random numbers that depend on the key alone; keys of equal length give independent streams."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([int(part) for part in key])))
