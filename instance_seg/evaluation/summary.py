"""table.md of one run: its measures by reading, level and class, and why the first reading misses instances."""

from collections.abc import Mapping
from typing import Any

from instance_seg.evaluation.results import COUNTS, INSTANCES, PER_CLASS, STAGES
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.metrics.diagnosis import LOST, OUTCOMES, SPREAD
from instance_seg.tables import MISSING, capitalized, escape_markdown, markdown, percent

TABLE_NAME = "table.md"
MISSES_NOTE = (
    "What became of the true instances at an IoU of 0.5. Spread: mean distance of shifted points from the mean of "
    "their instance, which the bandwidth h has to bridge. Lost: percent of the points that have a wrong class, are in "
    "no proposal, or in one that is too small to count."
)
VALUES = ("bandwidth", "lambda")  # of a class, where a reading has them by class


def run_table(results: Mapping[str, Any]) -> str:
    """table.md of one run: its measures by reading and level, then those of every class of every level."""
    sections = [measures_text(results)]
    for level in next(iter(results["readings"].values()))["levels"]:
        sections += [f"## Classes, {escape_markdown(capitalized(level))}", _classes_table(results["readings"], level)]
    name, first = next(iter(results["readings"].items()))
    if first.get("misses"):
        sections += [f"## Why instances are missed, {escape_markdown(name)}", MISSES_NOTE, misses_table(first)]
    settings = {name: reading["settings"] for name, reading in results["readings"].items()}
    if by_class := {name: each["by_class"] for name, each in settings.items() if "by_class" in each}:
        sections += ["## Bandwidth and lambda by class", values_table(by_class)]
    return "\n\n".join(sections) + "\n"


def measures_text(results: Mapping[str, Any]) -> str:
    """The beginning of table.md: what the run was, and its measures by reading and level."""
    run = results["run"]
    seconds = ", ".join(f"{stage} {run['seconds'][stage]:.1f} s" for stage in STAGES)
    head = f"{run['subset'] or run['task']} - {run['variant']}, preset {run['preset']}, seed {run['seed']}"
    facts = f"Data {run['dataset']}, {run['iterations']} iterations; {seconds}. All measures in percent. "
    facts += arithmetic_note(run.get("ap_arithmetic", ""))
    if copies := next(iter(results["readings"].values()))["settings"].get("test_copies"):
        facts += f" The network's outputs are means over {copies} copies of each cloud."
    rows, means = [], []
    measures = list(dict.fromkeys(name for reading in results["readings"].values() for name in reading["mean"]))
    for name, reading in results["readings"].items():
        for level, entry in [*reading["levels"].items(), ("avg", reading["mean"])]:
            rows.append([name, capitalized(level), *(percent(entry.get(measure)) for measure in measures)])
        means.append(len(rows) - 1)
    table = markdown(["Reading", "Level", *measures], rows, num_names=2, bold=means)
    return "\n\n".join([f"# {escape_markdown(head)}", escape_markdown(facts).strip(), table])


def arithmetic_note(arithmetic: str) -> str:
    """What a table says of the arithmetic of its average precisions; nothing where there are none."""
    if not arithmetic:
        return ""
    whose = "that of the published figures" if arithmetic == PUBLISHED else "not that of the published figures"
    return f"Average precision in {arithmetic} arithmetic, {whose}."


def _classes_table(readings: Mapping[str, Any], level: str) -> str:
    """A row for each class and reading; the readings of a class stand below each other."""
    by_reading = {name: reading["levels"][level][PER_CLASS] for name, reading in readings.items()}
    classes = dict.fromkeys(part for measured in by_reading.values() for part in measured)
    entries = [
        (part, name, measured[part]) for part in classes for name, measured in by_reading.items() if part in measured
    ]
    measures = dict.fromkeys(measure for *_, entry in entries for measure in entry if measure not in COUNTS)
    rows = [
        [part, name, entry[INSTANCES], *(percent(entry.get(measure)) for measure in measures)]
        for part, name, entry in entries
    ]
    return markdown(["Class", "Reading", "Instances", *measures], rows, num_names=2)


def values_table(by_class: Mapping[str, Any]) -> str:
    """A row for each class of each level, with its bandwidth (h) and lambda in every reading that has them by class."""
    headers = [f"{symbol} {name}" for name in by_class for symbol in ("h", "lambda")]
    classes = dict.fromkeys((level, part) for values in by_class.values() for level in values for part in values[level])
    rows = []
    for level, part in classes:
        found = (values.get(level, {}).get(part, {}).get(of) for values in by_class.values() for of in VALUES)
        rows.append([capitalized(level), part, *(MISSING if value is None else f"{value:.3g}" for value in found)])
    return markdown(["Level", "Class", *headers], rows, num_names=2)


def misses_table(reading: Mapping[str, Any]) -> str:
    """A row for each class of each level of a reading with "misses" (results.py)."""
    settings, rows = reading["settings"], []
    for level, classes in reading["misses"].items():
        for part, found in classes.items():
            bandwidth = settings.get("by_class", {}).get(level, {}).get(part, settings).get("bandwidth")
            lengths = [MISSING if x is None or x != x else f"{x:.3g}" for x in (found[SPREAD], bandwidth)]
            outcomes = [found[outcome] for outcome in OUTCOMES]
            rows.append([capitalized(level), part, *outcomes, *lengths, *(percent(found[what]) for what in LOST)])
    return markdown(["Level", "Class", *OUTCOMES, SPREAD, "h", *LOST], rows, num_names=2)
