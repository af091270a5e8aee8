"""The fusion of ASIS (Wang et al., CVPR 2019, Section 3.2) for our heads; the row "ASIS fusion" of Table 4.

Semantic to instance: I' = I + one MLP layer of S. Instance to semantic: S' is the maximum of S over the nearest points
in the instance feature space, in the L1 norm, each point being its own nearest neighbor.
"""

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.fusion import SPACES
from instance_seg.fusion.two_direction import SemanticPath
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Layer


class NeighborPooling(Layer):
    """S' [N, C]: the maximum of S [N, C] over instance neighbors of the same shape; which they are has no gradient.

    Args:
        num_neighbors: how many, the point itself included.
        space: "features" looks for them among I' (the paper's words), "shifted" among p + O_I, the analog of the
            five-dimensional embedding of ASIS.
        cutoff: of "shifted" alone, in L1: a neighbor farther than this is left out; 0 = none is. ASIS has 0.5, which is
            tied to the margins of its embedding.
    """

    def __init__(self, num_neighbors: int = 30, space: str = "features", cutoff: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        if space not in SPACES:
            raise ValueError(f"space={space!r} is unknown; choose one of {SPACES}")
        self.num_neighbors, self.space = num_neighbors, space
        self.cutoff = cutoff if space == "shifted" else 0.0

    def call(self, semantic, instance, shifted, row_splits, training=False):
        """semantic, instance [N, C]; shifted [N, 3]; row_splits [B + 1]."""
        where = tf.stop_gradient(instance if self.space == "features" else shifted)
        index, distance = ops.nearest_neighbors(where, row_splits, where, row_splits, self.num_neighbors, "l1")
        if self.cutoff:
            index = tf.where(distance > self.cutoff, -1, index)  # the point itself, at 0, remains
        return ops.neighbor_max(semantic, index)


def asis_exchange(
    width: int = 128,
    num_neighbors: int = 30,
    space: str = "features",
    cutoff: float = 0.1,
    initializer: Initializer = RELEASED,
    activation_name: str = "leaky_relu",
) -> tuple[SemanticPath, NeighborPooling]:
    """The two layers: (I, S) -> I' and (S, I', shifted, row_splits) -> S'."""
    pooling = NeighborPooling(num_neighbors, space, cutoff, name="to_semantic")
    path = SemanticPath(width, "add", activation_name=activation_name, initializer=initializer, name="to_instance")
    return path, pooling
