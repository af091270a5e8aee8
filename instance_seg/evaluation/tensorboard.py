"""What TensorBoard shows of evaluations: measures, panels as the paper's figures, and runs beside one another."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from instance_seg.drawing.panels import panel_columns
from instance_seg.drawing.pictures import render_panel
from instance_seg.evaluation.evaluate import Evaluation
from instance_seg.evaluation.results import PER_CLASS, mean_over_levels
from instance_seg.evaluation.summary import MISSES_NOTE, misses_table

COMPARISON = "comparison"  # folder among the run's logs


def write_evaluation(evaluation: Evaluation, step: int, picture: Mapping[str, Any]) -> None:
    """To the current summary writer: scalars READING/LEVEL/MEASURE, a table of misses, a panel per level and sample.

    Args:
        picture: how panels are drawn, arguments of render_panel.
    """
    for name, reading in evaluation.readings.items():
        for level, entry in reading["levels"].items():
            for measure, value in entry.items():
                if measure != PER_CLASS:
                    tf.summary.scalar(f"{_tag(name)}/{level}/{measure}", value, step=step)
        tf.summary.text(f"{_tag(name)}/misses", f"{MISSES_NOTE}\n\n{misses_table(reading)}", step=step)
    for row, sample in enumerate(evaluation.samples):
        columns = (panel_columns(sample.xyz, *level, sample.normals) for level in sample.levels.values())
        panels = [render_panel(each, **picture) for each in columns]
        tf.summary.image(f"shape_{row}", np.stack(panels), step=step, max_outputs=len(panels))


class Comparison:
    """The settings of a run, and its measures after each evaluation, for the dashboard HParams.

    They have a folder of their own among the run's logs: the dashboard takes every scalar beside the settings for a
    measure, and there would be one for each term of the loss.

    Args:
        folder: of the run's TensorBoard logs.
        settings: names and plain values; written here and now.
    """

    def __init__(self, folder: pathlib.Path, settings: Mapping[str, Any]):
        self._writer = tf.summary.create_file_writer(str(folder / COMPARISON))
        with self._writer.as_default():
            hparams.hparams(dict(settings))
        self._writer.flush()

    def write(self, evaluation: Evaluation, step: int) -> None:
        """Means over the levels: READING/MEASURE."""
        with self._writer.as_default():
            for name, reading in evaluation.readings.items():
                for measure, value in mean_over_levels(reading["levels"]).items():
                    if value is not None:
                        tf.summary.scalar(f"{_tag(name)}/{measure}", value, step=step)
        self._writer.flush()


def _tag(name: str) -> str:
    return name.replace(" ", "_")
