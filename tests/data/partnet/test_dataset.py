"""A split in memory: normalised, labelled at every level."""

import tracemalloc

import numpy as np
import pytest

from instance_seg.data.partnet.dataset import PartNetDataset, SpilledShapes, prepare_shape, to_unit_sphere
from instance_seg.data.partnet.h5 import write_split
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.taxonomy import load_taxonomy

VASE = load_taxonomy("Vase")  # has levels 1 and 3
PARTS = (Part("pot/body", (1, 2)), Part("pot/body/container", (1,)), Part("pot/body/lid", (2,)))


def make_shape(seed, num_points=40, parts=PARTS):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (num_points, 3)).astype(np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (num_points, 1))
    labels = rng.integers(1, 4, num_points).astype(np.int32)
    return LabeledShape(points, normals, labels, parts, f"model{seed}", str(seed))


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
    shape = prepare_shape(make_shape(0), VASE)
    labels = make_shape(0).leaf_label
    coarse, middle, fine = shape.levels
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


def test_centers_are_those_of_the_normalised_points():
    shape = prepare_shape(make_shape(0), VASE)
    labels = make_shape(0).leaf_label
    np.testing.assert_allclose(
        shape.levels[2].centers.instance,
        [shape.points[labels == leaf].mean(axis=0) for leaf in (3, 1, 2)],
        atol=1e-6,
    )
    assert [level.centers.region.shape for level in shape.levels] == [(4, 3), (4, 3), (6, 3)]


def test_load(tmp_path):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(4)), VASE)
    dataset = PartNetDataset.load(tmp_path, "Vase", "val", VASE)
    assert (dataset.category, dataset.split, len(dataset), dataset.num_levels) == ("Vase", "val", 4, 3)
    for seed, shape in enumerate(dataset.shapes):
        expected = prepare_shape(make_shape(seed), VASE)
        np.testing.assert_array_equal(shape.points, expected.points)
        np.testing.assert_array_equal(shape.normals, make_shape(seed).normals)
        np.testing.assert_array_equal(shape.levels[2].instance, expected.levels[2].instance)
        assert (shape.model_id, shape.anno_id) == (f"model{seed}", str(seed))


def test_load_a_few(tmp_path):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(4)), VASE)
    names = [shape.anno_id for shape in PartNetDataset.load(tmp_path, "Vase", "val", VASE, limit=2).shapes]
    assert names == ["0", "1"]
    assert len(PartNetDataset.load(tmp_path, "Vase", "val", VASE, limit=100)) == 4
    with pytest.raises(ValueError, match="at least 1, got 0"):
        PartNetDataset.load(tmp_path, "Vase", "val", VASE, limit=0)


def test_many_shapes_are_read_by_processes(tmp_path, monkeypatch):
    write_split(tmp_path, "Vase", "val", map(make_shape, range(7)), VASE)
    for limit in (None, 5):
        alone = PartNetDataset.load(tmp_path, "Vase", "val", VASE, limit).shapes
        with monkeypatch.context() as patch:
            patch.setattr("instance_seg.data.partnet.dataset.MANY_SHAPES", 1)
            patch.setattr("instance_seg.data.partnet.dataset.available_cores", lambda: 2)
            patch.setattr("instance_seg.data.partnet.h5._BLOCK", 2)
            together = PartNetDataset.load(tmp_path, "Vase", "val", VASE, limit).shapes
        assert len(alone) == len(together) == (limit or 7)
        for one, other in zip(alone, together):
            np.testing.assert_equal(other, one)
            assert other.levels[1] is other.levels[0] and other.points.dtype == np.float32


def test_data_of_another_category(tmp_path):
    chairs = [make_shape(0, parts=(Part("chair/chair_back", (1, 2, 3)),))]
    write_split(tmp_path, "Vase", "val", chairs, VASE)
    with pytest.raises(ValueError, match="val-00.json: row 0 has a part 'chair/chair_back', which Vase has not"):
        PartNetDataset.load(tmp_path, "Vase", "val", VASE)


def test_no_data(tmp_path):
    with pytest.raises(ValueError, match="no PartNet data"):
        PartNetDataset.load(tmp_path, "Vase", "val", VASE)


def test_labels_of_one_level_alone(tmp_path):
    write_split(tmp_path, "Vase", "val", [make_shape(i) for i in range(2)], VASE)
    whole = PartNetDataset.load(tmp_path, "Vase", "val", VASE)
    fine = whole.only(2)
    assert (fine.num_levels, len(fine)) == (1, 2)
    assert all(a.levels == (b.levels[2],) for a, b in zip(fine.shapes, whole.shapes))


def flat(shape):
    return [shape.points, shape.normals, *(x for level in shape.levels for x in (*level[:2], *level.centers))]


def test_a_spilled_split_is_the_same_and_stays_out_of_memory(tmp_path):
    write_split(tmp_path, "Vase", "test", [make_shape(seed, 3000) for seed in range(20)], VASE)
    whole = PartNetDataset.load(tmp_path, "Vase", "test", VASE)
    tracemalloc.start()
    spilled = PartNetDataset.load(tmp_path, "Vase", "test", VASE, spilled=True)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < sum(x.nbytes for x in flat(whole.shapes[0]))  # less than one of the twenty
    assert len(spilled) == len(whole) == 20 and isinstance(spilled.shapes, SpilledShapes)
    for ours, theirs in ((spilled, whole), (spilled.only(2), whole.only(2))):
        for row in (0, 7, 19, -1):
            assert ours.shapes[row].model_id == theirs.shapes[row].model_id
            for a, b in zip(flat(ours.shapes[row]), flat(theirs.shapes[row]), strict=True):
                np.testing.assert_array_equal(a, b)
    assert [shape.model_id for shape in spilled.shapes] == [shape.model_id for shape in whole.shapes]
    with pytest.raises(IndexError):
        spilled.shapes[20]
