"""What an HDF5 name leads to, found without leaving the data folder.

A name in an HDF5 file may be a link to another file, and a dataset may keep its values in other files. Whoever made the
file decides which, so a data set from elsewhere could show any file of this machine as normals or masks. HDF5 follows
all of them; here each step is taken by hand, and only within one folder.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import h5py

from instance_seg.data.files.checksums import verify

MAX_STEPS = 16  # links and virtual datasets on the way to one dataset


class LinkError(ValueError):
    """A link, or the data of a dataset, leads out of the data folder, in circles or nowhere."""


class LinkedFile(ExitStack):
    """An HDF5 file and those that it leads to, which must lie in the data folder or in the file's own.

    Symbolic links of the file system count as what they point to, except for the file itself: where it lies is the
    user's choice. The files that links led to stay open until the `with` block ends.
    """

    def __init__(self, file: h5py.File, within: str | os.PathLike):
        super().__init__()
        self.file = file
        self._folders = Path(within).resolve(), Path(file.filename).parent.resolve()
        self._opened = {Path(file.filename).resolve(): file}

    def find(self, name: str) -> h5py.HLObject | None:
        """The object of this name, None if there is none. Raises LinkError instead of leaving the folder."""
        return self._find(self.file, name, MAX_STEPS)

    def _find(self, file: h5py.File, name: str, steps: int) -> h5py.HLObject | None:
        found = self._walk(file, file, name, steps)
        if isinstance(found, h5py.Dataset):
            self._check_storage(found, steps)
        return found

    def _walk(self, file: h5py.File, start: h5py.Group, name: str, steps: int) -> h5py.HLObject | None:
        here = file if name.startswith("/") else start
        parts = [part for part in name.split("/") if part not in ("", ".")]
        for place, part in enumerate(parts):
            link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
            if link is None:
                return None
            if isinstance(link, h5py.HardLink):
                here = here[part]
                continue
            if not steps:
                raise LinkError(f"is reached by the link {part!r}, which leads in circles")
            rest = f"{link.path}/{'/'.join(parts[place + 1 :])}"
            if isinstance(link, h5py.SoftLink):
                return self._walk(here.file, here, rest, steps - 1)
            other = self._open(here.file, link.filename)
            return self._walk(other, other, rest, steps - 1)
        return here

    def _check_storage(self, dataset: h5py.Dataset, steps: int) -> None:
        if dataset.external:
            raise LinkError(
                f"keeps its values in another file, {dataset.external[0][0]}, by external storage, which is not read; "
                f"copy them into the HDF5 file"
            )
        if not dataset.is_virtual:
            return
        if not steps:
            raise LinkError("is a virtual dataset that leads in circles")
        for source in dataset.virtual_sources():
            file = dataset.file if source.file_name == "." else self._open(dataset.file, source.file_name)
            if not isinstance(self._find(file, source.dset_name, steps - 1), h5py.Dataset):
                raise LinkError(f"is virtual, and {source.file_name} has no dataset {source.dset_name!r}")

    def _open(self, file: h5py.File, name: str) -> h5py.File:
        """Opens a file by the name that another one has for it: relative to that file's folder."""
        path = (Path(file.filename).parent / name).resolve()
        if not any(map(path.is_relative_to, self._folders)):
            raise LinkError(f"leads to {name}, which is outside of the data folder {self._folders[0]}; copy it there")
        if path not in self._opened:
            if not path.is_file():
                raise LinkError(f"leads to {name}, which is not there")
            verify(path)
            self._opened[path] = self.enter_context(h5py.File(path, "r"))
        return self._opened[path]
