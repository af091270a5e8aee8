"""HAIS' hierarchical aggregation: the published program's groups, and components placed by hand."""

import pathlib

import numpy as np
import pytest

from instance_seg.clustering.set_aggregation import ClassSizes, hierarchical_groups, measured_sizes
from instance_seg.structures import Labels
from instance_seg.systems.proposal_settings import HaisGroupConfig

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "clusters.npz"
USUAL = ClassSizes(np.float32([0, 10, 10]), np.float32([0, 0.5, 0.1]))


@pytest.fixture(scope="module")
def published():
    with np.load(GOLDEN) as stored:
        return {name: stored[name] for name in stored.files}


def scannet_sizes():
    config = HaisGroupConfig()
    return ClassSizes(*(np.float32([0, 0, *values]) for values in (config.class_points, config.class_radius)))


@pytest.mark.parametrize("absorb", [False, True])
def test_groups_are_those_of_the_published_program(published, absorb):
    """All components: those of at least 50 points, which the file lists, and the points in none of them, one by one."""
    listed = np.split(published["dense_q_idx"][:, 1], published["dense_q_off"][1:-1])
    rest = np.setdiff1d(np.arange(len(published["dense_sem"])), published["dense_q_idx"][:, 1])
    components = sorted([*listed, *rest[:, None]], key=lambda rows: rows[0])
    assert len(components) == len(published["dense_hais_fragment_offsets"]) - 1 + 3
    members, splits = hierarchical_groups(
        np.concatenate(components),
        np.cumsum([0, *map(len, components)]),
        published["dense_coords"] + published["dense_offset"],
        published["dense_sem"],
        published["dense_batch"],
        scannet_sizes(),
        absorb,
    )
    name = "test" if absorb else "train"
    np.testing.assert_array_equal(splits, published[f"dense_hais_{name}_off"])
    want = published[f"dense_hais_{name}_idx"][:, 1]
    if not absorb:
        np.testing.assert_array_equal(members, want)
    for begin, end in zip(splits[:-1], splits[1:]):
        np.testing.assert_array_equal(np.sort(members[begin:end]), np.sort(want[begin:end]))


def groups_of(components, semantic, xyz, cloud=None, absorb=True):
    """The components as lists of rows -> the groups as lists of rows."""
    splits, cloud = np.cumsum([0, *map(len, components)]), np.zeros(len(semantic), int) if cloud is None else cloud
    members = np.concatenate([[], *components]).astype(np.int32)
    found = hierarchical_groups(members, splits, np.float32(xyz), np.array(semantic), np.array(cloud), USUAL, absorb)
    return [list(rows) for rows in np.split(found[0], found[1][1:-1])] if len(found[1]) > 1 else []


def line(*places):
    return [[x, 0, 0] for x in places]


def test_a_fragment_joins_the_nearest_large_component_of_its_class_and_stays_a_group_as_well():
    components, semantic = [[0, 1, 2], [3, 4], [5, 6, 7]], [1] * 8
    xyz = line(0, 0, 0, 0.45, 0.45, 1, 1, 1)
    assert groups_of(components, semantic, xyz) == [[3, 4], [0, 1, 2, 3, 4], [5, 6, 7]]
    assert groups_of(components, semantic, xyz, absorb=False) == [[3, 4], [0, 1, 2], [5, 6, 7]]


@pytest.mark.parametrize(
    ("place", "label", "cloud"), [(0.5, 1, 0), (0.1, 2, 0), (0.1, 1, 1)], ids=["too far", "other class", "other cloud"]
)
def test_a_fragment_out_of_reach_stays_alone(place, label, cloud):
    found = groups_of([[0, 1, 2], [3]], [1, 1, 1, label], line(0, 0, 0, place), [0, 0, 0, cloud])
    assert found == [[3], [0, 1, 2]]


def test_what_is_tiny_for_its_class_is_no_group_of_its_own():
    sizes = ClassSizes(np.float32([0, 30]), np.float32([0, 0.5]))
    members, splits = np.arange(11, dtype=np.int32), np.array([0, 10, 11])
    xyz, zeros = np.zeros((11, 3), np.float32), np.zeros(11, int)
    for absorb, want in ((True, [0, 11]), (False, [0, 10])):
        found = hierarchical_groups(members, splits, xyz, np.ones(11, int), zeros, sizes, absorb)
        np.testing.assert_array_equal(found[1], want)


def test_a_component_absorbs_no_more_than_8192_points():
    sizes, count = ClassSizes(np.float32([40_000]), np.float32([1])), 12_000 + 9 * 1000
    splits = np.array([0, *range(12_000, count + 1, 1000)])
    zeros = np.zeros(count, int)
    found = hierarchical_groups(
        np.arange(count, dtype=np.int32), splits, np.zeros((count, 3), np.float32), zeros, zeros, sizes, True
    )
    np.testing.assert_array_equal(found[0], np.arange(12_000 + 8192))


def test_no_component():
    assert groups_of([], [1], line(0)) == []


def test_measured_sizes_are_means_over_instances():
    """Two of class 1, of 3 and 1 points; points of no instance or no class do not count."""
    xyz = np.float32(line(0, 2, 4, 9, 7, 5))
    labels = Labels(np.array([1, 1, 1, 1, 2, -1]), np.array([0, 0, 0, 3, -1, 4]))
    found = measured_sizes([(xyz, labels), (xyz[:0], Labels(labels.semantic[:0], labels.instance[:0]))], 3)
    np.testing.assert_allclose(found.points, [1, 2, 1])
    np.testing.assert_allclose(found.radius, [1, 1, 1])
