"""A path from semantic to instance features: the "two-dir" row of Table 4, and one half of ASIS."""

import tensorflow as tf

from instance_seg.fusion import PATHS
from instance_seg.layers import Composite, Unit, side_by_side


class SemanticPath(Composite):
    """One MLP layer A on the semantic features, added to the instance features or put beside them.

    The paper names no more than "one MLP layer"; adding is how ASIS does it. Gradient flows back along the path: the
    paper blames its loss of accuracy on worse semantics.

    Args:
        width: of A; the width of the instance features, if it is added.
        mode: "add" or "concat".
        gradient: False stops the gradient into the semantic features.
        activation_name: of A.
    """

    def __init__(
        self,
        width: int = 128,
        mode: str = "add",
        gradient: bool = True,
        activation_name: str = "leaky_relu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if mode not in PATHS[1:]:
            raise ValueError(f"mode={mode!r} is unknown; choose one of {PATHS[1:]}")
        self.mode, self.gradient = mode, gradient
        self.unit = Unit(width, activation_name, initializer=self.initializer, name="unit")

    def call(self, instance, semantic, training=False):
        """instance [N, C], semantic [N, C'] -> [N, C] ("add", C = width) or [N, C + width]."""
        semantic = semantic if self.gradient else tf.stop_gradient(semantic)
        moved = self.unit(semantic, training=training)
        return instance + moved if self.mode == "add" else side_by_side([instance, moved])
