"""One scene as ScanNet v2 gives it out: a mesh, the labels of its vertices, its segments, and their groups."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from plyfile import PlyData, PlyParseError

from instance_seg.data.scannet.classes import LABEL_TABLE, LARGEST_ID, STUFF, classes_of
from instance_seg.files import read_json
from instance_seg.options import shown

# The kinds of files, and what is easily taken for them.
MESH, LABELS = "_vh_clean_2.ply", "_vh_clean_2.labels.ply"
SEGMENTS, GROUPS = "_vh_clean_2.0.010000.segs.json", ".aggregation.json"
CONFUSED = {MESH: "_vh_clean.ply", SEGMENTS: "_vh_clean.segs.json", GROUPS: "_vh_clean.aggregation.json"}
FOLDERS = ("scans", "scans_test")
SMALLEST, LARGEST = 0.05, 200.0  # m, what the longest side of a scene may measure


class Scene(NamedTuple):
    """The vertices of a scene's mesh."""

    xyz: np.ndarray  # [N, 3] float32, m, z up
    rgb: np.ndarray  # [N, 3] uint8
    semantic: np.ndarray | None  # [N] int16 in [-1, 20); None: the scene has no labels
    instance: np.ndarray | None  # [N] int16, -1 = none


def raw_files(root: Path, scene: str) -> dict[str, Path]:
    """Where the four files of a scene are or belong, by kind."""
    folders = [root / folder / scene for folder in FOLDERS]
    folder = next((each for each in folders if each.is_dir()), folders[0])
    return {kind: folder / f"{scene}{kind}" for kind in (MESH, LABELS, SEGMENTS, GROUPS)}


def is_labeled(files: dict[str, Path]) -> bool:
    """Whether a scene has any of the files of its annotation."""
    return any(path.is_file() for kind, path in files.items() if kind != MESH)


def read_scene(files: dict[str, Path], names: dict[str, str], labeled: bool) -> Scene:
    """Reads a scene.

    Args:
        files: of raw_files.
        names: of read_label_table.
        labeled: the annotation is read, too.

    Raises:
        ValueError: naming the file, what is wrong with it and the remedy.
    """
    for kind, path in files.items():
        if (kind == MESH or labeled) and not path.is_file():
            raise ValueError(f"{path}: no such file{_mistaken(path, kind)}")
    xyz, rgb = _read_mesh(files[MESH])
    if not labeled:
        return Scene(xyz, rgb, None, None)
    nyu40 = _read_vertex_labels(files[LABELS], len(xyz))
    segments = _read_segments(files[SEGMENTS], len(xyz))
    instance = _instances(files[GROUPS], segments, names, nyu40)
    return Scene(xyz, rgb, classes_of(nyu40), instance)


def _mistaken(path: Path, kind: str) -> str:
    """What lies in its place, for a message."""
    other = CONFUSED.get(kind)
    if other and (path.parent / path.name.replace(kind, other)).is_file():
        return f"; {path.name.replace(kind, other)} beside it is of the mesh of full resolution and does not fit"
    strangers = sorted(path.parent.glob(f"*{kind}"))
    if strangers:
        return f"; {strangers[0].name} there is of another scene"
    return "; download the scene again (download-scannet.py --id)"


def _read_vertices(path: Path, properties: tuple[str, ...]) -> Any:
    try:  # with the lengths known, plyfile maps the file instead of parsing every face
        ply = PlyData.read(path, known_list_len={"face": dict.fromkeys(("vertex_indices", "vertex_index"), 3)})
    except (PlyParseError, OSError, ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not readable as PLY ({error}); download it again") from error
    counts = {element.name: element.count for element in ply.elements}
    if "vertex" not in counts:
        raise ValueError(f"{path}: has no vertices; want a mesh of ScanNet")
    there = [each.name for each in ply["vertex"].properties]
    if missing := [name for name in properties if name not in there]:
        raise ValueError(f"{path}: its vertices have no {', '.join(missing)}, but {shown(', '.join(there))}")
    if not counts.get("face"):
        raise ValueError(f"{path}: has no faces and {counts['vertex']} vertices; want the mesh, not a cloud of points")
    if counts["vertex"] < 3:
        raise ValueError(f"{path}: has {counts['vertex']} vertices; that is no scan of a room")
    return ply["vertex"]


def _read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    channels = ("red", "green", "blue")
    vertex = _read_vertices(path, ("x", "y", "z", *channels))
    xyz = np.stack([np.asarray(vertex[axis], np.float32) for axis in "xyz"], axis=1)
    bad = np.flatnonzero(~np.isfinite(xyz).all(axis=1))
    if len(bad):
        raise ValueError(f"{path}: vertex {bad[0]} and {len(bad) - 1} more are NaN or infinite; remove them")
    if wrong := not_in_meters(xyz):
        raise ValueError(f"{path}: {wrong}")
    if any(vertex[channel].dtype != np.uint8 for channel in channels):
        raise ValueError(f"{path}: its colors are {vertex['red'].dtype}, want one byte each, 0 to 255")
    return xyz, np.stack([np.asarray(vertex[channel]) for channel in channels], axis=1)


def not_in_meters(xyz: np.ndarray) -> str:
    """What is wrong with the extent of a scene [N, 3]; "" for that of a room."""
    extent = float(np.ptp(xyz.astype(np.float64), axis=0).max())
    if SMALLEST <= extent <= LARGEST:
        return ""
    unit = "millimeters" if extent > LARGEST else "kilometers"
    return f"measures {extent:.3g} m; is it in {unit}? Scenes are in meters"


def _read_vertex_labels(path: Path, num_vertices: int) -> np.ndarray:
    ids = np.asarray(_read_vertices(path, ("label",))["label"]).astype(np.int64)
    _check_count(path, len(ids), num_vertices)
    bad = np.flatnonzero((ids < 0) | (ids > LARGEST_ID))
    if len(bad):
        raise ValueError(f"{path}: vertex {bad[0]} has label {ids[bad[0]]}; want ids of NYU40, 0 to {LARGEST_ID}")
    return ids


def _read_segments(path: Path, num_vertices: int) -> np.ndarray:
    stored = _read_object(path)
    segments = stored.get("segIndices")
    if not isinstance(segments, list) or not all(type(each) is int for each in segments):
        what = f"; it has segGroups, as {GROUPS} has" if "segGroups" in stored else ""
        raise ValueError(f"{path}: has no segIndices, a segment for each vertex{what}")
    _check_count(path, len(segments), num_vertices)
    return np.array(segments)


def _read_object(path: Path) -> dict[str, Any]:
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise ValueError(f"{path}: want an object of JSON, found {type(stored).__name__}")
    return stored


def _check_count(path: Path, count: int, num_vertices: int) -> None:
    if count != num_vertices:
        raise ValueError(
            f"{path}: is of {count} vertices, the mesh {MESH} has {num_vertices}; they are of different scenes or "
            "resolutions"
        )


def _instances(path: Path, segments: np.ndarray, names: dict[str, str], nyu40: np.ndarray) -> np.ndarray:
    """The group of each vertex among those that are neither wall nor floor, -1 = none."""
    groups = [g for g in _read_groups(path) if _named(path, g, names) not in STUFF]
    half = len(groups) // 2
    if half and groups[0][1] == groups[half][1]:
        groups = groups[:half]  # scene0217_00 lists its groups twice
    known, of_vertex = np.unique(segments, return_inverse=True)
    group_of_segment = np.full(len(known), -1, np.int16)
    for i, (label, members) in enumerate(groups):
        rows = np.minimum(np.searchsorted(known, members), len(known) - 1)
        strange = np.flatnonzero(known[rows] != members)
        if len(strange):
            raise ValueError(
                f"{path}: segGroup {i} ({shown(label)}) has segment {members[strange[0]]}, which {SEGMENTS} has not; "
                "they are of different scenes or resolutions"
            )
        taken = rows[group_of_segment[rows] >= 0]
        if len(taken):
            other = group_of_segment[taken[0]]
            raise ValueError(f"{path}: segment {known[taken[0]]} is in segGroups {other} and {i}; want it in one")
        group_of_segment[rows] = i
    instance = group_of_segment[of_vertex]
    _check_classes(path, instance, nyu40, groups)
    return instance


def _check_classes(path: Path, instance: np.ndarray, nyu40: np.ndarray, groups: list) -> None:
    pairs = np.unique(np.stack([instance, nyu40], axis=1)[instance >= 0], axis=0)
    mixed = np.flatnonzero(np.diff(pairs[:, 0]) == 0)
    if len(mixed):
        i, first, second = *pairs[mixed[0]], pairs[mixed[0] + 1, 1]
        raise ValueError(
            f"{path}: the vertices of segGroup {i} ({shown(groups[i][0])}) have the labels {first} and {second} in "
            f"{LABELS}; one of the two is of another scene"
        )


def _read_groups(path: Path) -> list[tuple[str, list[int]]]:
    """(name, segments) of every group."""
    stored = _read_object(path)
    groups = stored.get("segGroups")
    if not isinstance(groups, list):
        what = f"; it has segIndices, as {SEGMENTS} has" if "segIndices" in stored else ""
        raise ValueError(f"{path}: has no segGroups{what}")
    scene = path.name.removesuffix(GROUPS)
    said = str(stored.get("sceneId", scene)).rpartition(".")[2]
    if said != scene:
        raise ValueError(f"{path}: is of {shown(said)}, its sceneId says; want that of {scene}")
    for i, group in enumerate(groups):
        label, members = (group.get(key) for key in ("label", "segments")) if isinstance(group, dict) else (None, None)
        if not isinstance(label, str) or not isinstance(members, list) or not all(type(m) is int for m in members):
            raise ValueError(f"{path}: segGroup {i}: want a label and segments, a list of integers")
    return [(group["label"], group["segments"]) for group in groups]


def _named(path: Path, group: tuple[str, list[int]], names: dict[str, str]) -> str:
    if group[0] not in names:
        raise ValueError(f"{path}: a segGroup is called {shown(group[0])}, which {LABEL_TABLE} does not list")
    return names[group[0]]
