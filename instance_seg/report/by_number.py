"""Results with their levels by number, as the tables here take them."""

from collections.abc import Mapping
from typing import Any

from instance_seg.data.partnet.taxonomy import LEVEL_NAMES

MEASURES = ("AP25", "AP50", "AP75", "sAP50", "mIoU")
WITH, WITHOUT = "with region centers", "without region centers"
OURS = "this program"  # the name of our rows among the paper's


def by_number(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both readings of a run, {"levels": {"1": ...}, "mean", "without_region_centers"}; what is so already stays."""
    if "readings" not in results:
        return results
    rows = []
    for name in (WITH, WITHOUT):
        reading = results["readings"][name]
        levels = {str(LEVEL_NAMES.index(level) + 1): entry for level, entry in reading["levels"].items()}
        rows.append({"levels": levels, "mean": reading["mean"]})
    settings = results["readings"][WITH]["settings"]
    run = {**results["run"], **settings, "category": results["run"]["subset"]}
    return {"run": run, **rows[0], "without_region_centers": rows[1]}


def rows_of(results: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Both rows of a run: {name: {"levels", "mean"}}."""
    return {WITH: results, WITHOUT: results["without_region_centers"]}


def level_name(index: int) -> str:
    """The paper's name of a level, 0 = coarsest."""
    return LEVEL_NAMES[index].capitalize()


def arithmetic_of(run: Mapping[str, Any]) -> str:
    """In which arithmetic a run's average precisions were computed."""
    return run.get("ap_arithmetic", "")


def levels_and_mean(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """One row of a run: its levels by number, and the mean of every measure over those where it is defined."""
    means = {}
    for name in MEASURES:
        values = [entry[name] for entry in entries.values() if entry[name] is not None]
        means[name] = sum(values) / len(values) if values else None
    return {"levels": dict(entries), "mean": means}
