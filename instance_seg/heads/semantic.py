"""Per-level semantic head: hidden units, then logits (paper, Section 3.1)."""

from collections.abc import Callable

from instance_seg.layers import Composite, Linear, Unit


class SemanticHead(Composite):
    """F_sem [N, C] -> class logits [N, num_classes].

    The paper's text says "a two-layer MLP" (num_hidden = 1); the released program has two hidden units and the output.
    `make_unit(width, initializer=..., name=...)` gives a hidden unit.
    """

    def __init__(
        self, num_classes: int, width: int = 128, num_hidden: int = 2, make_unit: Callable[..., Unit] = Unit, **kwargs
    ):
        super().__init__(**kwargs)
        self.hidden = [make_unit(width, initializer=self.initializer, name=f"hidden_{i}") for i in range(num_hidden)]
        self.output_layer = Linear(
            num_classes, use_bias=True, initializer=self.initializer, dtype="float32", name="logits"
        )

    def call(self, features, training=False):
        for unit in self.hidden:
            features = unit(features, training=training)
        return self.output_layer(features)
