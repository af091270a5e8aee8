"""Settings of the measures."""

from dataclasses import dataclass

from instance_seg.metrics import METRICS
from instance_seg.metrics.average_precision import ARITHMETICS, PUBLISHED
from instance_seg.options import Settings, option


@dataclass(frozen=True)
class MetricConfig(Settings):
    """What is measured, and where the published figures depend on the machine's arithmetic."""

    metrics: tuple[str, ...] = option(
        (), f"measures: {', '.join(METRICS)}, or MODULE:CLASS of your own; empty: those of the data set", free=True
    )

    ap_arithmetic: str = option(
        PUBLISHED,
        "in which average precision compares recall with its levels: float32: the published figures (NumPy 1); "
        "float64: PartNet's script under NumPy 2",
        ARITHMETICS,
    )
