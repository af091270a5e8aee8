"""Labels as the authors code them, and rows numbered as PartNet numbers its masks."""

import numpy as np
import pytest

from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.stored_shape import (
    StoredShape,
    check_shape,
    decode_labels,
    encode_labels,
    store_shape,
)
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.structures import Labels

VASE = load_taxonomy("Vase")  # has no level 2
BODY, BASE = VASE.levels[0].class_of("pot/body"), VASE.levels[0].class_of("pot/base")


def vase():
    points = np.eye(4, 3, dtype=np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (4, 1))
    parts = (Part("pot/base", (50,)), Part("pot/body", (1, 2)), Part("pot/base", (2, 3)))  # the first has no point
    return LabeledShape(points, normals, np.array([1, 2, 3, 9], np.int32), parts, ShapeId("m", "a"))


def test_training_rows_count_parts_without_points_and_test_rows_do_not():
    for split, instances in (("train", [1, 2, 2, -1]), ("val", [1, 2, 2, -1]), ("test", [0, 1, 1, -1])):
        level = store_shape(vase(), VASE, split).levels[0]
        assert level.semantic.tolist() == [BODY, BASE, BASE, 0]
        assert level.instance.tolist() == instances


def test_a_missing_level_is_the_coarser_one():
    levels = store_shape(vase(), VASE, "test").levels
    assert len(levels) == 3 and levels[1] is levels[0] and levels[2] is not levels[0]


def test_codes_round_down():
    level = Labels(np.array([0, 3, 99]), np.array([-1, 0, 199]))
    codes = encode_labels(level)
    assert codes.tolist() == [-100, 3, 19999]
    for values in (codes, codes.astype(np.float32)):
        semantic, instance = decode_labels(values)
        assert semantic.tolist() == [0, 3, 99] and instance.tolist() == [-1, 0, 199]
        assert semantic.dtype == instance.dtype == np.int32
    assert decode_labels(np.array([-95])) == ([5], [-1])  # a class and no instance


@pytest.mark.parametrize("odd", [-101, 20000, 3.5, np.nan, np.inf])
def test_codes_out_of_range(odd):
    with pytest.raises(ValueError, match="no label 100"):
        decode_labels(np.array([3, odd]))


def test_shapes_that_do_not_fit():
    shape = store_shape(vase(), VASE, "train")
    assert check_shape("file: row 3", shape, VASE) is shape
    for change, message in (
        ({"points": shape.points * np.nan}, "NaN"),
        ({"normals": shape.normals[:2]}, "do not fit together"),
        ({"levels": shape.levels[:2]}, "do not fit together"),
        ({"levels": (*shape.levels[:2], Labels(np.full(4, 9), np.zeros(4)))}, "class 9..9 at level 3; Vase has"),
        ({"levels": (*shape.levels[:2], Labels(np.zeros(4), np.full(4, 200)))}, "instance 200..200 at level 3"),
    ):
        with pytest.raises(ValueError, match=f"^file: row 3 has .*{message}"):
            check_shape("file: row 3", shape._replace(**change), VASE)
    empty = np.zeros((0, 3))
    none = Labels(np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="do not fit"):
        check_shape("file", StoredShape(empty, empty, (none,) * 3, ShapeId("m", "a")), VASE)
