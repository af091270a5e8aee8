"""From a system and batches to what its instances are read off."""

from typing import Any

import numpy as np
import tensorflow as tf

from instance_seg.structures import Batch
from instance_seg.systems.system import System


class Predictor:
    """Runs a system over batches, in inference mode.

    Args:
        system: built.
        element_spec: of the batches.
    """

    def __init__(self, system: System, element_spec: Batch):
        self.system, self._spec = system, element_spec
        self._by_batch_size = {}  # one graph each: the fusion wants to know the number of clouds

    def __call__(self, batch: Batch) -> Any:
        """The readout of a batch, a nest of NumPy arrays."""
        readout = self._graph(len(batch.points.row_splits))(batch)
        return tf.nest.map_structure(lambda x: np.asarray(x), readout)

    def prepare(self, batch: Batch) -> None:
        """Builds the graph for batches of so many clouds, and runs it once: the first run takes longer than others."""
        if len(batch.points.row_splits) not in self._by_batch_size:
            self(batch)

    def _graph(self, num_splits: int):
        if num_splits not in self._by_batch_size:
            points = self._spec.points._replace(row_splits=tf.TensorSpec([num_splits], tf.int32))
            signature = [self._spec._replace(points=points)]
            self._by_batch_size[num_splits] = tf.function(self._predict, input_signature=signature)
        return self._by_batch_size[num_splits]

    def _predict(self, batch):
        return self.system.readout(self.system.infer(batch.points, batch.tables))
