"""Rooms out of blocks: the published program's, and what comes in several batches."""

from pathlib import Path

import numpy as np

from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals
from instance_seg.data.s3dis.assemble import RoomAssembler
from instance_seg.structures import Labels, Level, Points, Segmented, Task

GOLDEN = Path(__file__).parents[2] / "golden" / "s3dis_blocks.npz"
TASK = Task("s3dis", "area5", (Level(1, "classes", tuple("abcdefghijklm"), things=tuple(range(13))),), 6)


def golden_room():
    """Points, labels and clusters of the blocks, and what is published of the room."""
    with np.load(GOLDEN) as file:
        stored = {name: file[name] for name in file.files}
    block = np.float32(stored["room0_block"])
    count, size = block.shape[:2]
    points = Points(block[..., :3].reshape(-1, 3), block[..., 3:].reshape(-1, 6), np.arange(count + 1) * size)
    labels = Labels(*(stored[f"room0_block_{name}"].reshape(-1) for name in ("sem", "ins")))
    found = []
    for embedding, semantic, published in zip(
        stored["room0_embedding"], stored["room0_pred_sem"], stored["room0_cluster"], strict=True
    ):
        ids = cluster_regions(embedding, np.array([0, size]), 0.6)
        np.testing.assert_array_equal(ids, published)
        certainty = np.zeros(size, np.float32)
        found.append((Segmented(semantic, as_proposals(ids, semantic, certainty, 13), certainty),))
    return points, labels, found, stored


def test_a_room_as_the_published_program_leaves_it():
    points, labels, found, stored = golden_room()
    room, (truth,), ((segmented,),) = RoomAssembler(np.array([0, 12]), TASK)(points, [labels], found)
    assert room.row_splits.tolist() == [0, len(points.xyz)]
    np.testing.assert_array_equal(truth.instance, labels.instance)
    np.testing.assert_array_equal(segmented.semantic, stored["room0_pred_sem"].reshape(-1))
    proposals = segmented.proposals
    kept = proposals.chosen(np.flatnonzero(proposals.size > 0.25 * stored["mean_ins_size_used"][proposals.label]))
    ours, published = kept.instance(len(points.xyz)), stored["room0_final_ins"]
    np.testing.assert_array_equal(ours >= 0, published >= 0)
    for i in range(len(kept.label)):
        assert len(np.unique(published[ours == i])) == 1
    assert len(kept.label) == len(np.unique(published[published >= 0])) > 2


def test_rooms_come_when_they_are_complete():
    points, labels, found, _ = golden_room()
    whole, _, ((at_once,),) = RoomAssembler(np.array([0, 12]), TASK)(points, [labels], found)
    assembler, sizes = RoomAssembler(np.array([0, 12, 13]), TASK), []
    for begin, end in ((0, 5), (5, 10), (10, 12), (0, 1)):
        rows = slice(points.row_splits[begin], points.row_splits[end])
        part = Points(points.xyz[rows], points.features[rows], points.row_splits[: end - begin + 1])
        room, truth, levels = assembler(part, [Labels(*(x[rows] for x in labels))], found[begin:end])
        sizes.append((len(levels), len(room.xyz), len(truth[0].semantic)))
        if end == 12:
            np.testing.assert_array_equal(levels[0][0].proposals.points, at_once.proposals.points)
    size = int(points.row_splits[1])
    assert sizes == [(0, 0, 0), (0, 0, 0), (1, 12 * size, 12 * size), (1, size, size)]


def test_nothing_is_found():
    certainty = np.zeros(4, np.float32)
    semantic = np.zeros(4, np.int32)
    empty = as_proposals(np.full(4, -1), semantic, certainty, 13)
    points = Points(np.zeros((4, 3), np.float32), np.zeros((4, 6), np.float32), np.array([0, 4]))
    assembler = RoomAssembler(np.array([0, 1]), TASK)
    _, _, ((segmented,),) = assembler(points, [Labels(semantic, semantic)], [(Segmented(semantic, empty, certainty),)])
    assert len(segmented.proposals.label) == 0
