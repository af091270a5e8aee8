"""The parts found in a cloud, as a table for people and as files for programs."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from instance_seg.files import write_json
from instance_seg.structures import Level, Proposals, Segmented, Task
from instance_seg.tables import capitalized, markdown, write_text


def part_records(level: Level, is_unlike: bool | None, found: Proposals, points: np.ndarray) -> list[dict[str, Any]]:
    """Every part of a level: level, instance, part, class, points, confidence, the box around it, and "uncertain".

    Args:
        level: names the classes.
        is_unlike: of Segmented.
        found: the parts.
        points: [N, 3], in which coordinates the box is, x_min ... z_max.
    """
    records = []
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
                "uncertain": bool(is_unlike),
            }
        )
    return records


def uncertainty_note(task: Task, levels: Sequence[Segmented]) -> str:
    """What a person should know of a cloud whose classes are uncertain; "" where they are not."""
    unlike = [task.levels[k].name for k in task.scored if levels[k].is_unlike]
    if not unlike:
        return ""
    where = f"unlike the training shapes at level {', '.join(unlike)}"
    return f"{where}: classes are uncertain; parts are found across classes"


def write_parts(folder: pathlib.Path, records: Sequence[dict[str, Any]], note: str = "") -> None:
    """parts.md, below it the note, parts.csv and parts.json; the table has no boxes."""
    rows = [[capitalized(r["level"]), r["instance"], r["part"], r["points"], f"{r['confidence']:.2f}"] for r in records]
    after = f"\n\n{capitalized(note)}.\n" if note else "\n"
    write_text(folder / "parts.md", markdown(["Level", "Instance", "Part", "Points", "Confidence"], rows) + after)
    names = "level instance part class points confidence x_min y_min z_min x_max y_max z_max uncertain".split()
    write_text(folder / "parts.csv", pd.DataFrame(records, columns=names).to_csv(index=False, lineterminator="\n"))
    write_json(folder / "parts.json", records, indent=1)
