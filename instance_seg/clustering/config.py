"""Settings of test-time clustering."""

import math
from dataclasses import dataclass

from instance_seg.options import check_choices, option


@dataclass(frozen=True)
class ClusterConfig:
    """How predicted offsets become instances (paper, Section 3.3)."""

    bandwidth: float = option(0.1, "radius of mean-shift's flat kernel")
    semantic_center_offset: float = option(0.05, "lambda of Eq. 7, the push away from the region center; 0: none")
    clustering: str = option("native", "mean-shift by our kernel, or by scikit-learn", ("native", "sklearn"))
    eq7_guard: bool = option(True, "no push where Eq. 7 would divide by zero; off as in the released program")
    region_push: str = option(
        "unit", "length of the push: unit: lambda (Eq. 7); soft: ours, at most |O_I - O_S|", ("unit", "soft")
    )

    def __post_init__(self):
        check_choices(self)
        if not (math.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise ValueError(f"bandwidth={self.bandwidth}: must be positive and finite")
        if not math.isfinite(self.semantic_center_offset):
            raise ValueError(f"semantic_center_offset={self.semantic_center_offset}: must be finite")
