"""Scores parts in files, by this or any other program, by the class-agnostic protocol (metrics.best_overlap).

Either PartNet's prediction files against `ins_seg_h5_gt`, on points; or a file for each shape in both folders:

    PREDICTIONS/<shape>.npy or .txt      part of each point, whole numbers [N], -1 = none; or masks bool [P, N] (.npy)
    GROUND_TRUTH/<shape>.npy or .txt     the same; points of no part are left out
    GROUND_TRUTH/<shape>.obj, .ply, .off, .stl, .glb     if there is one, N are its faces, weighted by their areas
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.files.clouds.geometry import Mesh
from instance_seg.data.files.clouds.read import READERS
from instance_seg.metrics.best_overlap import best_of_masks
from instance_seg.score_files import level_folders, level_pairs
from instance_seg.tables import markdown, percent

_LABELS = (".npy", ".txt")
_MESHES = (".obj", ".ply", ".off", ".stl", ".glb", ".gltf")


class PartScore(NamedTuple):
    """A row of the table."""

    name: str
    elements: str  # what was counted: "points" or "faces by area"
    shapes: int
    parts: int
    mean_iou: float  # in percent: the mean over shapes of the mean over parts


def score_parts(predictions: str | os.PathLike, ground_truth: str | os.PathLike) -> list[PartScore]:
    """Measures every level of PartNet's files that has predictions, or the shapes of a folder.

    Raises:
        ValueError: no predictions, other shapes than those of the ground truth, another number of points, or a file
            that is wrong; names it.
    """
    folder, truth = Path(predictions), Path(ground_truth)
    if not any(path.suffix in _LABELS for path in (folder.iterdir() if folder.is_dir() else [])):
        scores = []
        for (category, level), place in level_folders(folder).items():
            shapes = level_pairs(place, truth, category, level)
            best = [best_of_masks(s.gt_mask[s.gt_valid] & ~s.gt_other, s.mask[s.valid] & ~s.gt_other) for s in shapes]
            scores.append(_summary(place.name, "points", best))
        return scores
    found, wanted = _shapes(folder), _shapes(truth)
    if strange := sorted(found.keys() ^ wanted.keys()):
        without = folder if strange[0] in wanted else truth
        raise ValueError(f"{without}: has no {strange[0]}.npy or .txt, unlike the other folder ({len(strange)} such)")
    best = {"points": [], "faces by area": []}
    for name in sorted(wanted):
        true_masks, masks = _read_masks(wanted[name]), _read_masks(found[name])
        if masks.shape[1] != true_masks.shape[1]:
            sizes = f"has {masks.shape[1]} points or faces, the ground truth {true_masks.shape[1]}"
            raise ValueError(f"{found[name]}: {sizes}")
        area = _areas(wanted[name], true_masks.shape[1])
        best["points" if area is None else "faces by area"].append(best_of_masks(true_masks, masks, area))
    return [_summary("all", elements, shapes) for elements, shapes in best.items() if shapes]


def parts_table(scores: Iterable[PartScore]) -> str:
    """The scores as a Markdown table."""
    rows = [[s.name, s.elements, str(s.shapes), str(s.parts), percent(s.mean_iou)] for s in scores]
    return markdown(["Shapes", "Counted", "Number", "Parts", "mIoU"], rows, num_names=2)


def _summary(name: str, elements: str, best: list[np.ndarray]) -> PartScore:
    means = [each.mean() for each in best if len(each)]
    mean_iou = 100 * float(np.mean(means)) if means else np.nan
    return PartScore(name, elements, len(means), sum(map(len, best)), mean_iou)


def _shapes(folder: Path) -> dict[str, Path]:
    """The files of labels by the names of their shapes."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix in _LABELS and found.setdefault(path.stem, path) != path:
            raise ValueError(f"{path}: there is {found[path.stem].name}, too; want one file for each shape")
    if not found:
        raise ValueError(f"{folder}: has no <shape>.npy or <shape>.txt with the part of each point or face")
    return found


def _read_masks(path: Path) -> np.ndarray:
    """Masks [P, N] bool of a file, none of them empty."""
    try:
        values = np.asarray(np.load(path) if path.suffix == ".npy" else np.loadtxt(path, ndmin=1))
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read ({' '.join(str(error).split())})") from error
    if values.ndim == 2 and values.dtype == bool:
        return values[values.any(axis=1)]
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not (values == np.floor(values)).all():
        found = f"{values.dtype} {list(values.shape)}"
        raise ValueError(f"{path}: want whole numbers [N], the part of each point, or masks bool [P, N]; found {found}")
    return values == np.unique(values[values >= 0])[:, None]


def _areas(labels: Path, num_faces: int) -> np.ndarray | None:
    """The areas [num_faces] of the mesh beside a file of labels, None if there is none."""
    meshes = [path for path in map(labels.with_suffix, _MESHES) if path.is_file()]
    if not meshes:
        return None
    try:
        mesh = READERS[meshes[0].suffix](meshes[0])
    except Exception as error:  # whatever a library may raise at a file that is not what it should be
        raise ValueError(f"{meshes[0]}: cannot be read ({' '.join(str(error).split())})") from error
    count = len(mesh.faces) if isinstance(mesh, Mesh) else 0
    if count != num_faces:
        raise ValueError(f"{labels}: has {num_faces} labels, {meshes[0].name} has {count} triangles; want one for each")
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    if not (np.isfinite(area).all() and area.any()):
        raise ValueError(f"{meshes[0]}: the areas of its faces are 0, or not finite")
    return area
