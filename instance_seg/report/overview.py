"""table.md of several runs: for each network one measure by part of the data set, and the means of all measures."""

import pandas as pd

from instance_seg.evaluation.summary import arithmetic_note
from instance_seg.report.averages import average, make_grid, with_averages
from instance_seg.report.descriptions import Description, description_of
from instance_seg.report.frame import levels_of
from instance_seg.tables import capitalized, counted, escape_markdown, markdown, percent, plural

GROUP = ["task", "dataset", "variant", "preset", "arithmetic"]  # runs with the same differ in subset and seed


def overview(frame: pd.DataFrame) -> str:
    """The tables of every network (report/frame.py), as Markdown; sweeps are left out."""
    runs = frame[~frame["swept"] & (frame["class"] == "")]
    sections = [
        section
        for (task, dataset, variant, preset, arithmetic), group in runs.groupby(GROUP, sort=False)
        for section in (
            f"# {escape_markdown(f'{variant} on {dataset}, preset {preset}')}",
            f"{_extent(group, description_of(task))} {arithmetic_note(arithmetic)}".strip(),
            *_tables(group, description_of(task)),
        )
    ]
    return "\n\n".join(sections) + "\n"


def _extent(group: pd.DataFrame, description: Description) -> str:
    numbers = sorted(group["seed"].unique())
    seeds = f"{'seed' if len(numbers) == 1 else plural('seed')} {', '.join(map(str, numbers))}"
    parts = counted(group["subset"].nunique(), description.get("part", "subset"))
    return f"{parts}, {counted(group['run'].nunique(), 'run')}, {seeds}."


def _tables(group: pd.DataFrame, description: Description) -> list[str]:
    levels = description.get("levels") or levels_of(group)
    measures = description.get("measures") or list(group["measure"].unique())
    chosen, short = description.get("overview", measures[0]), description.get("short", {})
    readings, sections = list(group.groupby("reading", sort=False)), []
    for reading, rows in readings:
        grid = make_grid(rows, chosen, levels)
        names = [*map(capitalized, levels), "Avg"]
        lines = [[name, *map(percent, values)] for name, values in zip(names, with_averages(grid))]
        headers = ["Level", "Avg", *(short.get(subset, subset) for subset in grid.columns)]
        sections += [f"## {escape_markdown(f'{chosen}, {reading}')}", markdown(headers, lines)]
    means = [
        [reading, *(percent(average(make_grid(rows, measure, levels))) for measure in measures)]
        for reading, rows in readings
    ]
    title = f"## Means over levels, then {plural(description.get('part', 'subset'))}"
    return [*sections, title, markdown(["Reading", *measures], means)]
