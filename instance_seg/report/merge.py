"""Networks of one level each, put together into the one row that the paper prints for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from instance_seg.evaluation.results import STAGES
from instance_seg.report.by_number import arithmetic_of, by_number, levels_and_mean
from instance_seg.report.paper import paper_tables

_SAME = ("variant", "preset", "seed", "dataset", "category", "bandwidth", "semantic_center_offset", "region_push")


def merge_levels(runs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Merges single-level runs (run.level > 0) that differ in their level only; other runs stay as they are.

    A merged run has the levels of all, means over these, the sums of seconds and parameters, and
    run.parameters_per_level = {"1": n, ...}. Of two runs of the same level the first one counts. Networks that the
    paper trains for all levels together are another row when they are trained for each: their variant says so.
    """
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for position, results in enumerate(map(by_number, runs)):
        run = results["run"]
        key = (*map(run.get, _SAME), arithmetic_of(run)) if run.get("level") else position
        groups.setdefault(key, []).append(results)
    return [_merge(members) if members[0]["run"].get("level") else members[0] for members in groups.values()]


def _merge(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_level: dict[int, Mapping[str, Any]] = {}
    for results in runs:
        by_level.setdefault(results["run"]["level"], results)
    runs = [by_level[level] for level in sorted(by_level)]
    infos = [results["run"] for results in runs]
    parameters = {str(info["level"]): info.get("parameters") for info in infos}
    run = {
        **infos[0],
        "variant": _label(infos[0]["variant"]),
        "level": 0,
        "iterations": max(info["iterations"] for info in infos),
        "seconds": {stage: sum(info["seconds"][stage] for info in infos) for stage in STAGES},
        "parameters": None if None in parameters.values() else sum(parameters.values()),
        "parameters_per_level": parameters,
        "commit": ", ".join(dict.fromkeys(filter(None, (info.get("commit") for info in infos)))) or None,
    }
    without = _join([results["without_region_centers"] for results in runs])
    return {**runs[0], "run": run, **_join(runs), "without_region_centers": without}


def _label(variant: str) -> str:
    return variant if variant.split()[0] in paper_tables()["one_network_per_level"] else f"{variant} per level"


def _join(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return levels_and_mean({number: entry for row in rows for number, entry in row["levels"].items()})
