"""Results and metrics made up for the report tests."""

from instance_seg.metrics.partnet import LevelMetrics
from instance_seg.report.results import build_results


def level_metrics(value, parts=("seat",)):
    """All measures of a level at `value` percent, AP25 5 points above, AP75 5 below."""
    per_part = {part: {"AP25": value + 5, "AP50": value, "AP75": value - 5, "instances": 3} for part in parts}
    return LevelMetrics(value + 5, value, value - 5, value, value, value, value, per_part, {})


def run_info(category="Chair", seed=0, variant="cross_level_fusion", dataset="procedural", **more):
    seconds = {"train": 10.0, "predict": 2.0, "cluster": 1, "metrics": 0.5}
    return {
        "category": category,
        "variant": variant,
        "preset": "demo",
        "seed": seed,
        "dataset": dataset,
        "iterations": 800,
        "semantic_center_offset": 0.05,
        "seconds": seconds,
        "ap_arithmetic": "float32",
        **more,
    }


def results(levels, without=None, **info):
    """Results with AP50 `levels[index]` at each level; `without` for the row without region centers."""
    without = without or levels
    rows = [{index: level_metrics(value) for index, value in row.items()} for row in (levels, without)]
    return build_results(run_info(**info), *rows)
