"""Settings of test-time clustering."""

from dataclasses import dataclass

import numpy as np

from instance_seg.options import Settings, option
from instance_seg.structures import Level


@dataclass(frozen=True)
class ClusterConfig(Settings):
    """How predicted offsets become instances (paper, Section 3.3)."""

    bandwidth: float = option(0.1, "radius of mean-shift's flat kernel", low=1e-5, high=10)
    semantic_center_offset: float = option(
        0.05, "lambda of Eq. 7, the push away from the region center; 0: none", low=-10, high=10
    )
    kernel: str = option(
        "flat", "of mean-shift: flat (the paper's), or gaussian, of deviation bandwidth / 2.45", ("flat", "gaussian")
    )
    clustering: str = option("native", "mean-shift by our code, or by scikit-learn", ("native", "sklearn"), free=True)
    clustering_device: str = option(
        "auto", "of our mean-shift kernel; auto: a GPU, if there is one", ("auto", "cpu", "gpu"), free=True
    )
    eq7_guard: bool = option(True, "no push where Eq. 7 would divide by zero; off as in the released program")
    region_push: str = option(
        "unit", "length of the push: unit: lambda (Eq. 7); soft: ours, at most |O_I - O_S|", ("unit", "soft")
    )

    def of_classes(self, level: Level) -> tuple[np.ndarray, np.ndarray]:
        """Bandwidth and lambda of each class of a level, [S] float64 each."""
        return tuple(np.full(len(level.classes), x) for x in (self.bandwidth, self.semantic_center_offset))
