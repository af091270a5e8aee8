"""Batches as NumPy arrays. A training batch depends on nothing but the data, the settings and the number of its step.

No generator carries state from one step to the next: the order of an epoch is drawn from (seed, epoch), the motion and
the subset of a cloud from (seed, step, place in the batch). So training resumes at any step, and clouds may be prepared
in parallel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from instance_seg.data.augment import STILL, AugmentConfig, Motion, Variation
from instance_seg.structures import Cloud, Labels, Points, Task

_ORDER, _SAMPLE = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class SampleConfig:
    """What a training batch is made of.

    Attributes:
        batch_size: clouds in a batch.
        seed: of everything random, >= 0.
        points_per_shape: labels are given for this many random points of each cloud, 0 = all. Tables are always made of
            all points; fewer labeled ones save time in the heads.
        augmentation: how clouds are varied, settings with `augment` and `vary(cloud, rng) -> Variation`; None: not.
    """

    batch_size: int = 8
    seed: int = 0
    points_per_shape: int = 0
    augmentation: Any = field(default_factory=AugmentConfig)


class Sample(NamedTuple):
    """One cloud, or a batch of them; NumPy arrays."""

    cloud: Points  # all points, where the tables see them: a distortion of the grid is in no other coordinates
    points: Points  # the points that are labeled, a subset of the cloud
    labels: tuple[Labels, ...]  # of `points`, coarse to fine; () where nothing is known
    targets: Any  # a nest of arrays [N, ...], of `points`; () without
    index: np.ndarray  # [B] int32, places in the split


class Split:
    """The clouds of a split, with what a system aims at in them.

    Args:
        clouds: read one by one, in any order, by several threads.
        task: what is learned of them.
        targets: an object with `prepare(cloud, task)`, called once for each cloud, and `at(prepared, labels, motion)`,
            which gives arrays [N, ...] for the labeled points of a moved cloud (see CenterTargets); None without.
        pose: how the cloud at a place is moved where it is taken whole.
    """

    def __init__(
        self,
        clouds: Sequence[Cloud],
        task: Task,
        targets: Any = None,
        pose: Callable[[int], Motion] = lambda index: STILL,
    ):
        self.clouds, self.task, self._targets, self._pose = clouds, task, targets, pose
        self._prepared: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.clouds)

    def whole(self, index: int) -> Sample:
        """A batch of one cloud without augmentation, all of its points labeled."""
        return self.sample(index, self.clouds[index], Variation(self._pose(index), slice(None)), slice(None))

    def sample(self, index: int, cloud: Cloud, variation: Variation, labeled: Any) -> Sample:
        """A batch of the cloud number `index`; the rows `labeled` are the labeled points."""
        motion, is_stored = variation.motion, variation.cloud is None
        cloud = cloud if is_stored else variation.cloud
        labels = tuple(Labels(*(array[labeled].astype(np.int32) for array in level)) for level in cloud.labels)
        targets, points = (), []
        if self._targets and labels:
            if is_stored and index not in self._prepared:
                self._prepared[index] = self._targets.prepare(cloud, self.task)
            prepared = self._prepared[index] if is_stored else self._targets.prepare(cloud, self.task)
            targets = self._targets.at(prepared, labels, motion)
        positions = cloud.xyz if variation.noise is None else cloud.xyz + variation.noise
        for rows in (variation.rows, labeled):
            xyz, features = motion.move(positions[rows]), motion.turn(cloud.features[rows], self.task.directions)
            features = features + np.float32(variation.shift)
            points.append(Points(xyz, features, np.array([0, len(xyz)], np.int32)))
        if variation.seen is not None:
            points[0] = points[0]._replace(xyz=variation.seen)
        return Sample(*points, labels, targets, np.array([index], np.int32))


def shape_indices(seed: int, step: int, batch_size: int, num_shapes: int) -> np.ndarray:
    """The clouds of a step, [batch_size] int32: every epoch is one permutation, and batches run on across epochs."""
    epochs, places = np.divmod(step * batch_size + np.arange(batch_size), num_shapes)
    indices = np.empty(batch_size, np.int32)
    for epoch in np.unique(epochs):
        order = _generator(seed, _ORDER, epoch, 0).permutation(num_shapes)
        indices[epochs == epoch] = order[places[epochs == epoch]]
    return indices


def training_batch(split: Split, config: SampleConfig, step: int, part: int = 0, num_parts: int = 1) -> Sample:
    """The batch of one step, augmented; or the part number `part` of `num_parts` with as many clouds each."""
    indices = shape_indices(config.seed, step, config.batch_size, len(split))
    size = config.batch_size // num_parts
    slots = range(part * size, (part + 1) * size)
    generators = (_generator(config.seed, _SAMPLE, step, slot) for slot in slots)
    return concatenate([training_sample(split, int(indices[s]), config, rng) for s, rng in zip(slots, generators)])


def evaluation_batch(split: Split, first: int, batch_size: int) -> Sample:
    """Clouds first, first + 1, ... as they are, all of their points; fewer than batch_size at the end."""
    return concatenate([split.whole(index) for index in range(first, min(first + batch_size, len(split)))])


def training_sample(split: Split, index: int, config: SampleConfig, rng: np.random.Generator) -> Sample:
    """Varies a cloud at random and picks the points to label."""
    draw = getattr(split.clouds, "drawn", None)
    cloud = draw(index, rng) if draw else split.clouds[index]
    variation = Variation(STILL, np.arange(len(cloud.xyz)))
    if config.augmentation and config.augmentation.augment:
        variation = config.augmentation.vary(cloud, rng)
    labeled = variation.rows
    if 0 < config.points_per_shape < labeled.size:
        labeled = np.sort(rng.choice(labeled, config.points_per_shape, replace=False))
    return split.sample(index, cloud, variation, labeled)


def concatenate(parts: Sequence[Any]) -> Any:
    """Joins samples, or whatever nests of arrays: clouds come one after the other, and row splits run on."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    joined = [concatenate(each) for each in zip(*parts)]
    if not hasattr(first, "_fields"):
        return tuple(joined)
    if "row_splits" in first._fields:
        sizes = np.concatenate([np.diff(part.row_splits) for part in parts])
        joined[first._fields.index("row_splits")] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return type(first)(*joined)


def _generator(*key: int) -> np.random.Generator:
    """Random numbers that depend on the key alone; keys of equal length give independent streams."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([int(part) for part in key])))
