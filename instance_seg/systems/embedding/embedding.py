"""ASIS (Wang et al., CVPR 2019) and JSNet (Zhao and Tao, AAAI 2020), with their fusion, the paper's, or none (Table 7).

A backbone with two decoders, a head per level, mean-shift of the embedding of all points of a cloud, whatever their
class; an instance has the class of most of its points.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals, find_instances
from instance_seg.heads.embedding import Embedded, EmbeddingHead
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.discriminative import discriminative_loss
from instance_seg.losses.segmentation import average, cross_entropy
from instance_seg.structures import Batch, Cloud, Points, Segmented, Task, Tensor
from instance_seg.systems.embedding.settings import EmbeddingGrouping, EmbeddingSettings
from instance_seg.systems.system import System, make_backbone


class EmbeddingReadout(NamedTuple):
    """What grouping needs of the points of a batch at one level."""

    semantic: Tensor  # [N] int32, likeliest class
    embedding: Tensor  # [N, E] float32
    certainty: Tensor  # [N] float32, negative entropy (nats)


class Embedding(System):
    """Classes and an embedding of every point, per level."""

    Settings = EmbeddingSettings

    def __init__(self, settings: EmbeddingSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        s = settings
        self.backbone = make_backbone(s, task, initializer)
        self.mean_sizes = [
            self.add_weight(name=f"mean_size_{k}", shape=(len(level.classes),), initializer="zeros", trainable=False)
            for k, level in enumerate(task.levels)
        ]
        self.heads = [
            EmbeddingHead(
                s.family,
                s.fusion,
                len(level.classes),
                s.embedding_size,
                s.head_width,
                s.asis_neighbors,
                s.asis_cutoff,
                initializer=initializer,
                name=f"level_{k}",
            )
            for k, level in enumerate(task.levels)
        ]

    def call(self, points: Points, tables, *, phase="", training=False) -> tuple[Embedded, ...]:
        """One Embedded per level; `tables` are the backbone's."""
        semantic, instance = self.backbone.at_points(points, tables, training=training)
        return tuple(head(semantic, instance, points.xyz, points.row_splits, training=training) for head in self.heads)

    def losses(self, outputs: tuple[Embedded, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "classes/semantic", "classes/variance", ... for every level; points without a class take no part."""
        terms, weights, row_splits = {}, self.settings.loss, batch.points.row_splits
        for level, said, labels in zip(self.task.levels, outputs, batch.labels, strict=True):
            known = labels.semantic >= level.first_scored
            entropy = cross_entropy(said.logits, tf.maximum(labels.semantic, 0))
            semantic = average(entropy, tf.cast(known, entropy.dtype), row_splits, "point")
            instance = tf.where(known, labels.instance, -1)
            apart = discriminative_loss(said.embedding, instance, row_splits)
            terms[f"{level.name}/semantic"] = weights.semantic_weight * semantic
            terms[f"{level.name}/variance"] = weights.discriminative_weight * apart.variance
            terms[f"{level.name}/distance"] = weights.discriminative_weight * apart.distance
            terms[f"{level.name}/regularizer"] = weights.regularizer_weight * apart.regularizer
        return terms

    @classmethod
    def readings(cls, settings: EmbeddingSettings) -> Mapping[str, EmbeddingGrouping]:
        """One, which says whether it is of every point of a room."""
        whole = settings.grouping.every_point
        return {"mean-shift, every point" if whole else "mean-shift": settings.grouping}

    def readout(self, outputs: tuple[Embedded, ...]) -> tuple[EmbeddingReadout, ...]:
        """One for each level."""
        levels = []
        for said in outputs:
            log_p = tf.nn.log_softmax(said.logits)
            semantic = tf.argmax(said.logits, axis=1, output_type=tf.int32)
            levels.append(EmbeddingReadout(semantic, said.embedding, tf.reduce_sum(tf.exp(log_p) * log_p, axis=1)))
        return tuple(levels)

    def segment(
        self, readout: tuple[EmbeddingReadout, ...], points: Points, reading: EmbeddingGrouping
    ) -> list[tuple[Segmented, ...]]:
        """The clusters of every cloud at every level."""
        found = []
        for level, said in zip(self.task.levels, readout, strict=True):
            labels = cluster_regions(
                np.float32(said.embedding),
                points.row_splits,
                reading.embedding_bandwidth,
                reading.clustering,
                reading.clustering_device,
            )
            of_level = []
            for a, b in zip(points.row_splits[:-1], points.row_splits[1:]):
                semantic, certainty = np.asarray(said.semantic[a:b]), np.asarray(said.certainty[a:b])
                proposals = as_proposals(labels[a:b], semantic, certainty, len(level.classes))
                of_level.append(Segmented(semantic, proposals, certainty))
            found.append(of_level)
        return list(zip(*found))

    def conclude(self, levels: tuple[Segmented, ...], reading: EmbeddingGrouping) -> tuple[Segmented, ...]:
        """Keeps the instances with more points than `min_share` of the mean training instance of their class."""
        kept = []
        for segmented, mean_size in zip(levels, self.mean_sizes, strict=True):
            proposals, limit = segmented.proposals, reading.min_share * np.asarray(mean_size)
            large = np.flatnonzero(proposals.size > limit[proposals.label])
            kept.append(segmented._replace(proposals=proposals.chosen(large)))
        return tuple(kept)

    def calibrate(self, clouds: Sequence[Cloud]) -> dict[str, Any]:
        """Measures the mean number of points of the training instances of each class, as truncated integers.

        Points are counted over all portions of a whole: those of a room's blocks that overlap count twice.
        """
        wholes = getattr(clouds, "wholes", np.arange(len(clouds) + 1))
        found = {}
        for k, level in enumerate(self.task.levels):
            sizes = [[] for _ in level.classes]
            for begin, end in zip(wholes[:-1], wholes[1:]):
                parts = [clouds[i].labels[k] for i in range(begin, end)]
                semantic, instance = (np.concatenate(arrays) for arrays in zip(*parts))
                known = (semantic >= level.first_scored) & (instance >= 0)
                instances = find_instances(instance[known], semantic[known], len(level.classes))
                for label, size in zip(instances.label, instances.size):
                    sizes[label].append(size)
            means = [int(np.mean(of_class)) if of_class else 0 for of_class in sizes]
            self.mean_sizes[k].assign(np.float32(means))
            found[f"{level.name}/mean_size"] = means
        return found
