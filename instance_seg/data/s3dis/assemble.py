"""The blocks of a room put together again, with their instances merged (datasets.md, S3DIS, BlockMerging)."""

from collections.abc import Callable, Sequence

import numpy as np

from instance_seg.clustering.block_merging import BlockMerging
from instance_seg.clustering.partition import as_proposals
from instance_seg.data.s3dis.rooms import StoredRoom
from instance_seg.data.spread import nearest_rows, spread
from instance_seg.structures import Labels, Points, Segmented, Task

POSITION = slice(3, 6)  # features of a block's points: their place in the room


class RoomAssembler:
    """Collects blocks in their order, and gives the rooms that are complete: all sampled points of all their blocks.

    As in the published program every sample counts, those that lie in two blocks twice; each has the class its own
    block gave it, and at the end the group of its cell. `every_point` is ours: every point of the room counts once,
    and is what the sample nearest to it is.

    Args:
        wholes: [R + 1] the blocks of each room.
        room: room(r) gives room r.
        conclude: what remains of the instances of a room, one Segmented per level.
        quirks: see BlockMerging.
        every_point: see above.
    """

    def __init__(
        self,
        wholes: np.ndarray,
        task: Task,
        room: Callable[[int], StoredRoom],
        conclude: Callable[[tuple[Segmented, ...]], tuple[Segmented, ...]],
        quirks: bool = True,
        every_point: bool = False,
    ):
        self._ends, self._task, self._open, self._conclude = [int(end) for end in wholes[1:]], task, room, conclude
        self._quirks, self._every_point = quirks, every_point
        self._count = 0
        self._room: list[tuple] = []  # xyz, features, labels and Segmented of each block of the room so far

    def __call__(
        self, points: Points, labels: Sequence[Labels], found: Sequence[tuple[Segmented, ...]]
    ) -> tuple[Points, tuple[Labels, ...], list[tuple[Segmented, ...]]]:
        """Takes the blocks of a batch; gives points, labels and instances of the rooms that are complete now."""
        rooms = []
        for levels, begin, end in zip(found, points.row_splits[:-1], points.row_splits[1:], strict=True):
            own = tuple(Labels(each.semantic[begin:end], each.instance[begin:end]) for each in labels)
            self._room.append((points.xyz[begin:end], points.features[begin:end], own, levels))
            self._count += 1
            if self._count in self._ends:
                rooms.append(self._merged(self._open(self._ends.index(self._count))))
                self._room = []
        splits = np.cumsum([0, *(len(room[0]) for room in rooms)]).astype(np.int32)
        xyz = _joined([room[0] for room in rooms], points.xyz)
        features = _joined([room[1] for room in rooms], points.features)
        truth = tuple(
            Labels(
                _joined([room[2][k].semantic for room in rooms], each.semantic),
                _joined([room[2][k].instance for room in rooms], each.instance),
            )
            for k, each in enumerate(labels)
        )
        return Points(xyz, features, splits), truth, [room[3] for room in rooms]

    def _merged(self, room: StoredRoom):
        """xyz in the room's coordinates, features, labels and levels of a room."""
        _, features, labels, found = zip(*self._room)
        truth = tuple(Labels(*(np.concatenate(arrays) for arrays in zip(*each))) for each in zip(*labels))
        positions = [each[:, POSITION] for each in features]
        levels = tuple(
            self._level(positions, blocks, len(level.classes)) for level, blocks in zip(self._task.levels, zip(*found))
        )
        levels, features = self._conclude(levels), np.concatenate(features)
        xyz = features[:, POSITION] * np.float32(room.extent)
        if not self._every_point:
            return xyz, features, truth, levels
        nearest = nearest_rows(xyz, room.xyz)
        truth = tuple(Labels(np.asarray(room.semantic), np.asarray(room.instance)) for _ in truth)
        levels = tuple(
            Segmented(level.semantic[nearest], spread(level.proposals, nearest), level.certainty[nearest])
            for level in levels
        )
        return np.asarray(room.xyz), features[nearest], truth, levels

    def _level(self, positions, blocks: Sequence[Segmented], num_classes: int) -> Segmented:
        merging = BlockMerging(self._quirks)
        for position, block in zip(positions, blocks, strict=True):
            merging.add(position, block.proposals.instance(len(position)), block.proposals.label)
        groups = merging.groups(np.concatenate(positions))
        semantic = np.concatenate([block.semantic for block in blocks])
        certainty = np.concatenate([block.certainty for block in blocks])
        return Segmented(semantic, as_proposals(groups, semantic, certainty, num_classes), certainty)


def _joined(parts, like):
    return np.concatenate([like[:0], *parts])
