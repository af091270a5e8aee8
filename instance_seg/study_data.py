"""The data of a study: the parts of a data set that have runs of their own, and procedural data where none is given."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from instance_seg.data.partnet.sources import categories_in, sources_of
from instance_seg.data.partnet.taxonomy import check_category
from instance_seg.data.s3dis.annotations import ROOMS, area_rooms, areas_folder
from instance_seg.procedural import available_categories

PARTS = {"partnet": "category", "s3dis": "area"}  # data set -> the setting that names a part of it, where it has parts


class StudyData(NamedTuple):
    """Where the data lies, and what is trained on."""

    data_dir: str
    parts: list[str]  # values of the setting of PARTS; one "" where the data set has no parts
    flags: tuple[str, ...] = ()  # of all runs


def find_data(study: dict[str, Any], data_dir: str | None, parts: Sequence[str] | None, preset: str) -> StudyData:
    """The data of a study; procedural data that is not there yet is made.

    Args:
        study: of study.read_study.
        data_dir: None: procedural data.
        parts: those asked for, ["all"], or None for those of the study.
        preset: its name; there is smaller procedural data for "smoke".

    Raises:
        ValueError: there is no such folder, or there are no such parts.
    """
    if data_dir and not Path(data_dir).is_dir():
        raise ValueError(f"--data_dir={data_dir}: no such folder; without the flag, procedural data is made")
    if study.get("data_set", "partnet") == "s3dis":
        return _areas(data_dir, parts or study["folds"], preset)
    if study.get("data_set") == "scannet":
        return StudyData(data_dir or _procedural_rooms(preset), [""])
    if data_dir:
        return StudyData(data_dir, chosen_categories(data_dir, parts))
    return _procedural_shapes(preset, parts or study["procedural_categories"])


def chosen_categories(data_dir: str, wanted: Sequence[str] | None) -> list[str]:
    """The categories of a folder with both splits; ValueError naming those asked for that are not there."""
    there = [c for c in categories_in(data_dir) if all(sources_of(data_dir, c, s) for s in ("train", "test"))]
    if not there:
        raise ValueError(f"{data_dir}: no category has a train and a test split here")
    if not wanted or list(wanted) == ["all"]:
        return there
    for name in wanted:
        check_category(name)
        if name not in there:
            raise ValueError(f"{data_dir}: no train and test split of {name} here; there is {', '.join(there)}")
    return list(wanted)


def _procedural_shapes(preset: str, categories: Sequence[str]) -> StudyData:
    size, folder = ("smoke", "data/procedural_smoke") if preset == "smoke" else ("demo", "data/procedural")
    names = list(available_categories() if list(categories) == ["all"] else categories)
    for name in names:
        check_category(name)
    make = ["tools/make_procedural.py", f"--out={folder}", f"--size={size}", "--skip_existing"]
    subprocess.run([sys.executable, *make, f"--categories={','.join(names)}"], check=True)
    return StudyData(folder, names)


def _procedural_rooms(preset: str) -> str:
    size, folder = ("smoke", "data/procedural_rooms_smoke") if preset == "smoke" else ("demo", "data/procedural_rooms")
    if not (Path(folder) / "scannetv2_val.txt").is_file():  # written last
        subprocess.run([sys.executable, "tools/make_rooms.py", f"--out={folder}", f"--size={size}"], check=True)
    return folder


def _areas(data_dir: str | None, wanted: Sequence[Any], preset: str) -> StudyData:
    """Areas that are held out in turn; procedural ones have fewer rooms than S3DIS has."""
    folds = [str(area) for area in (ROOMS if list(wanted) == ["all"] else wanted)]
    for area in folds:
        if area not in map(str, ROOMS):
            raise ValueError(f"--folds: {area!r} is no area of S3DIS; want numbers from 1 to 6, or all")
    flags: tuple[str, ...] = ()
    if not data_dir:
        size = "smoke" if preset == "smoke" else "demo"
        data_dir, flags = f"data/procedural_areas_{size}", ("--allow_partial",)
        if not Path(data_dir).is_dir():
            make = ["tools/make_rooms.py", "--layout=s3dis", f"--size={size}", f"--out={data_dir}.unfinished"]
            subprocess.run([sys.executable, *make], check=True)
            Path(f"{data_dir}.unfinished").rename(data_dir)
    for area in folds:
        area_rooms(areas_folder(Path(data_dir)), int(area), allow_partial=True)  # refused before anything is trained
    return StudyData(data_dir, folds, flags)
