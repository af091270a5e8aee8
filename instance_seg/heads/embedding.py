"""The heads of ASIS and JSNet: classes, and an embedding in which the points of an instance lie close together."""

from typing import NamedTuple

import keras
import tensorflow as tf

from instance_seg.fusion.asis import asis_exchange
from instance_seg.fusion.jsnet import jsnet_exchange
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion
from instance_seg.layers import Composite, Linear, Unit

FAMILIES = ("asis", "jsnet")
FUSIONS = ("none", "theirs", "own")
KEEP = 0.5  # of the features before each output, in training


class Embedded(NamedTuple):
    """What the network says of one level."""

    logits: tf.Tensor  # [N, S] float32
    embedding: tf.Tensor  # [N, E] float32


class EmbeddingHead(Composite):
    """F_sem, F_ins [N, C] -> Embedded.

    With S and I, a unit of each, and E = linear(dropout(I')), logits = linear(dropout(S')):

        none      I' = I, S' = S
        theirs    ASIS: I' = I + unit(S), S' the maximum of S over the `neighbors` nearest embeddings of the cloud in L1
                  that are no farther than `cutoff`. JSNet: see fusion.jsnet
        own       the paper's fusion in their place: I' = unit([P P^T-weighted means of I, I, xyz]) (Eq. 6), where P are
                  the probabilities of the class logits, without gradient

    JSNet has one more unit before each output; where the paper's fusion is, its unit takes that one's place.

    Args:
        family: whose layers, FAMILIES.
        fusion: FUSIONS.
        neighbors, cutoff: of ASIS' fusion alone.
    """

    def __init__(
        self,
        family: str,
        fusion: str,
        num_classes: int,
        embedding_size: int = 5,
        width: int = 128,
        neighbors: int = 30,
        cutoff: float = 0.5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        of = {"initializer": self.initializer}

        def unit(name):
            return Unit(width, "relu", name=name, **of)

        def output(size, name):
            return Linear(size, use_bias=True, dtype="float32", name=name, **of)

        self.semantic_unit, self.instance_unit = unit("semantic"), unit("instance")
        self.to_instance = self.to_semantic = self.fusion = None
        if fusion == "theirs":
            exchange = (
                asis_exchange(width, neighbors, "shifted", cutoff, activation_name="relu", **of)
                if family == "asis"
                else jsnet_exchange(width, activation_name="relu", **of)
            )
            self.to_instance, self.to_semantic = exchange
        if fusion == "own":
            self.fusion = SemanticAssistedFusion(transfer=False, order="paper", name="fusion", **of)
        last = family == "jsnet"
        self.semantic_last = unit("semantic_last") if last else None
        self.instance_last = unit("instance_last") if last or fusion == "own" else None
        self.semantic_dropout = keras.layers.Dropout(1 - KEEP, seed=0, name="semantic_dropout")
        self.instance_dropout = keras.layers.Dropout(1 - KEEP, seed=1, name="instance_dropout")
        self.logits, self.embedding = output(num_classes, "logits"), output(embedding_size, "embedding")

    def call(self, semantic, instance, xyz, row_splits, training=False):
        """semantic, instance [N, C]; xyz [N, 3]; row_splits [B + 1]."""
        semantic = self.semantic_unit(semantic, training=training)
        instance = self.instance_unit(instance, training=training)
        if self.to_instance is None:
            logits = self._classify(semantic, training)
            if self.fusion is not None:
                probabilities = tf.nn.softmax(logits)
                instance = self.fusion(instance, [probabilities], xyz, row_splits, training=training)
            return Embedded(logits, self._embed(instance, training))
        instance = self.to_instance(instance, semantic, training=training)
        embedding = self._embed(instance, training)
        semantic = self.to_semantic(semantic, instance, embedding, row_splits, training=training)
        return Embedded(self._classify(semantic, training), embedding)

    def _classify(self, x, training):
        x = x if self.semantic_last is None else self.semantic_last(x, training=training)
        return self.logits(self.semantic_dropout(x, training=training))

    def _embed(self, x, training):
        x = x if self.instance_last is None else self.instance_last(x, training=training)
        return self.embedding(self.instance_dropout(x, training=training))
