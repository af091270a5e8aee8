"""Predicted instances in PartNet's own prediction files, written and read: <folder>/test-NN.h5, 1024 shapes each.

    mask [B, 200, N] bool    valid [B, 200] bool    conf [B, 200] float32    label [B, 200] uint8

Labels count from 0 and leave out "other": label l is the level's class l + 1. Rows follow the split's list.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.files.checked_h5 import Field, RowWriter, open_dataset, open_h5, read_dataset, reject_rows
from instance_seg.data.partnet.hdf5.masks import MAX_INSTANCES, pad
from instance_seg.data.partnet.hdf5.trees import SHAPES_PER_FILE
from instance_seg.data.partnet.shape import MIN_POINTS
from instance_seg.files import replacing
from instance_seg.structures import Proposals

_DATASETS = ("mask", "label", "valid", "conf")  # in the order of PredictedMasks
_BLOCK = 16  # rows read at a time, 32 MB of masks at 10,000 points


class PredictedMasks(NamedTuple):
    """The predicted instances of one shape at one level; masks may overlap when they come from other programs."""

    mask: np.ndarray  # [P, N] bool
    label: np.ndarray  # [P] uint8, class minus 1
    valid: np.ndarray  # [P] bool, rows that count
    confidence: np.ndarray  # [P] float32


def proposals_to_masks(
    proposals: Proposals, num_points: int, min_points: int = MIN_POINTS, max_instances: int = MAX_INSTANCES
) -> PredictedMasks:
    """Turns the proposals of a shape into masks in descending order of score.

    Those of class 0 and those of at most `min_points` points are left out, and so are, beyond `max_instances`, the
    ones of lowest score.
    """
    counted = np.flatnonzero((proposals.size > min_points) & (proposals.label > 0))
    ranked = counted[np.argsort(-proposals.score[counted], kind="stable")][:max_instances]
    masks = np.zeros((len(proposals.label), num_points), bool)
    masks[proposals.of_entry, proposals.points] = True
    return PredictedMasks(
        mask=masks[ranked],
        label=(proposals.label[ranked] - 1).astype(np.uint8),
        valid=np.ones(len(ranked), bool),
        confidence=proposals.score[ranked].astype(np.float32),
    )


class PredictionWriter:
    """Writes the predictions of a test set shape by shape, in the order of the split's list; none waits in memory.

        with PredictionWriter(folder) as writer:
            for ...:
                writer.append(proposals_to_masks(...))

    Each file is whole or absent. At the end, files left by an earlier and longer test set are removed; if the block
    raises, the shapes since the last full file are dropped.
    """

    def __init__(self, folder: str | os.PathLike, split: str = "test", shapes_per_file: int = SHAPES_PER_FILE):
        self.files: list[Path] = []  # those that are whole
        self._folder, self._split, self._shapes_per_file = Path(folder), split, shapes_per_file
        self._open = ExitStack()  # the file that is being written
        self._rows: RowWriter | None = None
        self._num_points: int | None = None

    def append(self, shape: PredictedMasks) -> None:
        """Adds the next shape. Raises ValueError for another number of points than before, or over 200 masks."""
        num_masks, num_points = shape.mask.shape
        row = len(self.files) * self._shapes_per_file + (self._rows.num_rows if self._rows else 0)
        if num_masks > MAX_INSTANCES:
            raise ValueError(f"shape {row}: {num_masks} masks, a prediction file holds {MAX_INSTANCES} a shape")
        if self._num_points not in (None, num_points):
            raise ValueError(
                f"shape {row}: {num_points} points, those before have {self._num_points}; a file needs equal"
            )
        self._num_points = num_points
        if self._rows is None:
            temporary = self._open.enter_context(replacing(self._path()))
            self._rows = self._open.enter_context(RowWriter(temporary, self._shapes_per_file))
        self._rows.append({name: pad(values) for name, values in zip(_DATASETS, shape)})
        if self._rows.num_rows == self._shapes_per_file:
            self._finish_file()

    def _path(self) -> Path:
        return self._folder / f"{self._split}-{len(self.files):02d}.h5"

    def _finish_file(self) -> None:
        self._open.close()
        self.files.append(self._path())
        self._rows = None

    def __enter__(self) -> "PredictionWriter":
        return self

    def __exit__(self, *error) -> None:
        if error[0] is not None:
            self._open.__exit__(*error)
            return
        if self._rows:
            self._finish_file()
        for path in self._folder.glob(f"{self._split}-*.h5"):
            if path not in self.files:
                path.unlink()


def read_predictions(
    folder: str | os.PathLike, split: str = "test", num_labels: int | None = None
) -> Iterator[PredictedMasks]:
    """Reads the predictions of a test set, by this or any other program, in the order of the files.

    Args:
      folder: holds <split>-NN.h5.
      num_labels: if given, labels of valid rows must be below it.

    Raises:
      ValueError: no such files, or one of them is damaged or malformed; names the file, the dataset and the row.
    """
    folder = Path(folder)
    files = sorted(folder.glob(f"{split}-*.h5"), key=lambda path: (len(path.name), path.name))
    if not files:
        raise ValueError(f"{folder}: no prediction files {split}-00.h5, {split}-01.h5, ... in this folder")
    for path in files:
        yield from _read_file(path, num_labels)


def _read_file(path: Path, num_labels: int | None) -> Iterator[PredictedMasks]:
    with open_h5(path) as file:
        num_rows, num_masks, num_points = open_dataset(file, "mask", Field((None, None, None), np.bool_)).shape
        table = (num_rows, num_masks)
        fields = {
            "mask": Field((*table, num_points), np.bool_),
            "label": Field(table, np.integer),
            "valid": Field(table, np.bool_),
            "conf": Field(table, np.floating),
        }
        for start in range(0, num_rows, _BLOCK):
            rows = slice(start, start + _BLOCK)
            block = PredictedMasks(*(read_dataset(file, name, field, rows) for name, field in fields.items()))
            bad = block.valid & ~np.isfinite(block.confidence)
            reject_rows(path, bad, "has a NaN or infinite 'conf' in a valid mask", start)
            if num_labels is not None:
                bad = block.valid & ((block.label < 0) | (block.label >= num_labels))
                complaint = f"has a 'label' outside 0..{num_labels - 1} in a valid mask; labels leave out \"other\""
                reject_rows(path, bad, complaint, start)
            yield from map(PredictedMasks._make, zip(*block))
