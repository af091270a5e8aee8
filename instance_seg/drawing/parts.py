"""The parts found in a cloud, as a table for people and as files for programs."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from instance_seg.files import write_json
from instance_seg.structures import Segmented, Task
from instance_seg.tables import capitalized, markdown, write_text


def part_records(task: Task, levels: Sequence[Segmented], points: np.ndarray) -> list[dict[str, Any]]:
    """Every part, level by level: level, instance, part, class, points, confidence, and the box around it.

    Args:
        task: names levels and classes.
        levels: one for each level of the task.
        points: [N, 3], in which coordinates the box is, x_min ... z_max.
    """
    records = []
    for k in task.scored:
        level, found = task.levels[k], levels[k].proposals
        for i, (label, score) in enumerate(zip(found.label, found.score)):
            members = points[found.points[found.row_splits[i] : found.row_splits[i + 1]]]
            low, high = members.min(axis=0), members.max(axis=0)
            records.append(
                {
                    "level": level.name,
                    "instance": i,
                    "part": level.classes[label],
                    "class": int(label),
                    "points": len(members),
                    "confidence": round(float(score), 4),
                    **{f"{axis}_min": float(low[j]) for j, axis in enumerate("xyz")},
                    **{f"{axis}_max": float(high[j]) for j, axis in enumerate("xyz")},
                }
            )
    return records


def write_parts(folder: pathlib.Path, records: Sequence[dict[str, Any]]) -> None:
    """parts.md, parts.csv and parts.json; the table has no boxes."""
    rows = [[capitalized(r["level"]), r["instance"], r["part"], r["points"], f"{r['confidence']:.2f}"] for r in records]
    write_text(folder / "parts.md", markdown(["Level", "Instance", "Part", "Points", "Confidence"], rows) + "\n")
    names = "level instance part class points confidence x_min y_min z_min x_max y_max z_max".split()
    write_text(folder / "parts.csv", pd.DataFrame(records, columns=names).to_csv(index=False, lineterminator="\n"))
    write_json(folder / "parts.json", records, indent=1)
