"""Rooms out of blocks: the published program's, and what comes in several batches."""

from pathlib import Path

import numpy as np

from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals
from instance_seg.data.s3dis.assemble import RoomAssembler
from instance_seg.data.s3dis.rooms import StoredRoom
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.coverage import Coverage
from instance_seg.structures import Labels, Level, Points, Segmented, Task

GOLDEN = Path(__file__).parents[2] / "golden" / "s3dis_blocks.npz"
TASK = Task("s3dis", "area5", (Level(1, "classes", tuple("abcdefghijklm"), things=tuple(range(13))),), 6)


ROOM = StoredRoom(None, None, None, None, np.float32([2, 3, 4]), None, None)


def assembler_of(wholes, room=ROOM, **settings):
    return RoomAssembler(np.array(wholes), TASK, lambda r: room, lambda levels: levels, **settings)


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
    room, (truth,), ((segmented,),) = assembler_of([0, 12])(points, [labels], found)
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
    whole, _, ((at_once,),) = assembler_of([0, 12])(points, [labels], found)
    assembler, sizes = assembler_of([0, 12, 13]), []
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
    _, _, ((segmented,),) = assembler_of([0, 1])(
        points, [Labels(semantic, semantic)], [(Segmented(semantic, empty, certainty),)]
    )
    assert len(segmented.proposals.label) == 0


def two_blocks():
    """70 samples in each block of a room of 2 x 1 x 1 m, on a line; one instance in each, of classes 2 and 8."""
    features = np.zeros((140, 6), np.float32)
    features[:, 3] = np.linspace(0, 1, 140)
    semantic, certainty = np.repeat(np.int32([2, 8]), 70), np.zeros(70, np.float32)
    found = [
        (Segmented(s, as_proposals(np.zeros(70, int), s, certainty, 13), certainty),)
        for s in (semantic[:70], semantic[70:])
    ]
    xyz = np.zeros((100, 3), np.float32)
    xyz[:, 0] = np.linspace(0, 2, 100)
    labels = np.repeat(np.int32([2, 8]), 50), np.repeat(np.int32([0, 1]), 50)
    room = StoredRoom(xyz, None, *labels, np.float32([2, 1, 1]), None, None)
    return (
        Points(np.zeros((140, 3), np.float32), features, np.array([0, 70, 140])),
        Labels(semantic, semantic),
        found,
        room,
    )


def test_every_point_of_a_room_once():
    """Each is what the sample nearest to it is; what remains is concluded from the samples. An oracle has 100 %."""
    points, labels, found, room = two_blocks()
    sizes = []

    def conclude(levels):
        sizes.extend(levels[0].proposals.size)
        return levels

    assembler = RoomAssembler(np.array([0, 2]), TASK, lambda r: room, conclude, every_point=True)
    whole, (truth,), ((segmented,),) = assembler(points, [labels], found)
    np.testing.assert_array_equal(whole.xyz, room.xyz)
    assert whole.features.shape == (100, 6) and whole.row_splits.tolist() == [0, 100]
    assert truth.semantic.tolist() == segmented.semantic.tolist() == room.semantic.tolist()
    assert sizes == [70, 70] and segmented.proposals.size.tolist() == [50, 50]
    metric = Coverage(TASK.levels[0], MetricConfig())
    metric.add(truth, segmented)
    assert [metric.result()[f"m{name}"] for name in ("Cov", "WCov", "Prec", "Rec", "IoU")] == [100] * 5


def test_samples_lie_where_they_are_in_the_room():
    points, labels, found, room = two_blocks()
    whole, _, _ = assembler_of([0, 2], room)(points, [labels], found)
    np.testing.assert_allclose(whole.xyz[:, 0], np.linspace(0, 2, 140), rtol=1e-6)
