"""Results made up for tests."""

from instance_seg.data.partnet.taxonomy import LEVEL_NAMES
from instance_seg.evaluation.results import build_results

WITH, WITHOUT = "with region centers", "without region centers"
SETTINGS = {"bandwidth": 0.1, "semantic_center_offset": 0.05, "region_push": "unit"}


def level_entry(value, classes=("seat",)):
    """All measures of a level at `value` percent, AP25 5 points above, AP75 5 below."""
    per_class = {name: {"AP25": value + 5, "AP50": value, "AP75": value - 5, "instances": 3} for name in classes}
    return {"AP25": value + 5, "AP50": value, "AP75": value - 5, "sAP50": value, "mIoU": value, "per_class": per_class}


def run_info(subset="Chair", seed=0, variant="cross_level_fusion", dataset="procedural", **more):
    return {
        "task": "partnet",
        "dataset": dataset,
        "subset": subset,
        "variant": variant,
        "preset": "demo",
        "seed": seed,
        "iterations": 800,
        "seconds": {"train": 10.0, "predict": 2.0, "cluster": 1, "metrics": 0.5},
        "ap_arithmetic": "float32",
        **more,
    }


def readings(levels, without=None, **settings):
    """Readings with AP50 `levels[index]` at each level; `without` for the one without region centers."""
    given = SETTINGS | settings
    none = given | {"semantic_center_offset": 0.0, "region_push": "unit"}
    rows = {WITH: (given, levels), WITHOUT: (none, without or levels)}
    return {
        name: {"settings": how, "levels": {LEVEL_NAMES[k]: level_entry(value) for k, value in measured.items()}}
        for name, (how, measured) in rows.items()
    }


def results(levels, without=None, **info):
    """Results with these readings; `info` are keys of the run, or settings of the clustering."""
    settings = {name: info.pop(name) for name in SETTINGS if name in info}
    return build_results(run_info(**info), readings(levels, without, **settings))
