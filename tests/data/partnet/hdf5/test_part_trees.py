"""Part trees: what cannot be read, and what would make labels vanish."""

import numpy as np
import pytest

from instance_seg.data.partnet.hdf5.part_trees import leaf_complaints, parse_tree_entry, reject_tree, tree_complaints
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import CATEGORIES, load_taxonomy
from instance_seg.procedural import available_categories, generate_shape

CHAIR = load_taxonomy("Chair")
ENTRY = {"model_id": "m", "anno_id": "7", "ins_seg": [{"part_name": "chair", "leaf_id_list": [1, 2]}]}


def shape(*parts, label=(1, 2)):
    points = np.zeros((len(label), 3), np.float32)
    return LabeledShape(
        points, points, np.array(label, np.int32), tuple(Part(*part) for part in parts), ShapeId("m", "a")
    )


def test_an_entry():
    assert parse_tree_entry("x.json", 0, ENTRY) == ((Part("chair", (1, 2)),), ("m", "7"))


def part(**change):
    return {"ins_seg": [{**ENTRY["ins_seg"][0], **change}]}


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"ins_seg": None}, "no list 'ins_seg' of parts, but None"),
        ({"ins_seg": {}}, "no list 'ins_seg' of parts"),
        ({"ins_seg": ["chair"]}, "a part without a name: 'chair'"),
        (part(part_name=None), "a part without a name"),
        (part(part_name=5), "a part without a name"),
        (part(part_name=""), "a part without a name"),
        (part(leaf_id_list=None), "no list of leaf ids"),
        (part(leaf_id_list=["1"]), "no list of leaf ids"),
        (part(leaf_id_list=[1.0]), "no list of leaf ids"),
        (part(leaf_id_list=[True]), "no list of leaf ids"),
        (part(leaf_id_list=[float("inf")]), "no list of leaf ids"),
        (part(leaf_id_list=[1 << 31]), "no list of leaf ids"),
        (part(leaf_id_list=[10**400]), "no list of leaf ids"),
        ({"model_id": None}, "has no model_id of 1 to 200 letters, but None"),
        ({"model_id": "x" * 1_000_000}, "has no model_id of 1 to 200 letters"),
        ({"anno_id": "two\nlines"}, "has no anno_id of 1 to 200 letters"),
        ({"anno_id": "\ud800"}, "has no anno_id of 1 to 200 letters"),
        ({"anno_id": float("nan")}, "has no anno_id of 1 to 200 letters, but nan"),
        ({"anno_id": [[]]}, "has no anno_id"),
    ],
)
def test_malformed_entries(change, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        parse_tree_entry("x.json", 3, {**ENTRY, **change})
    message = str(caught.value)
    assert message.startswith("x.json: row 3 has ") and message.isprintable() and len(message) < 500


@pytest.mark.parametrize("entry", [None, 5, [], "chair", {}, {"model_id": "m"}])
def test_no_entry_at_all(entry):
    with pytest.raises(ValueError, match="^x.json: row 3 has no model_id and anno_id, but is"):
        parse_tree_entry("x.json", 3, entry)


@pytest.mark.parametrize(
    "parts, complaint",
    [
        ([], "no parts: its 'ins_seg' is empty"),
        (
            [("chair/chaiq_back", (1,))],
            "'chair/chaiq_back', which Chair has not; did you mean 'chair/chair_back'?",
        ),
        ([("lamp/base", (1,))], "a part 'lamp/base', which Chair has not"),
        ([("chair", (1, 2)), ("None", (1,)), ("5", (2,))], "(and 1 more unknown parts)"),
        (
            [("chair", (1, 2)), ("chair/chair_back", ())],
            "with an empty 'leaf_id_list' (1 of 2 parts)",
        ),
        ([("chair", (8, 9))], "no point with a 'label' that its part tree lists"),
    ],
)
def test_labels_that_would_vanish(parts, complaint):
    (found,) = tree_complaints(shape(*parts), CHAIR)
    assert complaint in found
    with pytest.raises(ValueError, match="^x.json: row 4 has "):
        reject_tree("x.json", 4, shape(*parts), CHAIR)


def test_names_that_no_level_lists_are_right_where_partnet_has_them():
    laptop = load_taxonomy("Laptop")
    listed = [("laptop", (1, 2)), ("laptop/screen_side/screen", (1,)), ("laptop/other_leaf", (2,))]
    assert list(tree_complaints(shape(*listed), laptop)) == []
    assert len(list(tree_complaints(shape(("laptop/none/other", (1,))), laptop))) == 1
    assert all(load_taxonomy(name).unclassed for name in CATEGORIES)


def test_leaves():
    assert list(leaf_complaints(shape(("chair", (1, 2)), ("chair/chair_back", (2, 9)), label=(0, 1, 2)))) == []
    twice, stray = leaf_complaints(shape(("chair", (1, 1)), label=(0, 1, 5, 5)))
    assert twice == "a part 'chair' that lists a leaf twice (1 of 1 parts)"
    assert stray == "points of the leaf 5, which no part lists (2 of 4 points)"


@pytest.mark.parametrize("category", available_categories())
def test_procedural_trees_have_nothing_wrong(category):
    for index in range(5):
        made = generate_shape(category, 0, index, 200)
        assert [*tree_complaints(made, load_taxonomy(category)), *leaf_complaints(made)] == []
