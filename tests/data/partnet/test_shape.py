"""Labels and masks of a level, on parts small enough to do by hand."""

import numpy as np

from instance_seg.data.partnet.shape import LabeledShape, Part, level_labels, level_masks
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import Level

LEVEL = Level(("other", "lamp/base", "lamp/arm"), real=True)


def shape_of(labels, *parts):
    points = np.zeros((len(labels), 3), np.float32)
    return LabeledShape(
        points, points, np.array(labels, np.int32), tuple(Part(*part) for part in parts), ShapeId("m", "a")
    )


def assert_labels(shape, semantic, instance):
    found = level_labels(shape, LEVEL)
    np.testing.assert_array_equal(found[0], semantic)
    np.testing.assert_array_equal(found[1], instance)
    assert found[0].dtype == found[1].dtype == np.int32


def test_rows_count_the_parts_of_the_level_only():
    shape = shape_of([7, 3, 4, 3, 9], ("lamp", (3, 4, 7)), ("lamp/arm", (3,)), ("lamp/base", (7,)), ("lamp/arm", (4,)))
    assert_labels(shape, [1, 2, 2, 2, 0], [1, 0, 2, 0, -1])


def test_where_parts_overlap_the_later_one_wins():
    shape = shape_of([1, 2, 3], ("lamp/base", (1, 2)), ("lamp/arm", (2, 3)))
    assert_labels(shape, [1, 2, 2], [0, 1, 1])
    masks, classes = level_masks(shape, LEVEL)
    np.testing.assert_array_equal(masks, [[1, 1, 0], [0, 1, 1]])
    np.testing.assert_array_equal(classes, [1, 2])


def test_a_part_without_points_keeps_its_row():
    shape = shape_of([1, 1], ("lamp/base", (8, 900, 10**12)), ("lamp/arm", (1,)))
    assert_labels(shape, [2, 2], [1, 1])
    np.testing.assert_array_equal(level_masks(shape, LEVEL)[0], [[0, 0], [1, 1]])


def test_no_part_of_the_level():
    shape = shape_of([0, 5], ("lamp", (0, 5)))
    assert_labels(shape, [0, 0], [-1, -1])
    masks, classes = level_masks(shape, LEVEL)
    assert masks.shape == (0, 2) and classes.shape == (0,)


def test_labels_that_no_part_lists_are_unlabeled():
    assert_labels(shape_of([500, 1, -1, 2**31 - 1], ("lamp/arm", (1,))), [0, 2, 0, 0], [-1, 0, -1, -1])
