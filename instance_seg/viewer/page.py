"""The HTML file: page.html with viewer.js, three.js and the shapes, their arrays deflated and in base64.

viewer.js draws whatever the scene says, which is

    {"levels": [{"name", "classes"}], "shapes": [SHAPE]}
    SHAPE   {"title", "points": ARRAY, "normals": ARRAY | null, "surface": ARRAY | null, "levels": [LEVEL]}
    LEVEL   {"truth": VIEW | null, "readings": [READING]}
    READING {"title", "prediction": VIEW, "errors": VIEW | null, "shifted": ARRAY | null}
    VIEW    {"ids": ARRAY, "entries": [ENTRY], "semantic": ARRAY | null, "faces": ARRAY | null}
    ENTRY   {"name", "color": "#rrggbb", "size": points, "confidence"?, "wrong"?}
    ARRAY   {"type": "Uint16Array", "data": TEXT}

where ids [N] and faces [F] number the entries of points and of triangles, of which surface [F, 3, 3] has the corners.
"""

import base64
import html
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_hex

from instance_seg.drawing.panels import ERRORS, point_errors, wrong_instances
from instance_seg.drawing.pictures import NO_INSTANCE, colors_for, match_colors
from instance_seg.structures import UPRIGHT, Labels, Level, Segmented, Task
from instance_seg.tables import capitalized, one_line, write_text

VIEWER = "viewer.html"  # name of the file among the results of a run
MOST_POINTS = 200_000  # shown of a shape
MOST_FACES = 200_000  # of a mesh that is shown
_ERROR_COLORS = ("#c9d6c3", "#d81b1b", "#ee8a1d", "#d9d9d9")  # of panels.ERRORS


class Surface(NamedTuple):
    """The triangles of a mesh."""

    corners: np.ndarray  # [F, 3, 3]
    instance: Mapping[str, np.ndarray]  # name of the level -> [F] int, the instance of the first drawable; -1 = none


class Shape(NamedTuple):
    """One cloud with everything there is to show of it."""

    title: str
    xyz: np.ndarray  # [N, 3]
    normals: np.ndarray | None  # [N, 3]
    # Name of the level -> truth, if it is known, and evaluation.Drawables: title, Segmented, and Hits or None.
    levels: Mapping[str, tuple[Labels | None, Sequence[Any]]]
    surface: Surface | None = None


def write_viewer(path: str | os.PathLike, title: str, task: Task, shapes: Sequence[Shape], up: str = "y") -> None:
    """Writes the file.

    Of a shape with more than MOST_POINTS points as many are shown, evenly chosen by their order; a mesh of more than
    MOST_FACES triangles is left out.

    Args:
        path: of the file.
        title: of the page.
        task: names the levels and their classes.
        shapes: at least one; the levels that all have are those of the task that are scored.
        up: the axis that points up, "x", "y" or "z".
    """
    turn = UPRIGHT[up].T
    levels = [task.levels[k] for k in task.scored]
    scene = {
        "levels": [{"name": capitalized(level.name), "classes": level.classes} for level in levels],
        "shapes": [_shape(levels, shape, turn) for shape in shapes],
    }
    page, library, viewer = (_own_file(name) for name in ("page.html", "three.min.js", "viewer.js"))
    content = {
        "/*TITLE*/": html.escape(one_line(title)),
        "/*SCENE*/": json.dumps(scene, separators=(",", ":")).replace("<", "\\u003c"),  # no tag ends the script
        "/*THREE*/": library,
        "/*VIEWER*/": viewer,
    }
    write_text(path, re.sub("|".join(map(re.escape, content)), lambda found: content[found[0]], page))


def _own_file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _shape(levels: Sequence[Level], shape: Shape, turn: np.ndarray) -> dict[str, Any]:
    rows = slice(None, None, -(-len(shape.xyz) // MOST_POINTS))
    surface = shape.surface if shape.surface and len(shape.surface.corners) <= MOST_FACES else None
    normals = None if shape.normals is None else _array(np.round(127 * (shape.normals[rows] @ turn)), np.int8)
    shown = {
        "title": one_line(shape.title),
        "points": _positions(shape.xyz[rows] @ turn),
        "normals": normals,
        "surface": None,
        "levels": [],
    }
    if surface is not None:
        shown["surface"] = _positions(surface.corners.reshape(-1, 3) @ turn)
    for level in levels:
        truth, drawables = shape.levels[level.name]
        readings = [_reading(level, truth, drawable, rows, turn) for drawable in drawables]
        if surface is not None:
            readings[0]["prediction"]["faces"] = _array(surface.instance[level.name] + 1, np.uint16)
        shown["levels"].append({"truth": truth and _truth(level, truth, rows), "readings": readings})
    return shown


def _truth(level: Level, truth: Labels, rows: slice) -> dict[str, Any]:
    ids, first, place, size = np.unique(truth.instance, return_index=True, return_inverse=True, return_counts=True)
    nothing = np.count_nonzero(ids < 0)  # ids are sorted
    entries = [_entry("in no instance", NO_INSTANCE, int(size[:nothing].sum()))]
    for each, row, count in zip(ids[nothing:], first[nothing:], size[nothing:]):
        entries.append(_entry(_class_name(level, truth.semantic[row]), colors_for([each])[0], int(count)))
    return _view(np.maximum(place - nothing + 1, 0)[rows], entries, np.asarray(truth.semantic)[rows])


def _reading(level: Level, truth: Labels | None, drawable: Any, rows: slice, turn: np.ndarray) -> dict[str, Any]:
    title, segmented, hits = drawable
    wrong = [] if truth is None else np.unique(wrong_instances(truth, segmented, hits))
    shifted = segmented.shifted
    return {
        "title": one_line(title),
        "prediction": _prediction(level, truth, segmented, wrong, rows),
        "errors": truth and _errors(level, truth, segmented, rows),
        "shifted": None if shifted is None else _positions(shifted[rows] @ turn),
    }


def _prediction(
    level: Level, truth: Labels | None, segmented: Segmented, wrong: Sequence[int], rows: slice
) -> dict[str, Any]:
    """Instances have the color of the ground truth they match, as in pictures.render_panel."""
    found = segmented.proposals
    instance = found.instance(len(segmented.semantic))
    labels = np.arange(len(found.label))
    if truth is not None:
        names = match_colors(instance, truth.instance)
        labels[instance[instance >= 0]] = names[instance >= 0]
    entries = [_entry("in no instance", NO_INSTANCE, int(np.count_nonzero(instance < 0)))]
    for p, (label, size, score) in enumerate(zip(found.label, found.size, found.score)):
        entry = _entry(_class_name(level, label), colors_for(labels[[p]])[0], int(size))
        entries.append(entry | {"confidence": round(float(score), 3), "wrong": bool(p in wrong)})
    return _view(instance[rows] + 1, entries, segmented.semantic[rows])


def _errors(level: Level, truth: Labels, segmented: Segmented, rows: slice) -> dict[str, Any]:
    errors = point_errors(truth, segmented, level.first_scored)
    sizes = np.bincount(errors, minlength=len(ERRORS))
    entries = [_entry(name, color, int(size)) for name, color, size in zip(ERRORS, _ERROR_COLORS, sizes)]
    return _view(errors[rows], entries, None)


def _view(ids: np.ndarray, entries: list[dict[str, Any]], semantic: np.ndarray | None) -> dict[str, Any]:
    return {
        "ids": _array(ids, np.uint16),
        "entries": entries,
        "semantic": None if semantic is None else _array(semantic, np.int16),
        "faces": None,
    }


def _entry(name: str, color: Any, size: int) -> dict[str, Any]:
    return {"name": name, "color": to_hex(color), "size": size}


def _class_name(level: Level, label: int) -> str:
    return one_line(level.classes[label]) if label >= 0 else "no class"


def _positions(points: np.ndarray) -> dict[str, str]:
    """Points in the cube around them, whose edge is 65,535."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), 1e-30)
    return _array(np.round((points - (low + high) / 2) * (65535 / extent) + 32767.5), np.uint16)


def _array(values: np.ndarray, kind: type[np.integer]) -> dict[str, str]:
    """Integers as the constructor of JavaScript's typed array and the base64 of their deflated bytes."""
    name = f"{np.dtype(kind).name.capitalize()}Array"
    data = zlib.compress(np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).tobytes())
    return {"type": name, "data": base64.b64encode(data).decode("ascii")}
