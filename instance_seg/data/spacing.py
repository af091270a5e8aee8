"""How large the instances of each class are and how far apart, and what that suggests for mean-shift. NumPy only."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from instance_seg.clustering.by_class import ByClass, ClassValues
from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.augment import Motion
from instance_seg.structures import Cloud, Task

LIMITS = (0.02, 0.4)  # of a suggested bandwidth
PUSH = 0.25  # a suggested lambda, of the bandwidth
PAIRED, FROM_LABELS = "paired classes only", "from labels"  # readings


class ClassSpacing(NamedTuple):
    """What the labels say of a class; lengths in the unit of the network. NaN: nothing could be measured."""

    level: str
    class_name: str
    instances: int
    most: int  # instances in a shape
    points: float  # median of an instance
    radius: float  # r80, the median over instances of the distance within which 80 % of the points are from the center
    distance: float  # tenth percentile of the distance from a center to the nearest other one of its class and shape

    @property
    def bandwidth(self) -> float:
        """Half of `distance`, in LIMITS; their end where no shape has two instances, which nothing then tears apart."""
        return LIMITS[1] if self.most < 2 else float(np.clip(self.distance / 2, *LIMITS))

    @property
    def push(self) -> float:
        """Lambda of Eq. 7: a quarter of the bandwidth, and none where no shape has two instances to push apart."""
        return PUSH * self.bandwidth if self.most >= 2 else 0.0


def measure_spacing(clouds: Sequence[Cloud], task: Task, pose: Callable[[int], Motion]) -> list[ClassSpacing]:
    """Measures every class that has instances, at every level that is scored.

    Args:
        clouds: of a split, in its order; a progress bar shows how far it is.
        task: of the data set.
        pose: how the cloud at a place of the split stands when it is evaluated.
    """
    found = defaultdict(list)  # (level, class) -> an array for each cloud: points, radius and distance [I, 3]
    each = (clouds[i] for i in range(len(clouds)))
    for place, cloud in enumerate(tqdm(each, "measuring", len(clouds), unit="cloud", leave=False)):
        xyz = pose(place).move(cloud.xyz)
        for k in task.scored:
            semantic, instance = cloud.labels[k]
            for c in task.levels[k].things:
                rows = np.flatnonzero((semantic == c) & (instance >= 0))
                if len(rows):
                    found[k, c].append(_measure(xyz[rows], instance[rows]))
    return [
        _summary(task.levels[k].name, task.levels[k].classes[c], found[k, c])
        for k in task.scored
        for c in task.levels[k].things
    ]


def values_from_labels(spacing: Iterable[ClassSpacing], given: ClusterConfig) -> dict[str, ByClass]:
    """Two readings that need no predictions.

    "paired classes only" is the given clustering without a push for classes that never have two instances in a training
    shape: there is nothing to push apart, and the direction of Eq. 7 is noise. "from labels" has the bandwidth and
    lambda that sizes and distances suggest.
    """
    paired, suggested = [], []
    for each in spacing:
        push = given.semantic_center_offset if each.most >= 2 else 0.0
        paired.append(ClassValues(each.level, each.class_name, given.bandwidth, push))
        suggested.append(ClassValues(each.level, each.class_name, each.bandwidth, each.push))
    return {PAIRED: ByClass.of(given, paired), FROM_LABELS: ByClass.of(given, suggested)}


def _measure(xyz: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Points, r80 and the distance to the nearest other center of each instance [I, 3]; without another NaN."""
    parts = [xyz[instance == each] for each in np.unique(instance)]
    centers = np.stack([part.mean(axis=0) for part in parts])
    radius = [np.quantile(np.linalg.norm(p - center, axis=1), 0.8) for p, center in zip(parts, centers)]
    apart = np.linalg.norm(centers[:, None] - centers, axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.where(len(parts) > 1, apart.min(axis=1), np.nan)
    return np.stack([[len(part) for part in parts], radius, nearest], axis=1)


def _summary(level: str, name: str, shapes: list[np.ndarray]) -> ClassSpacing:
    if not shapes:
        return ClassSpacing(level, name, 0, 0, np.nan, np.nan, np.nan)
    points, radius, distance = np.concatenate(shapes).T
    distance = distance[np.isfinite(distance)]
    tenth = float(np.quantile(distance, 0.1)) if len(distance) else np.nan
    most = max(len(each) for each in shapes)
    return ClassSpacing(level, name, len(points), most, float(np.median(points)), float(np.median(radius)), tenth)
