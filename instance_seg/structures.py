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

Tensor = Any  # a tf.Tensor inside the graph, a np.ndarray outside of it


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
