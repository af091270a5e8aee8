"""Clouds of a split: normalized, labeled at every level."""

import numpy as np
import pytest
from data.partnet.vases import VASE, make_shape

from instance_seg.data.partnet.dataset import as_cloud, read_clouds, to_unit_sphere
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.partnet import PartNet
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.data.partnet.shape import Part
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.targets import CenterTargets


def cloud_of(seed):
    return as_cloud(store_shape(make_shape(seed), VASE, "val"))


def load(root, limit=None):
    return list(read_clouds(root, "Vase", "val", VASE, limit))


def test_points_fill_the_unit_sphere():
    points = make_shape(0).points * np.float32([1, 20, 3]) + np.float32([50, 0, 0])
    moved = to_unit_sphere(points)
    assert moved.dtype == np.float32
    norms = np.linalg.norm(moved, axis=1)
    assert norms.max() == pytest.approx(1, abs=1e-6) and np.sum(norms > 1 - 1e-6) >= 2
    # A shift and one scale for all axes: differences keep their ratios.
    np.testing.assert_allclose(
        np.ptp(moved, axis=0) / np.ptp(points, axis=0), np.ptp(moved[:, 1]) / np.ptp(points[:, 1]), rtol=1e-4
    )


def test_a_shape_of_one_place_lies_at_the_center():
    np.testing.assert_array_equal(to_unit_sphere(np.full((3, 3), 0.7, np.float32)), np.zeros((3, 3)))


def test_levels_follow_the_part_tree_and_a_missing_one_is_the_coarser_one():
    labels = make_shape(0).leaf_label
    coarse, middle, fine = cloud_of(0).labels
    body, lid, container = (
        VASE.levels[0].class_of("pot/body"),
        *map(VASE.levels[2].class_of, ("pot/body/lid", "pot/body/container")),
    )
    np.testing.assert_array_equal(coarse.semantic, np.select([labels < 3], [body], 0))
    np.testing.assert_array_equal(coarse.instance, np.select([labels < 3], [0], -1))
    np.testing.assert_array_equal(fine.semantic, np.select([labels == 1, labels == 2], [container, lid], 0))
    np.testing.assert_array_equal(fine.instance, np.select([labels == 1, labels == 2], [0, 1], -1))
    assert middle is coarse
    assert coarse.semantic.dtype == coarse.instance.dtype == np.int16


def test_centers_are_those_of_the_normalized_points():
    cloud = cloud_of(0)
    leaf = make_shape(0).leaf_label
    tables = CenterTargets().prepare(cloud, PartNet(PartNetSettings("Vase")).task())
    np.testing.assert_allclose(
        tables[2].instance, [cloud.xyz[leaf == number].mean(axis=0) for number in (3, 1, 2)], atol=1e-6
    )
    assert [level.region.shape for level in tables] == [(5, 3), (5, 3), (7, 3)]  # row 0 is of ignored points


def test_load(tmp_path):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(4)), VASE)
    clouds = load(tmp_path)
    assert [len(cloud.labels) for cloud in clouds] == [3] * 4
    for seed, cloud in enumerate(clouds):
        expected = cloud_of(seed)
        np.testing.assert_array_equal(cloud.xyz, expected.xyz)
        np.testing.assert_array_equal(cloud.features, make_shape(seed).normals)
        np.testing.assert_array_equal(cloud.labels[2].instance, expected.labels[2].instance)
        assert cloud.name == f"model{seed} {seed}"


def test_load_a_few(tmp_path):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(4)), VASE)
    assert [cloud.name for cloud in load(tmp_path, limit=2)] == ["model0 0", "model1 1"]
    assert len(load(tmp_path, limit=100)) == 4
    with pytest.raises(ValueError, match="at least 1, got 0"):
        load(tmp_path, limit=0)


def test_many_shapes_are_read_by_processes(tmp_path, monkeypatch):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(7)), VASE)
    for limit in (None, 5):
        alone = load(tmp_path, limit)
        with monkeypatch.context() as patch:
            patch.setattr("instance_seg.data.partnet.dataset.MANY_SHAPES", 1)
            patch.setattr("instance_seg.data.partnet.dataset.available_cores", lambda: 2)
            patch.setattr("instance_seg.data.partnet.hdf5.trees._BLOCK", 2)
            together = load(tmp_path, limit)
        assert len(alone) == len(together) == (limit or 7)
        for one, other in zip(alone, together):
            np.testing.assert_equal(other, one)
            assert other.labels[1] is other.labels[0] and other.xyz.dtype == np.float32


def test_data_of_another_category(tmp_path):
    chairs = [make_shape(0, parts=(Part("chair/chair_back", (1, 2, 3)),))]
    write_split(tmp_path, "Vase", "val", chairs, VASE)
    with pytest.raises(ValueError, match="val-00.json: row 0 has a part 'chair/chair_back', which Vase has not"):
        load(tmp_path)


def test_no_data(tmp_path):
    with pytest.raises(ValueError, match="no PartNet data"):
        load(tmp_path)
