"""Which bandwidth and lambda of a grid are best for each level and class. NumPy only."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from instance_seg.clustering.by_class import ByClass, ClassValues, things_of
from instance_seg.clustering.config import ClusterConfig
from instance_seg.evaluation.results import PER_CLASS
from instance_seg.options import shown
from instance_seg.structures import Task

BY_LEVEL, BY_CLASS = "calibrated by level", "calibrated"


def make_grid(given: ClusterConfig, bandwidths: Sequence[float], pushes: Sequence[float]) -> dict[str, ClusterConfig]:
    """Clusterings by name, the given one first; `pushes` are lambda in units of the bandwidth."""
    tried = [(h, round(h * push, 6)) for h in bandwidths for push in pushes]
    pairs = [(given.bandwidth, given.semantic_center_offset), *tried]
    return {
        f"h {h:g}, lambda {push:g}": dataclasses.replace(given, bandwidth=h, semantic_center_offset=push)
        for h, push in dict.fromkeys(pairs)
    }


def best_values(
    grid: Mapping[str, ClusterConfig], measured: Mapping[str, Mapping[str, Any]], task: Task, measure: str
) -> dict[str, ByClass]:
    """The readings "calibrated by level" and "calibrated": of each class of its own.

    A class of which no instance was seen, or for which nothing is better than what is best for its level, has the
    values of the level. Of equals the first of the grid counts.

    Args:
        grid: clusterings by name.
        measured: name -> {"levels": {level: {measure: value, "per_class": ...}}} (evaluation.evaluate).
        measure: by which they are compared; higher is better.

    Raises:
        ValueError: no such measure of levels and of classes.
    """
    names = list(grid)
    by_level, by_class = [], []
    for level, s in things_of(task):
        entries, name = [measured[each]["levels"][level.name] for each in names], level.classes[s]
        of_class = {m for entry in entries for each in entry[PER_CLASS].values() for m in each}
        if measure not in entries[0] or of_class and measure not in of_class:
            known = ", ".join(sorted(of_class & set(entries[0])))
            raise ValueError(f"--measure={shown(measure)}: levels and classes have {known}")
        own = [entry[PER_CLASS].get(name, {}).get(measure, np.nan) for entry in entries]
        best, own = np.argmax(np.nan_to_num([e[measure] for e in entries], nan=-1)), np.nan_to_num(own, nan=-1)
        chosen = best if own.max() == own[best] else np.argmax(own)
        for found, place in ((by_level, best), (by_class, chosen)):
            config = grid[names[place]]
            found.append(ClassValues(level.name, name, config.bandwidth, config.semantic_center_offset))
    return {BY_LEVEL: ByClass.of(grid[names[0]], by_level), BY_CLASS: ByClass.of(grid[names[0]], by_class)}
