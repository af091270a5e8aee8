"""The trees derived for each level, against rows written out by hand."""

import h5py
import numpy as np
import pytest

from instance_seg.data.partnet.hdf5.masks import MaskRow, mask_labels, read_masks
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import load_taxonomy

VASE = load_taxonomy("Vase")  # has levels 1 and 3
BODY, BASE = "pot/body", "pot/base"


def make_shape(labels, *parts):
    points = np.arange(3 * len(labels), dtype=np.float32).reshape(-1, 3) / 100
    parts = tuple(Part(*part) for part in parts)
    return LabeledShape(points, points, np.array(labels, np.int32), parts, ShapeId("model", "1"))


def class_of(name, level=0):
    return VASE.levels[level].class_of(name)


@pytest.fixture
def shapes():
    """Three level-1 parts: one without points, and two that overlap on leaf 2; leaf 9 belongs to none."""
    empty_overlapping = make_shape([1, 2, 3, 9], (BASE, (50,)), (BODY, (1, 2)), (BASE, (2, 3)))
    return [empty_overlapping, make_shape([4, 4, 4, 4], (BODY, (4,)))]


def first_rows(masks, count):
    assert masks.shape[0] == 200 and not masks[count:].any()
    return masks[:count].astype(int).tolist()


def test_the_names_used_here_are_partnets():
    assert class_of(BODY) > 0 and class_of(BASE) > 0 and VASE.real_levels == (0, 2)


def test_detection_rows_are_valid_even_without_points(tmp_path, shapes):
    write_split(tmp_path, "Vase", "train", shapes, VASE)
    first, second = read_masks(tmp_path, "Vase", 0, "train")
    assert first_rows(first.masks, 3) == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0]]
    assert first.valid.tolist() == [True] * 3 + [False] * 197
    assert first.semantic.tolist() == [class_of(BODY), class_of(BASE), class_of(BASE), 0]
    assert first.other.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(first.points, shapes[0].points)
    assert second.valid.sum() == 1 and first_rows(second.masks, 1) == [[1, 1, 1, 1]]


def test_ground_truth_leaves_out_parts_without_points(tmp_path, shapes):
    write_split(tmp_path, "Vase", "test", shapes, VASE)
    first, second = read_masks(tmp_path, "Vase", 0, "test")
    assert first_rows(first.masks, 2) == [[1, 1, 0, 0], [0, 1, 1, 0]]
    assert first.valid.tolist() == [True] * 2 + [False] * 198
    assert first.classes[:3].tolist() == [class_of(BODY) - 1, class_of(BASE) - 1, 0]
    assert first.other.tolist() == [False, False, False, True]
    assert second.valid.sum() == 1


def test_the_later_valid_mask_wins():
    masks = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
    for valid, instance, semantic in (([1, 1, 0], [0, 1, 1, -1], [5, 3, 3, 0]), ([0, 0, 0], [-1] * 4, [0] * 4)):
        row = MaskRow(np.zeros((4, 3)), masks, np.array(valid, bool), np.zeros(4, bool), classes=np.uint8([4, 2, 7]))
        labels = mask_labels(row)
        assert (labels.semantic.tolist(), labels.instance.tolist()) == (semantic, instance)
        assert mask_labels(row._replace(semantic=np.uint8([1, 0, 2, 2]))).semantic.tolist() == [1, 0, 2, 2]


def test_layout_is_partnets(tmp_path, shapes):
    for split in ("train", "val", "test"):
        write_split(tmp_path, "Vase", split, shapes, VASE)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.h5"))
    detection = [f"ins_seg_h5_for_detection/Vase-{k}/{s}-00.h5" for k in (1, 3) for s in ("test", "train", "val")]
    assert files == [
        *(f"ins_seg_h5/Vase/{split}-00.h5" for split in ("test", "train", "val")),
        *detection,
        *(f"ins_seg_h5_gt/Vase-{k}/test-00.h5" for k in (1, 3)),
    ]

    def layout(name):
        with h5py.File(tmp_path / name) as file:
            return {key: (data.shape, data.dtype, data.compression_opts) for key, data in file.items()}

    assert layout("ins_seg_h5_for_detection/Vase-3/val-00.h5") == {
        "pts": ((2, 4, 3), np.float32, 4),
        "gt_label": ((2, 4), np.uint8, 4),
        "gt_mask": ((2, 200, 4), np.bool_, 4),
        "gt_valid": ((2, 200), np.bool_, 4),
        "gt_other_mask": ((2, 4), np.bool_, 4),
    }
    assert layout("ins_seg_h5_for_detection/Vase-1/test-00.h5") == {"pts": ((2, 4, 3), np.float32, 4)}
    assert layout("ins_seg_h5_gt/Vase-1/test-00.h5") == {
        "pts": ((2, 4, 3), np.float32, 4),
        "gt_mask": ((2, 200, 4), np.bool_, 4),
        "gt_mask_label": ((2, 200), np.uint8, 4),
        "gt_mask_valid": ((2, 200), np.bool_, 4),
        "gt_mask_other": ((2, 4), np.bool_, 4),
    }


def test_more_than_200_instances(tmp_path):
    crowded = make_shape([1], *[(BODY, (1,))] * 201)
    with pytest.raises(ValueError, match=r"train-00.h5: row 1 \(model\) has 201 instances at level 1"):
        write_split(tmp_path, "Vase", "train", [make_shape([1], *[(BODY, (1,))] * 200), crowded], VASE)
    assert not list(tmp_path.rglob("*.h5"))


def test_reading_what_is_not_there(tmp_path, shapes):
    write_split(tmp_path, "Vase", "test", shapes, VASE)
    with pytest.raises(ValueError, match="Vase-2: no such folder; there is Vase-1, Vase-3"):
        next(read_masks(tmp_path, "Vase", 1, "test"))


def test_reading_masks_of_another_size(tmp_path, shapes):
    write_split(tmp_path, "Vase", "test", shapes, VASE)
    with h5py.File(tmp_path / "ins_seg_h5_gt/Vase-1/test-00.h5", "r+") as file:
        del file["gt_mask"]
        file["gt_mask"] = np.zeros((2, 200, 5), bool)
    with pytest.raises(ValueError, match=r"'gt_mask' has shape \[2, 200, 5\], expected \[2, 200, 4\]"):
        next(read_masks(tmp_path, "Vase", 0, "test"))
