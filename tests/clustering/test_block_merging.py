"""Groups of a room from the clusters of its blocks: the published program's own, and cases by hand."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.clustering.block_merging import BlockMerging
from instance_seg.clustering.partition import find_instances

GOLDEN = Path(__file__).parents[1] / "golden" / "s3dis_blocks.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as stored:
        return {name: stored[name] for name in stored.files}


def cells_of(merging):
    """[F, 5] x, y, z, group, class of the filled cells."""
    side = merging._side
    filled = np.flatnonzero(merging._group >= 0)
    place = np.stack(np.unravel_index(filled, (side,) * 3), axis=1)
    return np.column_stack([place, merging._group[filled], merging._label[filled]])


def check_cells(merging, published):
    np.testing.assert_array_equal(cells_of(merging), published[np.lexsort(published[:, 2::-1].T)])


def test_a_room_as_the_published_program_merges_it(golden):
    merging, count = BlockMerging(), 0
    for block, cluster, semantic, merged in zip(
        golden["room0_block"], golden["room0_cluster"], golden["room0_pred_sem"], golden["room0_merged"], strict=True
    ):
        label = find_instances(cluster, semantic, 13).label
        np.testing.assert_array_equal(merging.add(block[:, 6:], cluster, label), merged)
        count += 1
    assert count == 12
    check_cells(merging, golden["room0_cells"])


def test_more_groups_than_a_byte_counts(golden):
    """The published program's groups do not wrap, only its stored ids do."""
    mm = golden["wrap_mm"]
    extent = mm.max(axis=0) / 1000
    merging = BlockMerging()
    for sample, cluster, merged in zip(golden["wrap_sample"], golden["wrap_cluster"], golden["wrap_merged"]):
        label = np.zeros(cluster.max() + 1, np.int64)
        np.testing.assert_array_equal(merging.add(mm[sample] / 1000 / extent, cluster, label), merged)
    assert golden["wrap_merged"].max() > 256


def test_merging_alone(golden):
    merging = BlockMerging()
    for points, cluster, label, published in zip(
        golden["merge0_pts"], golden["merge0_cluster"], golden["merge0_class"], golden["merge0_out"], strict=True
    ):
        np.testing.assert_array_equal(merging.add(points, cluster, label), published)
    check_cells(merging, golden["merge0_cells"])


def line(begin, count):
    """`count` points, each in a cell of its own, from cell number `begin` of the axis x."""
    return np.stack([(begin + np.arange(count) + 0.5) * 0.005, np.zeros(count), np.zeros(count)], axis=1)


def test_clusters_join_the_group_they_overlap():
    merging = BlockMerging()
    assert set(merging.add(line(0, 30), np.zeros(30, int), np.array([4]))) == {0}
    # 7 of the 40 points lie in cells of group 0: the cluster joins it, and only its other points write.
    joined = merging.add(line(23, 40), np.zeros(40, int), np.array([4]))
    assert joined.tolist() == [-1] * 7 + [0] * 33 and merging.num_groups == 1
    # 6 are too few, and another class does not count.
    assert set(merging.add(line(57, 40), np.zeros(40, int), np.array([4]))) == {-1, 1}
    assert set(merging.add(line(60, 40), np.zeros(40, int), np.array([5]))) == {-1, 2}
    assert merging.groups(line(0, 120)).tolist() == [0] * 63 + [1] * 34 + [2] * 3 + [-1] * 20


def test_small_clusters_fall_into_group_0_or_are_left_out():
    for quirks, group in ((True, 0), (False, -1)):
        merging = BlockMerging(quirks)
        merging.add(line(0, 30), np.zeros(30, int), np.array([4]))
        assert set(merging.add(line(100, 29), np.zeros(29, int), np.array([4]))) == {group}
        assert set(merging.add(line(150, 30), np.zeros(30, int), np.array([4]))) == {1}


def test_any_number_of_clusters_and_none():
    merging = BlockMerging()
    assert merging.add(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0, int)).shape == (0,)
    assert merging.add(line(0, 5), np.full(5, -1), np.zeros(0, int)).tolist() == [-1] * 5
    grid = np.stack(np.meshgrid(*[np.arange(30)] * 3, indexing="ij"), -1).reshape(-1, 3)
    groups = merging.add((grid + 0.5) * 0.005, np.repeat(np.arange(900), 30), np.zeros(900, int))
    assert merging.num_groups == 900 and len(np.unique(groups)) == 900


def test_coordinates_in_metres_are_refused():
    with pytest.raises(ValueError, match="divided by the room's extent"):
        BlockMerging().add(np.array([[2.0, 0, 0]]), np.zeros(1, int), np.zeros(1, int))
