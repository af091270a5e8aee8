"""What TensorBoard shows of an evaluation: the measures of every level, and panels as the paper's figures."""

import numpy as np
import tensorflow as tf

from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.report.figures import panel_columns
from instance_seg.report.pictures import render_panel
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
        for row, (xyz, normals, levels) in enumerate(evaluation.samples):
            panels = [render_panel(panel_columns(xyz, columns, normals)) for columns in levels.values()]
            tf.summary.image(f"shape_{row}", np.stack(panels), step=step, max_outputs=len(panels))
