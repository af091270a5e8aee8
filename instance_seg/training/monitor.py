"""What TensorBoard shows of an evaluation: the measures of every level, and segmented shapes."""

import numpy as np
import tensorflow as tf

from instance_seg.data.taxonomy import Taxonomy
from instance_seg.report.pictures import match_colors, render_panel
from instance_seg.report.results import MEASURES
from instance_seg.training.evaluate import Evaluation


class Monitor:
    """Writes evaluations to the current summary writer.

    Args:
        taxonomy: names the levels that exist.
    """

    def __init__(self, taxonomy: Taxonomy):
        self.taxonomy = taxonomy

    def write(self, evaluation: Evaluation, step: int) -> None:
        """Scalars test/level_k/AP50 and so on, without_region_centers/... for the other row, and pictures."""
        for prefix, row in (("test", evaluation.with_region_centers), ("without", evaluation.without_region_centers)):
            for k, metrics in row.items():
                for name in MEASURES:
                    tf.summary.scalar(f"{prefix}/level_{k + 1}/{name}", getattr(metrics, name), step=step)
        for row, sample in enumerate(evaluation.samples):
            panels = [self._panel(sample, k) for k in self.taxonomy.real_levels]
            tf.summary.image(f"shape_{row}", np.stack(panels), step=step, max_outputs=len(panels))

    def _panel(self, sample, level):
        found = sample.levels[level]
        predicted = match_colors(found.instance, found.gt_instance)
        return render_panel([("ground truth", sample.xyz, found.gt_instance), ("prediction", sample.xyz, predicted)])
