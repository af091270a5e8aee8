"""What travels between the stages, and the one shape legend of the package.

Legend
    B  shapes in a batch
    N  points, all shapes of a batch one after the other
    M  octants (nodes) at a depth, all shapes of a batch one after the other
    K  kernel cells of a convolution (27 or 8)
    C  channels
    L  levels, coarse to fine; PartNet has three
    S  semantic classes of a level, class 0 = unlabelled ("other")
    I  instances of a shape at a level

Levels are always a sequence, index 0 = the coarsest. Tensors are [N, C] or [M, C].
"""

from typing import Any, NamedTuple

import numpy as np

Tensor = Any  # a tf.Tensor inside the graph, a np.ndarray outside of it


class Level(NamedTuple):
    """What is told apart at one level of a task."""

    number: int  # as printed, 1 = the coarsest
    name: str  # "coarse"; never empty, results are kept under it
    classes: tuple[str, ...]  # S names
    first_scored: int = 0  # class from which on points count: 1 for PartNet, whose class 0 is "other"
    things: tuple[int, ...] = ()  # classes that have instances
    scored: bool = True  # False: its labels are borrowed from a coarser level, and it is neither clustered nor measured


class Task(NamedTuple):
    """What a system learns of a data set."""

    dataset: str  # "partnet"
    subset: str  # "Chair"; "" where a data set is one task
    levels: tuple[Level, ...]  # coarse to fine

    @property
    def num_classes(self) -> tuple[int, ...]:
        """S of every level."""
        return tuple(len(level.classes) for level in self.levels)

    @property
    def scored(self) -> tuple[int, ...]:
        """Positions of the levels that are measured: (0, 2) for PartNet's Vase."""
        return tuple(k for k, level in enumerate(self.levels) if level.scored)


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
    normals: Tensor  # [N, 3] float32, unit length
    row_splits: Tensor  # [B + 1] int32; shape b owns the rows row_splits[b]:row_splits[b + 1]


class LevelLabels(NamedTuple):
    """Ground truth of one level."""

    semantic: Tensor  # [N] int32 in [0, S); 0 = unlabelled
    instance: Tensor  # [N] int32; -1 = none
    instance_center: Tensor  # [N, 3] float32, centre of the point's instance
    region_center: Tensor  # [N, 3] float32, centre of the semantic region (paper, Section 3.3)


class LevelPrediction(NamedTuple):
    """What the network says of one level."""

    logits: Tensor  # [N, S] float32
    instance_offset: Tensor  # [N, 3] float32, O_I: point -> instance centre
    region_offset: Tensor  # [N, 3] float32, O_S: point -> semantic region centre


class ShapeLevel(NamedTuple):
    """One test shape at one level after clustering, everything the metrics look at (NumPy)."""

    gt_semantic: Tensor  # [N] int32; 0 = unlabelled
    gt_instance: Tensor  # [N] int32; -1 = none
    semantic: Tensor  # [N] int32, predicted class
    instance: Tensor  # [N] int32, predicted instance id, 0..I-1
    entropy: Tensor  # [N] float32, entropy (nats) of the predicted probabilities
