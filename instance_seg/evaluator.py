"""A system measured on a split, with the files that a run keeps of it."""

import contextlib
import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

from instance_seg.config import Config
from instance_seg.data.batches import Split
from instance_seg.data.data_set import DataSet
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.evaluation.evaluate import Evaluation, Measured
from instance_seg.evaluation.evaluate import evaluate as evaluate_readings
from instance_seg.evaluation.gallery import Gallery
from instance_seg.evaluation.predictor import Predictor
from instance_seg.files import replacing_folder
from instance_seg.options import Settings
from instance_seg.presets import variant_label
from instance_seg.structures import Cloud, Labels, Points
from instance_seg.systems.system import System
from instance_seg.viewer.page import VIEWER, write_viewer


class Evaluator:
    """Measures a system on a split, as often as it is asked to."""

    def __init__(self, config: Config, data_set: DataSet, system: System, clouds: Sequence[Cloud]):
        self.config, self.data_set, self.clouds = config, data_set, clouds
        self.metrics = config.metric.metrics or data_set.metrics
        Measured(system.task, self.metrics, config.metric)  # what it refuses is better refused before a training
        self.batches = evaluation_dataset(posed(config, data_set, clouds), config.data.test_batch_size, system.tables)
        self.predictor = Predictor(system, self.batches.element_spec)

    def readouts(self) -> Iterator[tuple[Any, Points, Sequence[Labels]]]:
        """What the system says of each batch, with its points and labels (NumPy)."""
        for batch in self.batches:
            yield self.predictor(batch), *tf.nest.map_structure(lambda x: x.numpy(), (batch.points, batch.labels))

    def run(
        self, readings: Mapping[str, Settings], logdir: pathlib.Path | None = None, num_samples: int = 0
    ) -> Evaluation:
        """`logdir`: gets the predictions, where the data set has files for them, and the viewer of some clouds."""
        gallery = None if logdir is None else Gallery(self.data_set.task())
        with contextlib.ExitStack() as stack:
            writer = None
            if logdir is not None and self.data_set.prediction_writer:
                folder = stack.enter_context(replacing_folder(logdir / "predictions"))
                writer = stack.enter_context(self.data_set.prediction_writer(folder, self.clouds))
            assemble = functools.partial(self.data_set.assembler, self.clouds)
            evaluation = evaluate_readings(
                self.predictor,
                self.batches,
                readings,
                self.metrics,
                self.config.metric,
                writer,
                num_samples,
                assemble,
                gallery,
            )
        if gallery and (shapes := gallery.shapes()):
            task, title = self.data_set.task(), f"{variant_label(self.config)}, preset {self.config.preset}"
            write_viewer(logdir / VIEWER, f"{task.subset or task.dataset} - {title}", task, shapes, self.data_set.up)
        return evaluation


def posed(config: Config, data_set: DataSet, clouds: Sequence[Cloud]) -> Split:
    """The clouds as an evaluation sees them."""
    return Split(clouds, data_set.task(), pose=functools.partial(data_set.pose, config.run.seed))
