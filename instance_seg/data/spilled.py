"""Clouds kept in a temporary file: however many there are, none stays in memory."""

import io
import os
import tempfile
from collections.abc import Iterable, Sequence

import numpy as np

from instance_seg.structures import Cloud, Labels


class SpilledClouds(Sequence):
    """Clouds written to a file without a name, read back one by one."""

    def __init__(self, clouds: Iterable[Cloud]):
        self._file = tempfile.TemporaryFile()
        self._entries: list[tuple[int, int, int, str]] = []  # begin, end, number of levels, name
        for cloud in clouds:
            begin = self._file.tell()
            for array in (cloud.xyz, cloud.features, *(array for level in cloud.labels for array in level)):
                np.save(self._file, array, allow_pickle=False)
            self._entries.append((begin, self._file.tell(), len(cloud.labels), cloud.name))
        self._file.flush()

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, row: int) -> Cloud:
        """One cloud; several threads may ask at once."""
        begin, end, num_levels, name = self._entries[row]
        stream = io.BytesIO(os.pread(self._file.fileno(), end - begin, begin))
        xyz, features = np.load(stream), np.load(stream)
        labels = tuple(Labels(np.load(stream), np.load(stream)) for _ in range(num_levels))
        return Cloud(xyz, features, labels, name)
