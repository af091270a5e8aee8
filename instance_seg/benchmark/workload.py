"""What is timed: shapes from a file, made-up labels, and the network's own training step on them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.benchmark.operations import Call, count
from instance_seg.building import build_system
from instance_seg.config import Config
from instance_seg.data.batches import Split, evaluation_batch
from instance_seg.data.pipeline import Tables, build_batch
from instance_seg.data.targets import CenterTargets
from instance_seg.presets import load_config
from instance_seg.structures import Batch, Cloud, Labels, Level, Task
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.step import Step

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


def make_task(num_classes: tuple[int, ...] = NUM_CLASSES) -> Task:
    """Levels of so many classes, the first of each "other"."""
    levels = [
        Level(k + 1, f"level {k + 1}", tuple(map(str, range(count))), 1, tuple(range(1, count)))
        for k, count in enumerate(num_classes)
    ]
    return Task("benchmark", "", tuple(levels), num_features=3, directions=1)


def make_split(shapes: Shapes, seed: int = 0) -> Split:
    """The shapes with labels: instances are the points nearest to random ones, classes random per instance."""
    rng = np.random.default_rng(seed)
    clouds = [_label(points, normals, rng) for points, normals in zip(*shapes)]
    return Split(clouds, make_task(), CenterTargets())


def _label(points: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> Cloud:
    levels = []
    for classes in NUM_CLASSES:
        seeds = points[rng.choice(len(points), INSTANCES)]
        instance = ((points[:, None] - seeds) ** 2).sum(axis=2).argmin(axis=1).astype(np.int16)
        levels.append(Labels(rng.integers(0, classes, INSTANCES).astype(np.int16)[instance], instance))
    return Cloud(points, normals, tuple(levels), "")


def make_batch(split: Split, batch_size: int, tables: Tables) -> Batch:
    """The first shapes, unaugmented, as the pipeline hands them over."""
    return build_batch(tf.nest.map_structure(tf.constant, evaluation_batch(split, 0, batch_size)), tables)


def load_settings(preset: str, depth: int, **more) -> Config:
    """A preset with another depth and other settings; the network keeps its widths, finest first.

    A deeper octree is full down to the coarsest depth that has a width.
    """
    unet = load_config(preset).network.backbone_settings
    coarsest = depth - len(unet.channels) + 1
    return load_config(preset, {"depth": depth, "full_depth": max(unet.full_depth, coarsest), **more})


class Work:
    """A system with its losses and its update on one batch, compiled as training compiles them.

    Of another task than that of the split it can only predict.
    """

    def __init__(self, config: Config, split: Split, batch_size: int, task: Task | None = None):
        self.system = build_system(config, task or split.task)
        self.batch = make_batch(split, batch_size, self.system.tables)
        optimizer = make_optimizer(config.schedule, [v.value for v in self.system.trainable_variables])
        self.step = Step(self.system, optimizer)
        signature = [tf.data.Dataset.from_tensors(self.batch).element_spec]
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

    def calls(self) -> list[Call]:
        """The layers' calls that multiply, of one forward pass."""
        return count(self.system, lambda: self._outputs(self.batch))

    def _outputs(self, batch):
        return self.system(batch.points, batch.tables, training=False)

    def _loss(self, batch):
        return tf.add_n(list(self.step.losses(batch, "", True).values()))

    def _update(self, batch):
        losses, _ = self.step.update(batch, tf.constant(0.01))
        return losses["total"]
