"""The checkpoints of a folder as files: which there are, what network they belong to, what a crash left behind."""

import pathlib
import re
import shutil
from collections.abc import Mapping
from typing import Any

from instance_seg.config import Config, make_config
from instance_seg.files import read_json
from instance_seg.released.weight_files import is_weight_file
from instance_seg.settings_file import read_settings_file
from instance_seg.training.weights_folder import NETWORK, WEIGHTS, is_weights_folder

CHECKPOINTS, DESCRIPTION = "checkpoints", "network.json"  # folder of a run, file in it
_INDEX = re.compile(r"iter-(\d+)\.index")  # written last: a checkpoint with an index was whole once
_FIELDS = {
    "data_set": str,
    "source": dict,
    "system": str,
    "settings": dict,
    "other_settings": dict,
    "num_classes": list,
}


def prefix_of(folder: pathlib.Path, step: int) -> str:
    """The name that a checkpoint's files begin with."""
    return str(folder / f"iter-{step}")


def checkpoints_in(folder: pathlib.Path) -> list[str]:
    """Prefixes of the checkpoints of a folder, the newest first; by their files, with no list that may be damaged."""
    steps = [int(found[1]) for path in folder.glob("iter-*.index") if (found := _INDEX.fullmatch(path.name))]
    return [prefix_of(folder, step) for step in sorted(steps, reverse=True)]


def find_checkpoints(path: str, flag: str = "--ckpt") -> list[str]:
    """Prefixes to be tried one after the other: the one that is named, or those of a folder, the newest first.

    Args:
        path: a prefix, a folder of checkpoints, a run's folder, or a weights folder, whose file of weights it gives.
        flag: the flag that names it, for errors.

    Raises:
        ValueError: there is none.
    """
    if pathlib.Path(f"{path}.index").is_file():
        return [str(path)]
    if is_weights_folder(path):
        return [str(pathlib.Path(path) / WEIGHTS)]
    for folder in (pathlib.Path(path), pathlib.Path(path) / CHECKPOINTS):
        if found := checkpoints_in(folder):
            return found
    if not pathlib.Path(path).exists():
        raise ValueError(f"{flag}={path}: no such folder or checkpoint; want a trained run's folder, or one of weights")
    raise ValueError(f"{flag}={path}: neither a checkpoint (PREFIX of PREFIX.index) nor a folder with one")


def checkpoint_folder(path: str) -> pathlib.Path:
    """The folder that a checkpoint, given as find_checkpoints takes it, lies in, with all that is kept beside it.

    A file of PyTorch's has nothing beside it, and stands for an empty folder.
    """
    return pathlib.Path(path) if is_weight_file(path) else pathlib.Path(find_checkpoints(path)[0]).parent


def run_folder(path: str) -> pathlib.Path:
    """The folder of the run that a checkpoint belongs to; arguments as of checkpoint_folder."""
    folder = checkpoint_folder(path)
    return folder.parent if folder.name == CHECKPOINTS else folder


def _description_file(checkpoint: str) -> pathlib.Path:
    path = pathlib.Path(find_checkpoints(checkpoint)[0])
    return path.with_name(NETWORK if path.name == WEIGHTS else DESCRIPTION)


def read_description(checkpoint: str) -> dict[str, Any]:
    """The description of the network beside a checkpoint; ValueError naming the file if there is none to be used."""
    path = _description_file(checkpoint)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; {checkpoint} needs it beside its weights, so copy the whole folder")
    description = read_settings_file(path) if path.name == NETWORK else read_json(path)
    found = description if isinstance(description, dict) else {}
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(found.get(name), kind)]
    if wrong:
        raise ValueError(
            f"{path}: describes no network, since {', '.join(wrong)} is missing or no {_FIELDS[wrong[0]].__name__}; "
            f"take the {path.name} of another run of the same network, or train again in another folder"
        )
    return description


def described_config(checkpoint: str, changes: Mapping[str, Any] | None = None) -> Config:
    """The settings of data set and system that a checkpoint is of; ValueError naming it if they are none.

    Args:
        changes: other values of settings. With some of the clustering no reading with values by class comes first: a
            given bandwidth counts.
    """
    description = read_description(checkpoint)
    settings = description["source"] | description["settings"] | description["other_settings"]
    try:
        found = make_config({"data_set": description["data_set"], "system": description["system"], **settings})
    except ValueError as error:
        raise ValueError(
            f"{checkpoint}: its {_description_file(checkpoint).name} describes no network: {error}"
        ) from error
    flat = found.flat()
    of_reading = {o.name for o in found.options() if o.group == "network.grouping"}
    first = {"first_reading": ""} if "first_reading" in flat and of_reading & set(changes or ()) else {}
    return make_config(flat | first | dict(changes)) if changes else found


def remove_checkpoint(prefix: str) -> None:
    """Removes the files of a checkpoint, the index first: what has none is no checkpoint."""
    path = pathlib.Path(prefix)
    path.with_name(f"{path.name}.index").unlink(missing_ok=True)
    for part in path.parent.glob(f"{path.name}.data-*"):
        part.unlink(missing_ok=True)


def remove_unfinished(folder: pathlib.Path) -> None:
    """Removes what a process that was killed while it saved left behind; for who holds the folder alone."""
    for path in folder.glob("iter-*_temp"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob("iter-*.data-*"):
        if not (folder / f"{path.name.split('.data-')[0]}.index").exists():
            path.unlink(missing_ok=True)
    for pattern in ("checkpoint*", "iter-*.tempstate*"):  # the former is a list that earlier versions kept
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
