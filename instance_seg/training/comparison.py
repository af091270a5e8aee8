"""What TensorBoard's HParams dashboard compares runs by: their settings, and measures over all levels."""

import pathlib

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from instance_seg.config import Config, variant_label
from instance_seg.report.results import row_of
from instance_seg.training.evaluate import Evaluation

FOLDER = "comparison"
SETTINGS = (
    *("category", "level", "seed", "backbone", "fusion", "stop_gradient", "hard_assign", "semantic_path"),
    *("depth", "head_width", "max_iter", "train_batch_size", "points_per_shape", "learning_rate", "offset_loss"),
    *("bandwidth", "semantic_center_offset", "region_push"),
)


class Comparison:
    """The settings of a run, and its measures after each evaluation.

    They have a folder of their own among the run's logs: the dashboard takes every scalar beside the settings for a
    measure, and there would be one for each term of the loss.

    Args:
        folder: of the run's TensorBoard logs.
        config: settings; written here and now.
    """

    def __init__(self, folder: pathlib.Path, config: Config):
        self._writer = tf.summary.create_file_writer(str(folder / FOLDER))
        given = config.flat()
        chosen = {"variant": variant_label(config), "preset": config.preset, **{name: given[name] for name in SETTINGS}}
        with self._writer.as_default():
            hparams.hparams(chosen)
        self._writer.flush()

    def write(self, evaluation: Evaluation, step: int) -> None:
        """Means over the levels in both rows: with_region_centers/AP50 and so on."""
        rows = {name: getattr(evaluation, name) for name in ("with_region_centers", "without_region_centers")}
        with self._writer.as_default():
            for name, levels in rows.items():
                for measure, value in row_of(levels)["mean"].items():
                    if value is not None:
                        tf.summary.scalar(f"{name}/{measure}", value, step=step)
        self._writer.flush()
