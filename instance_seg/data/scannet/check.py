"""Reads every scene of ScanNet once and tells what is in them and everything that is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.scannet.classes import LABEL_TABLE, NYU40, read_label_table
from instance_seg.data.scannet.prepared import SPLITS, UNLABELED, list_path, read_list
from instance_seg.data.scannet.raw import Scene, is_labeled, raw_files, read_scene


class Found(NamedTuple):
    """A split in numbers."""

    split: str
    scenes: int  # that could be read
    vertices: int
    classes: set[int]  # that occur
    instances: int


HEADER = ("split", "scenes", "vertices", "classes present", "instances")


def is_scannet(root: Path) -> bool:
    """Whether a folder has a list of ScanNet's scenes in it."""
    return any(list_path(root, split).is_file() for split in SPLITS)


def check(root: Path, progress: Callable[[int], object] = lambda count: None) -> tuple[list[Found], list[str]]:
    """Reads the raw files of all scenes of all splits.

    Args:
        progress: called with 1 after each scene.

    Returns:
        what was found in each split, and the problems: a line each, which begins with the file.
    """
    problems, names, seen, found = [], {}, {}, []
    try:
        names = read_label_table(root / LABEL_TABLE)
    except ValueError as error:
        problems.append(str(error))
    for split in SPLITS:
        try:
            scenes = read_list(root, split)
        except ValueError as error:
            problems.append(str(error))
            continue
        for scene in scenes:
            if seen.setdefault(scene, split) != split:
                problems.append(f"{list_path(root, split)}: {scene} is in {seen[scene]} as well; keep it in one split")
        found.append(_summary(split, list(_read(root, split, scenes, names, problems, progress))))
    return found, problems


def _read(root, split, scenes, names, problems, progress) -> Iterator[tuple[int, set[int], int]]:
    """What is in the scenes that can be read; what is wrong with the others is added to `problems`."""
    for scene in scenes:
        files = raw_files(root, scene)
        labeled = split != UNLABELED or is_labeled(files)
        if names or not labeled:
            try:
                yield _counted(read_scene(files, names, labeled))
            except ValueError as error:
                problems.append(str(error))
        progress(1)


def _counted(scene: Scene) -> tuple[int, set[int], int]:
    """Vertices, classes that occur, instances."""
    if scene.semantic is None:
        return len(scene.xyz), set(), 0
    ids = np.unique(scene.instance)
    return len(scene.xyz), set(np.unique(scene.semantic[scene.semantic >= 0]).tolist()), np.count_nonzero(ids >= 0)


def _summary(split: str, counted: list[tuple[int, set[int], int]]) -> Found:
    vertices, classes, instances = ([each[i] for each in counted] for i in range(3))
    return Found(split, len(counted), sum(vertices), set().union(*classes), sum(instances))


def table_rows(found: list[Found]) -> list[tuple]:
    """A row for each split."""
    return [(*each[:3], f"{len(each.classes)} of {len(NYU40)}", each.instances) for each in found]
