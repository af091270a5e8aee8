"""What travels between the stages, and the one shape legend of the package.

Legend
    B  shapes in a batch
    N  points, all shapes of a batch one after the other
    M  octants (nodes) at a depth, all shapes of a batch one after the other
    K  kernel cells of a convolution (27 or 8)
    C  channels
    L  levels, coarse to fine; PartNet has three
    S  semantic classes of a level, class 0 = unlabeled ("other")
    I  instances of a shape at a level

Levels are always a sequence, index 0 = the coarsest. Tensors are [N, C] or [M, C].
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

# Rotations that take the axis which points up to y; columns are where x, y and z go.
UPRIGHT = {
    "x": np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
}

Tensor = Any  # a tf.Tensor inside the graph, a np.ndarray outside of it


class Level(NamedTuple):
    """What is told apart at one level of a task."""

    number: int  # as printed, 1 = the coarsest
    name: str  # "coarse"; never empty, results are kept under it
    classes: tuple[str, ...]  # S names
    first_scored: int = 0  # class from which on points count: 1 for PartNet, whose class 0 is "other"
    things: tuple[int, ...] = ()  # classes that have instances; not "other", nor floor and wall
    scored: bool = True  # False: its labels are borrowed from a coarser level, and it is neither clustered nor measured


class Task(NamedTuple):
    """What a system learns of a data set."""

    dataset: str  # "partnet"
    subset: str  # "Chair"; "" where a data set is one task
    levels: tuple[Level, ...]  # coarse to fine
    num_features: int = 0  # F of its clouds
    directions: int = 0  # the features of a point begin with so many vectors, three numbers each, which turn with it

    @property
    def num_classes(self) -> tuple[int, ...]:
        """S of every level."""
        return tuple(len(level.classes) for level in self.levels)

    @property
    def scored(self) -> tuple[int, ...]:
        """Positions of the levels that are measured: (0, 2) for PartNet's Vase."""
        return tuple(k for k, level in enumerate(self.levels) if level.scored)

    @property
    def measured_at(self) -> tuple[int, ...]:
        """For every level the position of the one whose instances it shows: its own, or a coarser one if not scored."""
        return tuple(max(j for j in self.scored if j <= k) for k in range(len(self.levels)))


class Labels(NamedTuple):
    """The labels of a cloud at one level (NumPy, or tensors in a batch)."""

    semantic: Tensor  # [N] int32 in [0, S); -1 = ignored
    instance: Tensor  # [N] int32; -1 = none


class Cloud(NamedTuple):
    """One point cloud as a data set gives it (NumPy)."""

    xyz: np.ndarray  # [N, 3] float32
    features: np.ndarray  # [N, F] float32; PartNet: normals. F may be 0
    labels: tuple[Labels, ...]  # one for each level of the task; () where nothing is known
    name: str


class Points(NamedTuple):
    """A batch of point clouds of differing size."""

    xyz: Tensor  # [N, 3] float32, inside [-1, 1]
    features: Tensor  # [N, F] float32; PartNet: normals of unit length
    row_splits: Tensor  # [B + 1] int32; shape b owns the rows row_splits[b]:row_splits[b + 1]


class Batch(NamedTuple):
    """What a system is trained on or evaluated with."""

    points: Points  # the labeled points
    tables: Any  # of the system's backbone, for all points of the clouds
    labels: tuple[Labels, ...]  # of `points`, one for each level; () where nothing is known
    targets: Any  # what the system aims at besides labels, of `points`
    index: Tensor  # [B] int32, places in the data set


class LevelPrediction(NamedTuple):
    """What the network says of one level."""

    logits: Tensor  # [N, S] float32
    instance_offset: Tensor  # [N, 3] float32, O_I: point -> instance center
    region_offset: Tensor  # [N, 3] float32, O_S: point -> semantic region center


class LevelReadout(NamedTuple):
    """What clustering and measuring need to know of the points of a batch at one level."""

    semantic: Tensor  # [N] int32, likeliest class
    instance_offset: Tensor  # [N, 3] float32, O_I
    region_offset: Tensor  # [N, 3] float32, O_S
    certainty: Tensor  # [N] float32, negative entropy (nats) over all classes
    probabilities: Tensor | None = None  # [N, S] float32, for readings across classes


class Proposals(NamedTuple):
    """The instances found in one cloud at one level (NumPy). They may overlap; a partition is a special case."""

    points: np.ndarray  # [T] int, rows of the cloud, proposal after proposal
    row_splits: np.ndarray  # [P + 1] int; proposal p has points[row_splits[p]:row_splits[p + 1]]
    label: np.ndarray  # [P] int, class
    score: np.ndarray  # [P] float32, confidence

    @property
    def size(self) -> np.ndarray:
        """[P] number of points."""
        return np.diff(self.row_splits)

    @property
    def of_entry(self) -> np.ndarray:
        """[T] which proposal each entry of `points` belongs to."""
        return np.repeat(np.arange(len(self.label)), self.size)

    def chosen(self, kept: Sequence[int]) -> "Proposals":
        """The proposals at the positions `kept`, in that order."""
        kept = np.asarray(kept, np.intp)
        size = self.size[kept]
        row_splits = np.concatenate([[0], np.cumsum(size)]).astype(self.row_splits.dtype)
        entries = np.arange(row_splits[-1]) + np.repeat(self.row_splits[kept] - row_splits[:-1], size)
        return Proposals(self.points[entries], row_splits, self.label[kept], self.score[kept])

    def instance(self, num_points: int) -> np.ndarray:
        """[num_points] int32, the proposal each point belongs to, of several the one of highest score; -1 = none."""
        ids = np.full(num_points, -1, np.int32)
        for p in np.argsort(self.score, kind="stable"):
            ids[self.points[self.row_splits[p] : self.row_splits[p + 1]]] = p
        return ids


class Segmented(NamedTuple):
    """What a system says of one cloud at one level (NumPy)."""

    semantic: np.ndarray  # [N] int32, class of every point
    proposals: Proposals
    certainty: np.ndarray | None = None  # [N] float32; where given, a metric may score parts of proposals anew by it
    shifted: np.ndarray | None = None  # [N, 3] float32, where grouping saw the points
    is_unlike: bool | None = None  # whether classes are uncertain, as of a cloud unlike the training's; None: not asked
