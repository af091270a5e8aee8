"""Per-level head whose semantic and instance branches exchange features, as in ASIS and JSNet."""

from typing import NamedTuple

import keras
import tensorflow as tf

from instance_seg.layers import Composite, Linear, Unit
from instance_seg.structures import LevelPrediction


class Exchange(NamedTuple):
    """How the branches S and I, [N, width] each, exchange features; layers with weights of their own."""

    to_instance: keras.layers.Layer  # (I, S) -> I'
    to_semantic: keras.layers.Layer  # (S, I', shifted points [N, 3], row_splits) -> S'
    unit_before_output: bool  # a unit of the head's width between I' or S' and its outputs


class ExchangeHead(Composite):
    """F_sem, F_ins [N, C] -> LevelPrediction; the hidden units are those of the other heads.

    The instance branch is finished first: the semantic one may look at the points it has shifted.
    """

    def __init__(self, exchange: Exchange, num_classes: int, width: int = 128, num_hidden: int = 2, **kwargs):
        super().__init__(**kwargs)

        def units(branch, count):
            return [Unit(width, initializer=self.initializer, name=f"{branch}_{i}") for i in range(count)]

        def output(size, name):
            return Linear(size, use_bias=True, initializer=self.initializer, dtype="float32", name=name)

        self.semantic_hidden = units("semantic_hidden", num_hidden)
        self.instance_hidden = units("instance_hidden", num_hidden)
        self.to_instance, self.to_semantic = exchange.to_instance, exchange.to_semantic
        extra = exchange.unit_before_output
        self.semantic_last = [Unit(width, initializer=self.initializer, name="semantic_last")] if extra else []
        self.instance_last = [Unit(width, initializer=self.initializer, name="instance_last")] if extra else []
        self.logits = output(num_classes, "logits")
        self.offsets = output(6, "offsets")

    def call(self, semantic, instance, xyz, row_splits, training=False):
        """semantic, instance [N, C]; xyz [N, 3]; row_splits [B + 1]."""
        semantic = _through(self.semantic_hidden, semantic, training)
        instance = _through(self.instance_hidden, instance, training)
        instance = self.to_instance(instance, semantic, training=training)
        offsets = tf.split(self.offsets(_through(self.instance_last, instance, training)), 2, axis=1)
        semantic = self.to_semantic(semantic, instance, xyz + offsets[0], row_splits, training=training)
        return LevelPrediction(self.logits(_through(self.semantic_last, semantic, training)), *offsets)


def _through(units, x, training):
    for unit in units:
        x = unit(x, training=training)
    return x
