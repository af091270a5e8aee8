"""A branch of PartNet's networks: hidden units with ReLU, then a linear layer."""

from collections.abc import Sequence

from instance_seg.backbones.pointnet2 import Mlp
from instance_seg.layers import Composite, Linear


class Branch(Composite):
    """[N, C] -> [N, outputs], float32.

    Args:
        widths: of the hidden units; with none the branch is linear.
        outputs: channels of the linear layer.
    """

    def __init__(self, widths: Sequence[int], outputs: int, **kwargs):
        super().__init__(**kwargs)
        self.mlp = Mlp(widths, initializer=self.initializer, name="hidden")
        self.output_layer = Linear(outputs, use_bias=True, initializer=self.initializer, dtype="float32", name="output")

    def call(self, features, training=False):
        return self.output_layer(self.mlp(features, training=training))
