"""Files of ScanNet's benchmark: the instances found in each scene, and the ground truth of a scene.

    FOLDER/scene0000_00.txt                           a line for each instance: MASK ID CONFIDENCE
    FOLDER/predicted_masks/scene0000_00_000.txt       a mask: a line for each vertex, 1 or 0

MASK is the path of the mask below FOLDER, ID the class in NYU40. Ground truth is scene0000_00.txt with a line for each
vertex, 1000 x class + instance, 0 where there is none.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from instance_seg.data.scannet.classes import IDS, LARGEST_ID, LEVEL, classes_of
from instance_seg.files import replacing
from instance_seg.options import shown
from instance_seg.structures import Labels, Proposals, Segmented

MASKS = "predicted_masks"


class SubmissionWriter(contextlib.ExitStack):
    """Writes what was found in each scene; walls and floors are no instances and are left out.

    Args:
        folder: made if missing.
        names: of the scenes, in the order they come.
    """

    def __init__(self, folder: Path, names: Sequence[str]):
        super().__init__()
        self._folder, self._names = folder, iter(names)

    def append(self, levels: Sequence[Segmented]) -> None:
        """The next scene; the list of its masks is written last."""
        (segmented,), name = levels, next(self._names)
        found, lines = segmented.proposals, []
        for p in np.flatnonzero(np.isin(found.label, LEVEL.things) & (found.size > 0)):
            mask = np.full((len(segmented.semantic), 2), ord("\n"), np.uint8)
            mask[:, 0] = ord("0")
            mask[found.points[found.row_splits[p] : found.row_splits[p + 1]], 0] = ord("1")
            place = f"{MASKS}/{name}_{len(lines):03d}.txt"
            with replacing(self._folder / place) as temporary:
                temporary.write_bytes(mask.tobytes())
            lines.append(f"{place} {IDS[found.label[p]]} {found.score[p]:.9g}\n")
        with replacing(self._folder / f"{name}.txt") as temporary:
            temporary.write_text("".join(lines))


def scenes_in(folder: Path) -> list[str]:
    """The scenes that a folder has a text file of, sorted."""
    return sorted(path.stem for path in folder.glob("*.txt")) if folder.is_dir() else []


def read_proposals(folder: Path, scene: str, num_points: int, overlapping: bool = False) -> Proposals:
    """Reads what was found in a scene, in the order of its file.

    Args:
        num_points: vertices of the scene.
        overlapping: masks may share vertices, as they may in the official script.

    Raises:
        ValueError: naming file and line: a malformed line, a mask that is missing, malformed, empty, of another number
            of vertices, listed twice, or one that overlaps another.
    """
    path = folder / f"{scene}.txt"
    masks, labels, scores = {}, [], []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        place, label, score = _fields(where, line)
        if place in masks:
            raise ValueError(f"{where}: lists {shown(place)} a second time; remove one of the lines")
        if not (folder / place).resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{where}: {shown(place)} lies outside of {folder}; want a path below it")
        rows = np.flatnonzero(_read_column(folder / place, num_points))
        if not len(rows):
            raise ValueError(f"{folder / place}: the mask is empty; remove it and line {number} of {path}")
        masks[place] = rows
        labels.append(classes_of(np.array([label]))[0])
        scores.append(score)
    if not overlapping:
        _check_overlap(folder, masks, num_points)
    points = np.concatenate([np.zeros(0, np.intp), *masks.values()])
    splits = np.cumsum([0, *map(len, masks.values())])
    return Proposals(points, splits, np.array(labels, np.int64), np.array(scores, np.float64))


def read_ground_truth(path: Path) -> Labels:
    """Reads the ground truth of a scene. ValueError naming the file and vertex."""
    codes = _read_column(path)
    bad = np.flatnonzero((codes < 0) | (codes // 1000 > LARGEST_ID))
    if len(bad):
        raise ValueError(f"{path}: vertex {bad[0]} is {codes[bad[0]]}; want 1000 x an id of NYU40 + an instance, or 0")
    return Labels(classes_of(codes // 1000), np.where(codes > 0, codes, -1))


def _fields(where: str, line: str) -> tuple[str, int, float]:
    fields = line.split()
    try:
        place, label, score = fields[0], int(fields[1]), float(fields[2])
    except (ValueError, IndexError):
        fields = []
    if len(fields) != 3:
        raise ValueError(f"{where}: {shown(line)}: want MASK ID CONFIDENCE, such as {MASKS}/scene0000_00_000.txt 5 0.9")
    if not 0 <= label <= LARGEST_ID or not np.isfinite(score):
        raise ValueError(
            f"{where}: want an id of NYU40, 0 to {LARGEST_ID}, and a finite confidence, found {shown(line)}"
        )
    return place, label, score


def _read_column(path: Path, num_points: int | None = None) -> np.ndarray:
    """The integers [N] of a file, one a line."""
    try:
        values = pd.read_csv(path, header=None, dtype=np.int64).to_numpy()
    except (ValueError, OSError) as error:  # pandas' errors derive from ValueError
        raise ValueError(f"{path}: not readable as a line for each vertex ({' '.join(str(error).split())})") from error
    if values.shape[1] != 1 or num_points not in (None, len(values)):
        raise ValueError(
            f"{path}: has {len(values)} lines of {values.shape[1]} values, the scene {num_points} vertices"
        )
    return values[:, 0]


def _check_overlap(folder: Path, masks: dict[str, np.ndarray], num_points: int) -> None:
    owner = np.full(num_points, -1)
    for i, (place, rows) in enumerate(masks.items()):
        shared = rows[owner[rows] >= 0]
        if len(shared):
            first = list(masks)[owner[shared[0]]]
            raise ValueError(
                f"{folder / place}: shares {len(shared)} vertices with {first}, the first of them {shared[0]}; give "
                "each vertex to one mask, or allow it by --overlapping_masks, as the official script does"
            )
        owner[rows] = i
