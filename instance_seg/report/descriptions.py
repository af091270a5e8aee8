"""The tables of a report on a kind of data set, as tables/TASK.yaml describes them; default.yaml is of all the others.

    keys            columns of the frame that tell the rows of tables apart; the seeds of a row are averaged
    measures        what the tables show; left out: everything that was measured
    overview        the measure of the tables that are printed for each network; left out: the first one
    levels          coarse to fine; left out: in the order of the results
    part, subsets   what a part of the data set is called, and those of the paper; short: names for headings
    labels          other names for values of the keys
    one_network_per_level     networks that the paper trains for each level; they are one row
    methods         the paper's names of other methods and the variants that are those here
    tables          in the order of the page; `print: true`: also in the terminal; `optional: true`: left out if not run

A table has a name, a title, notes, the headers of its names (`num_names` of them, by default all, are text), a layout
(report/layouts.py) and what this needs: `of` chooses a row by its keys, `paper` are the figures that the paper prints.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("tables")
PAPERS_OWN = "Ours"  # the method that this program reimplements, in the paper's tables

Description = Mapping[str, Any]


@cache
def description_of(task: str) -> Description:
    """The YAML of a kind of data set ("partnet"), as it is written."""
    known = {path.stem: path for path in FOLDER.glob("*.yaml")}
    return yaml.safe_load(known.get(task, known["default"]).read_text(encoding="utf-8"))


def table_of(description: Description, name: str) -> dict[str, Any]:
    """The table of a name."""
    (found,) = [table for table in description["tables"] if table["name"] == name]
    return found


def papers_networks(description: Description) -> list[str]:
    """The variants that the paper has figures of, in its order."""
    rows = [row for table in description["tables"] for row in table.get("rows", ())]
    return list(dict.fromkeys(row["of"]["variant"] for row in rows))
