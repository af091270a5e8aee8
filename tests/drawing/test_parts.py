"""The parts found, as a table and as files, with a word where classes are uncertain."""

import json

import numpy as np
import pandas as pd

from instance_seg.clustering.partition import as_proposals
from instance_seg.drawing.parts import part_records, uncertainty_note, write_parts
from instance_seg.structures import Level, Segmented, Task

TASK = Task("made up", "", tuple(Level(k + 1, name, ("other", "leg"), 1, (1,)) for k, name in enumerate("ab")))


def levels(*unlike):
    ones, certainty = np.ones(4, np.int32), np.zeros(4, np.float32)
    return [Segmented(ones, as_proposals(np.arange(4) // 2, ones, certainty, 2), certainty, None, of) for of in unlike]


def records_of(found, points):
    pairs = zip(TASK.levels, found, strict=True)
    return sum((part_records(level, each.is_unlike, each.proposals, points) for level, each in pairs), [])


def test_files_say_at_which_levels_classes_are_uncertain(tmp_path):
    found, points = levels(False, True), np.arange(12.0).reshape(4, 3)
    note = uncertainty_note(TASK, found)
    assert note.startswith("unlike the training shapes at level b: classes are uncertain")
    write_parts(tmp_path, records_of(found, points), note)
    assert (tmp_path / "parts.md").read_text().endswith("\n\nUnlike" + note[len("unlike") :] + ".\n")
    records = json.loads((tmp_path / "parts.json").read_text())
    assert [(r["level"], r["points"], r["x_max"], r["uncertain"]) for r in records] == [
        ("a", 2, 3.0, False),
        ("a", 2, 9.0, False),
        ("b", 2, 3.0, True),
        ("b", 2, 9.0, True),
    ]
    assert pd.read_csv(tmp_path / "parts.csv")["uncertain"].tolist() == [False, False, True, True]


def test_nothing_is_said_where_nobody_asked_or_nothing_is_wrong(tmp_path):
    for found in (levels(None, None), levels(False, False)):
        assert uncertainty_note(TASK, found) == ""
        write_parts(tmp_path, records_of(found, np.zeros((4, 3))))
        assert "classes" not in (tmp_path / "parts.md").read_text()
