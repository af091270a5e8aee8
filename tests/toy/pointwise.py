"""A system of one's own: an MLP on each point, one offset, connected components, proposals at two distances."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from instance_seg.initializers import RELEASED
from instance_seg.layers import Linear, Unit
from instance_seg.options import Settings, group, option
from instance_seg.structures import Proposals, Segmented
from instance_seg.systems.system import System


@dataclass(frozen=True)
class Grouping(Settings):
    """How offsets become proposals."""

    radius: float = option(1.0, "points closer than this are of one blob, m", above=0, high=100)


@dataclass(frozen=True)
class PointwiseSettings(Settings):
    """Sizes of the network."""

    width: int = option(16, "width of the MLP", low=1, high=1024)
    color_steps: int = option(10, "updates before the offsets are learned", low=0, high=10**6)
    grouping: Grouping = group(Grouping, of_weights=False)


class Pointwise(System):
    """Classes from the color, offsets to the center of the blob from the place; first one, then both."""

    Settings = PointwiseSettings

    def __init__(self, settings, task, initializer=RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        self.hidden = Unit(settings.width, initializer=initializer)
        self.classes = [Linear(count, use_bias=True, initializer=initializer) for count in task.num_classes]
        self.offset = Linear(3, use_bias=True, initializer=initializer)

    def call(self, points, tables, *, phase="both", training=False):
        x = self.hidden(tf.concat([points.xyz / 10.0, points.features], axis=1), training=training)
        logits = tuple(layer(x) for layer in self.classes)
        return logits, self.offset(x) if phase == "both" else tf.zeros_like(points.xyz)

    def phase(self, step):
        return "both" if step >= self.settings.color_steps else "color"

    def losses(self, outputs, batch):
        logits, offset = outputs
        terms = {
            level.name: tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels.semantic, each))
            for level, labels, each in zip(self.task.levels, batch.labels, logits)
        }
        return terms | {"stay": tf.reduce_mean(tf.abs(offset))}

    @classmethod
    def readings(cls, settings):
        return {"components": settings.grouping}

    def segment(self, readout, points, reading):
        logits, offset = readout
        clouds = [slice(a, b) for a, b in zip(points.row_splits[:-1], points.row_splits[1:])]
        return [tuple(self._level(each[c], points.xyz[c] + offset[c], reading) for each in logits) for c in clouds]

    def _level(self, logits, shifted, reading):
        semantic, blobs = logits.argmax(axis=1).astype(np.int32), []
        for radius in (reading.radius, 2 * reading.radius):  # a wider one holds several of the narrower ones
            pairs = cKDTree(shifted).query_pairs(radius, output_type="ndarray")
            graph = csr_matrix((np.ones(len(pairs)), pairs.T), (len(shifted),) * 2)
            count, ids = connected_components(graph, directed=False)
            blobs += [(np.flatnonzero(ids == i), 1 / radius) for i in range(count)]
        points = np.concatenate([rows for rows, _ in blobs])
        splits = np.cumsum([0, *(len(rows) for rows, _ in blobs)])
        label = np.array([np.bincount(semantic[rows]).argmax() for rows, _ in blobs])
        return Segmented(semantic, Proposals(points, splits, label, np.float32([score for _, score in blobs])))
