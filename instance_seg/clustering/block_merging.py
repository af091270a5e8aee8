"""Instances of a room from the clusters of its overlapping blocks: BlockMerging of SGPN and ASIS (datasets.md, S3DIS).

A grid over the room remembers which group, and of which class, first reached a cell. The clusters of a block join the
groups that they overlap most, or open groups of their own. NumPy only.
"""

import numpy as np

from instance_seg.clustering.partition import contingency

CELL = 0.005  # of the room's extent along each axis
MIN_OVERLAP = 7  # points
MIN_CLUSTER = 30  # points: smaller clusters open no group


class BlockMerging:
    """The groups of one room; blocks are added one after the other, and their order matters.

    Args:
        quirks: a small cluster that overlaps no group falls into group 0, as in the published program. False: it is
            left out.
        cell: edge of a cell in coordinates divided by the room's extent.
    """

    def __init__(self, quirks: bool = True, cell: float = CELL):
        self._quirks, self._cell = quirks, cell
        self._side = int(1 / cell) + 1
        self._group = np.full(self._side**3, -1, np.int32)
        self._label = np.full(self._side**3, -1, np.int16)
        self.num_groups = 0

    def add(self, position: np.ndarray, cluster: np.ndarray, label: np.ndarray) -> np.ndarray:
        """Joins the clusters of a block with the groups so far.

        Args:
            position: [N, 3] coordinates divided by the room's extent, in [0, 1].
            cluster: [N] int, cluster of each point; -1 = none.
            label: [K] int, class of each cluster.

        Returns:
            [N] int32, the group of each point that was the first to reach its cell, -1 elsewhere.
        """
        cells = self._cells(position)
        rows = np.flatnonzero(cluster >= 0)
        of_point, cells_of_rows = cluster[rows], cells[rows]
        found = self._group[cells_of_rows]
        same = (found >= 0) & (self._label[cells_of_rows] == label[of_point])
        overlap = contingency(of_point[same], found[same], len(label), max(1, self.num_groups))
        group, most = overlap.argmax(axis=1).astype(np.int32), overlap.max(axis=1)
        # The published program counts the points of a cluster from 1 and wants more than 30.
        opens = (most < MIN_OVERLAP) & (np.bincount(of_point, minlength=len(label)) + 1 > MIN_CLUSTER)
        group[opens] = self.num_groups + np.arange(opens.sum())
        if not self._quirks:
            group[(most == 0) & ~opens] = -1

        empty = np.flatnonzero((found < 0) & (group[of_point] >= 0))
        written, first = np.unique(cells_of_rows[empty], return_index=True)
        writers = empty[first]
        self._group[written] = group[of_point[writers]]
        self._label[written] = label[of_point[writers]]
        self.num_groups = max(self.num_groups, self._group[written].max(initial=-1) + 1)
        groups = np.full(len(position), -1, np.int32)
        groups[rows[writers]] = group[of_point[writers]]
        return groups

    def groups(self, position: np.ndarray) -> np.ndarray:
        """[N] int32, the group of the cell each point lies in; -1 = an empty cell."""
        return self._group[self._cells(position)]

    def _cells(self, position):
        index = (np.asarray(position) / self._cell).astype(np.int64)
        if index.min(initial=0) < 0 or index.max(initial=0) >= self._side:
            raise ValueError("positions must be coordinates divided by the room's extent, in [0, 1]")
        return (index[:, 0] * self._side + index[:, 1]) * self._side + index[:, 2]
