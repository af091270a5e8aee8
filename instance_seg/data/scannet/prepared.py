"""The scenes of a split, prepared once and then read one by one when they are asked for.

DATA_DIR/prepared/SCENE.npz holds a scene as networks take it, and what its raw files were. Scenes that are missing, or
whose raw files changed, are prepared on all cores when the split is opened. A folder with the lists of the splits and
`prepared` alone is a data set, too.
"""

import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from instance_seg.data.scannet.classes import LABEL_TABLE, read_label_table
from instance_seg.data.scannet.raw import MESH, is_labeled, raw_files, read_scene
from instance_seg.files import replacing
from instance_seg.processes import available_cores, map_in_processes
from instance_seg.structures import Cloud, Labels

PREPARED = "prepared"
SPLITS = ("train", "val", "test")
UNLABELED = "test"  # the split whose labels ScanNet keeps to itself
VERSION = 1  # of what is stored
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)  # what a damaged file makes NumPy raise


class Job(NamedTuple):
    """A scene to be prepared."""

    files: dict[str, Path]
    target: Path
    labeled: bool
    names: dict[str, str]


def list_path(root: Path, split: str) -> Path:
    """The file that lists the scenes of a split."""
    return root / f"scannetv2_{split}.txt"


def read_list(root: Path, split: str) -> list[str]:
    """The scenes of a split, in the order of its file.

    Raises:
        ValueError: the file is missing or empty, or lists something twice or no scene.
    """
    path = list_path(root, split)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; it is in ScanNet's repository, in Tasks/Benchmark")
    scenes = path.read_text(encoding="utf-8", errors="replace").split()
    if not scenes:
        raise ValueError(f"{path}: lists no scene")
    for line, scene in enumerate(scenes, 1):
        if not scene.isascii() or not scene.replace("_", "").replace("-", "").isalnum():
            raise ValueError(f"{path}: scene {line} is called {scene!r}; want names such as scene0000_00")
    scene, times = Counter(scenes).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{path}: lists {scene} {times} times; remove all but one")
    return scenes


def open_split(root: Path, split: str, limit: int | None = None) -> "Scenes":
    """The scenes of a split, or the first `limit` of them, after those that have to be are prepared.

    Raises:
        ValueError: names the file that is missing or wrong. What was prepared before it stays.
    """
    scenes = read_list(root, split)[:limit]
    files = {scene: raw_files(root, scene) for scene in scenes}
    labeled = split != UNLABELED or any(is_labeled(each) for each in files.values())
    paths = {scene: root / PREPARED / f"{scene}.npz" for scene in scenes}
    missing = [scene for scene in scenes if not is_prepared(paths[scene], files[scene], labeled)]
    if missing:
        names = read_label_table(root / LABEL_TABLE) if labeled else {}
        jobs = [Job(files[scene], paths[scene], labeled, names) for scene in missing]
        workers = available_cores() if len(jobs) > 8 else 1
        with tqdm(desc=f"preparing {split}", total=len(jobs), unit="scene", delay=2, leave=False) as bar:
            for _ in map_in_processes(prepare, jobs, workers):
                bar.update()
    return Scenes(scenes, [paths[scene] for scene in scenes])


def is_prepared(path: Path, files: dict[str, Path], labeled: bool) -> bool:
    """Whether a stored scene is there and made of these raw files; without raw files it is taken as it is."""
    if not path.is_file():
        return False
    if not files[MESH].is_file():
        return True
    try:
        with np.load(path) as stored:
            return str(stored["source"]) == source_of(files, labeled)
    except UNREADABLE:
        return False


def source_of(files: dict[str, Path], labeled: bool) -> str:
    """What tells the raw files of a scene from others without reading them."""
    states = [path.stat() for kind, path in files.items() if path.is_file() and (labeled or kind == MESH)]
    return f"{VERSION} " + " ".join(f"{state.st_size}:{state.st_mtime_ns}" for state in states)


def prepare(job: Job) -> None:
    """Reads a scene and stores it, whole or not at all."""
    scene = read_scene(job.files, job.names, job.labeled)
    labels = {"semantic": scene.semantic, "instance": scene.instance} if job.labeled else {}
    center = scene.xyz.mean(axis=0, dtype=np.float64)
    arrays = {"xyz": np.float32(scene.xyz - center), "rgb": scene.rgb, **labels}
    with replacing(job.target) as temporary, open(temporary, "wb") as stream:
        np.savez(stream, **arrays, source=source_of(job.files, job.labeled))


class Scenes(Sequence):
    """Prepared scenes, read when they are asked for; colors are features in [-1, 1]."""

    def __init__(self, names: list[str], paths: list[Path]):
        self.names, self._paths = names, paths

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, row: int) -> Cloud:
        path = self._paths[row]
        try:
            with np.load(path) as stored:
                labels = (Labels(stored["semantic"], stored["instance"]),) if "semantic" in stored else ()
                return Cloud(stored["xyz"], as_features(stored["rgb"]), labels, self.names[row])
        except UNREADABLE as error:
            raise ValueError(f"{path}: cannot be read ({error}); remove it, and it is prepared anew") from error


def as_features(rgb: np.ndarray) -> np.ndarray:
    """Colors in bytes [N, 3] -> [-1, 1] float32."""
    return np.float32(rgb) / np.float32(127.5) - np.float32(1)
