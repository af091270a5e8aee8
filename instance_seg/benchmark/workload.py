"""What is timed: shapes from a file, made-up labels, and the network's own training step on them."""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from instance_seg.config import Config, load_config
from instance_seg.data.batches import evaluation_batch
from instance_seg.data.partnet.dataset import PartNetDataset, Shape, ShapeLevelData
from instance_seg.data.pipeline import Batch, OctreeConfig, build_batch
from instance_seg.data.targets import center_tables
from instance_seg.losses.segmentation import segmentation_losses, weight_decay
from instance_seg.schedule import Momentum
from instance_seg.systems.semantic_assisted import SemanticAssistedNetwork
from instance_seg.training.trainer import apply_network

NUM_CLASSES = (6, 30, 39)  # of PartNet's Chair
INSTANCES = 12  # of each level


class Shapes(NamedTuple):
    """Point clouds of equal size."""

    points: np.ndarray  # [B, N, 3] float32, inside the unit sphere
    normals: np.ndarray  # [B, N, 3] float32


def read_shapes(path: str) -> Shapes:
    """Reads "points" and "normals" [B, N, 3] of an .npz file. ValueError naming the file if they are not there."""
    try:
        with np.load(path) as stored:
            shapes = Shapes(stored["points"].astype(np.float32), stored["normals"].astype(np.float32))
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"--shapes={path}: want an .npz file with arrays points and normals ({error})") from error
    if shapes.points.ndim != 3 or shapes.points.shape[2] != 3 or shapes.points.shape != shapes.normals.shape:
        raise ValueError(
            f"--shapes={path}: points {shapes.points.shape} and normals {shapes.normals.shape} must both be [B, N, 3]"
        )
    return shapes


def make_dataset(shapes: Shapes, seed: int = 0) -> PartNetDataset:
    """The shapes with labels: instances are the points nearest to random ones, classes random per instance."""
    rng = np.random.default_rng(seed)
    made = [_label(points, normals, rng) for points, normals in zip(*shapes)]
    return PartNetDataset("Chair", "benchmark", tuple(made))


def _label(points: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> Shape:
    levels = []
    for classes in NUM_CLASSES:
        seeds = points[rng.choice(len(points), INSTANCES)]
        instance = ((points[:, None] - seeds) ** 2).sum(axis=2).argmin(axis=1).astype(np.int16)
        semantic = rng.integers(0, classes, INSTANCES).astype(np.int16)[instance]
        levels.append(ShapeLevelData(semantic, instance, center_tables(points, semantic, instance, classes)))
    return Shape(points, normals, tuple(levels), "", "")


def make_batch(dataset: PartNetDataset, batch_size: int, depth: int) -> Batch:
    """The first shapes, unaugmented, as the pipeline hands them over."""
    sample = tf.nest.map_structure(tf.constant, evaluation_batch(dataset, 0, batch_size))
    return build_batch(sample, OctreeConfig(depth))


def load_settings(preset: str, depth: int, **more) -> Config:
    """A preset with another depth and other settings; the network keeps its widths, finest first.

    A deeper octree is full down to the coarsest depth that has a width.
    """
    network = load_config(preset).network
    coarsest = depth - len(network.channels) + 1
    return load_config(preset, {"depth": depth, "full_depth": max(network.full_depth, coarsest), **more})


class Step:
    """The network with its losses and its update, compiled as training compiles them.

    With other classes than those of the batch's labels it can only predict.
    """

    def __init__(self, config: Config, batch: Batch, num_classes: tuple[int, ...] = NUM_CLASSES):
        keras.utils.set_random_seed(0)
        self.config, self.batch = config, batch
        self.model = SemanticAssistedNetwork(config.network, num_classes)
        apply_network(self.model, batch, training=False)  # creates the variables
        self.variables = [v.value for v in self.model.trainable_variables]
        self.optimizer = Momentum(self.variables, config.schedule.momentum)
        signature = [tf.data.Dataset.from_tensors(batch).element_spec]
        self._train, self._forward, self._predict = (
            tf.function(f, input_signature=signature) for f in (self._update, self._loss, self._outputs)
        )

    def train(self) -> float:
        """Forward, losses, backward, update: the loss."""
        return float(self._train(self.batch))

    def forward(self) -> float:
        """Forward with the statistics of the batch, and the losses: the loss."""
        return float(self._forward(self.batch))

    def predict(self) -> None:
        """Forward with the moving statistics."""
        tf.nest.map_structure(lambda x: x.numpy(), self._predict(self.batch))

    def _outputs(self, batch):
        return apply_network(self.model, batch, training=False)

    def _loss(self, batch):
        predictions = apply_network(self.model, batch, training=True)
        terms = segmentation_losses(predictions, batch.labels, batch.points, self.config.loss)
        return tf.add_n([*terms.values(), weight_decay(self.variables, self.config.loss.weight_decay)])

    def _update(self, batch):
        with tf.GradientTape() as tape:
            loss = self._loss(batch)
        self.optimizer.apply(tape.gradient(loss, self.variables), self.variables, tf.constant(0.01))
        return loss
