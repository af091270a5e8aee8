"""Where PartNet's HDF5 files lie: <root>/<tree>/<Category or Category-level>/<split>-NN.h5."""

import os
from pathlib import Path

from instance_seg.data.files.checksums import forget_checksums, reject_missing
from instance_seg.data.partnet.splits import SPLITS


def level_folder(category: str, level: int) -> str:
    """Name of the folder of a level; `level` counts from 0, PartNet's names from 1."""
    return f"{category}-{level + 1}"


def h5_path(root: str | os.PathLike, tree: str, folder: str, split: str, index: int) -> Path:
    """Path of the `index`-th file of a split. Raises ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")
    return Path(root) / tree / folder / f"{split}-{index:02d}.h5"


def data_folder(path: str | os.PathLike) -> Path:
    """The root of the data set that an HDF5 file belongs to: the inverse of `h5_path`."""
    return Path(path).absolute().parents[2]


def split_files(root: str | os.PathLike, tree: str, folder: str, split: str) -> list[Path]:
    """The files of a split, sorted by name, as their rows follow the split's list.

    Raises ValueError naming what there is instead when the root, the folder or the split does not exist.
    """
    there = Path(root) / tree / folder
    if not there.parent.is_dir():
        raise ValueError(f"{there.parent}: no such folder; {root} is no PartNet data (expected {tree}/ in it)")
    if not there.is_dir():
        raise ValueError(f"{there}: no such folder; there is {_names(p.name for p in there.parent.iterdir())}")
    files = sorted(there.glob(f"{split}-*.h5"), key=_file_order)
    if not files:
        splits = {path.name.rpartition("-")[0] for path in there.glob("*-*.h5")}
        raise ValueError(f"{there}: no file {split}-00.h5; there is the split {_names(splits)}")
    reject_missing(there, f"{split}-*.h5")
    return files


def remove_files_from(root: str | os.PathLike, category: str, split: str, first: int) -> None:
    """Removes the files of a split numbered `first` and above in all trees: leftovers of a longer one."""
    folders = [*Path(root).glob(f"ins_seg_h5*/{category}"), *Path(root).glob(f"ins_seg_h5_*/{category}-[0-9]")]
    for folder in folders:
        for path in folder.glob(f"{split}-*.h5"):
            if _file_order(path)[0] >= first:
                forget_checksums([path, path.with_suffix(".json")])
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)


def _file_order(path: Path) -> tuple[int, str]:
    """By number: the 100th file comes after the 99th; names that end in no number come last."""
    number = path.stem.rpartition("-")[2]
    return (int(number) if number.isdigit() else 1 << 30, path.name)


def _names(names) -> str:
    return ", ".join(sorted(names)) or "nothing"
