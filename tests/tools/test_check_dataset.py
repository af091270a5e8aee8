"""The program that checks a data set: one data set for each thing that can be wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from instance_seg.data.partnet.check.folder import CategoryCheck, misnamed_categories
from instance_seg.data.partnet.formats import prepare
from instance_seg.data.partnet.hdf5.sources import LevelMasks, PartTrees
from instance_seg.data.partnet.hdf5.trees import tree_blocks, write_split
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.sources import read_shapes
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

HOME = Path(__file__).resolve().parents[2]
CHAIR = load_taxonomy("Chair")
PARTS = (
    Part("chair/chair_back", (1,)),
    Part("chair/chair_back/back_support", (1,)),
    Part("chair/chair_seat", (2,)),
    Part("chair/chair_seat/seat_support", (2,)),
)


def chair(seed, parts=PARTS):
    rng = np.random.default_rng(seed)
    points, normals = rng.normal(size=(2, 20, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return LabeledShape(
        points, normals, np.repeat([1, 2], 10).astype(np.int32), parts, ShapeId(f"model{seed}", str(seed))
    )


def write(root, *shapes, split="train"):
    write_split(root, "Chair", split, shapes, CHAIR)
    return root


@pytest.fixture
def root(tmp_path):
    write(tmp_path, chair(0), chair(1), chair(2))
    return write(tmp_path, chair(3), chair(4), split="test")


def complaints(root):
    check = CategoryCheck(root, CHAIR)
    check.run()
    return [f"{problem.file}: row {problem.row}: {problem.text}" for problem in check.problems]


def assert_complains(root, *words):
    """One complaint holds all of these words."""
    found = complaints(root)
    assert any(all(word in text for word in words) for text in found), found


def change(path, name, index, value):
    with h5py.File(path, "r+") as file:
        data = file[name][...]
        data[index] = value
        file[name][...] = data


def tree(root, split="train"):
    return root / "ins_seg_h5" / "Chair" / f"{split}-00.h5"


def masks(root, split="train", level=1):
    kind = "gt" if split == "test" else "for_detection"
    return root / f"ins_seg_h5_{kind}" / f"Chair-{level}" / f"{split}-00.h5"


def test_nothing_wrong(root):
    check = CategoryCheck(root, CHAIR)
    check.run()
    assert check.problems == []
    assert check.formats == "ins_seg_h5, masks"
    assert check.census.shapes == {"train": 3, "test": 2} and check.census.points == 100
    assert check.census.instances == {0: [2] * 5, 1: [2] * 5, 2: [2] * 5}
    assert [len(check.census.classes[level]) for level in range(3)] == [2, 2, 2]


def test_every_bad_row_of_a_file_is_told(root):
    change(tree(root), "pts", (0, 3, 1), np.nan)
    change(tree(root), "nor", (2, 3, 1), np.inf)
    assert_complains(root, str(tree(root)), "row 0", "NaN or infinite points (1 of 20)")
    assert_complains(root, str(tree(root)), "row 2", "NaN or infinite normals")


def test_damaged_chunk(root):
    with h5py.File(tree(root)) as file:
        chunk = file["pts"].id.get_chunk_info(1)
    data = bytearray(tree(root).read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    tree(root).write_bytes(data)
    assert_complains(root, str(tree(root)), "row 1", "'pts' cannot be read")
    assert len(complaints(root)) == 1


def test_files_that_cannot_be_read(root):
    tree(root).write_bytes(b"hello")
    masks(root).write_bytes(masks(root).read_bytes()[:99])
    tree(root, "test").with_suffix(".json").write_text("[{]")
    assert_complains(root, str(tree(root)), "not a readable HDF5 file")
    assert_complains(root, str(masks(root)), "not a readable HDF5 file")
    assert_complains(root, "test-00.json", "not valid JSON")


def test_malformed_and_missing_entries_of_the_part_trees(root):
    path = tree(root).with_suffix(".json")
    entries = json.loads(path.read_text())
    del entries[1]["anno_id"]
    path.write_text(json.dumps(entries[:2]))
    assert_complains(root, str(path), "row 1", "anno_id")
    assert_complains(root, str(tree(root)), "has 3 rows, train-00.json has 2 shapes")


def test_labels_outside_the_taxonomy(root):
    change(masks(root), "gt_label", (1, 0), 6)
    change(masks(root, "test"), "gt_mask_label", (0, 0), 5)
    assert_complains(root, str(masks(root)), "row 1", "label 6 outside the taxonomy, 0..5")
    assert_complains(root, str(masks(root, "test")), "row 0", "label 6 outside the taxonomy, 0..5")


def test_parts_of_another_category(tmp_path):
    assert_complains(write(tmp_path, chair(0), chair(1, (*PARTS, Part("lamp/base", (3,))))), "row 1", "'lamp/base'")


def test_masks_that_overlap(tmp_path):
    overlapping = (*PARTS, Part("chair/chair_arm", (2,)))
    write(tmp_path, chair(0), chair(1, overlapping))
    assert_complains(tmp_path, str(tree(tmp_path)), "row 1", "level 1: mask rows 1 and 2 overlap (10 points")
    assert_complains(tmp_path, str(masks(tmp_path)), "row 1", "mask rows 1 and 2 overlap")


def test_valid_masks_without_points_and_the_other_way_round(root):
    change(masks(root, "test"), "gt_mask_valid", (1, 7), True)
    assert_complains(root, str(masks(root, "test")), "row 1", "mask row 7 is marked valid and has no point")
    change(masks(root), "gt_valid", (2, 1), False)
    assert_complains(root, str(masks(root)), "row 2", "mask row 1 has points and is not marked valid")


def test_detection_rows_may_be_empty(tmp_path):
    assert complaints(write(tmp_path, chair(0, (*PARTS, Part("chair/chair_arm", (9,)))))) == []


def test_a_broken_hierarchy(tmp_path):
    wrong = (PARTS[0], PARTS[1], Part("chair/chair_seat", (7,)), PARTS[3])
    write(tmp_path, chair(0), chair(1, wrong))
    assert_complains(tmp_path, "row 1", "hierarchy broken at point 10 (10 in all): 'chair/chair_seat/seat_support'")


def edit_tree(root, row, edit):
    path = tree(root).with_suffix(".json")
    entries = json.loads(path.read_text())
    edit(entries[row]["ins_seg"])
    path.write_text(json.dumps(entries))
    return str(path)


def test_labels_that_vanish(root):
    trees = edit_tree(root, 0, lambda parts: parts[0].update(part_name="chair/chaiq_back"))
    edit_tree(root, 1, lambda parts: parts.clear())
    edit_tree(root, 2, lambda parts: parts[1].update(leaf_id_list=[]))
    assert_complains(root, trees, "row 0", "'chair/chaiq_back', which Chair has not; did you mean 'chair/chair_back'")
    assert_complains(root, trees, "row 1", "no parts: its 'ins_seg' is empty")
    assert_complains(root, trees, "row 2", "'chair/chair_back/back_support' with an empty 'leaf_id_list' (1 of 4")
    for row, wanted in enumerate(("'chair/chaiq_back'", "no parts", "empty 'leaf_id_list'")):
        block = tree_blocks(tree(root))[0]
        with pytest.raises(ValueError, match=f"train-00.json: row {row} has .*{wanted}"):
            next(PartTrees.read_block(block._replace(first=row, entries=block.entries[row : row + 1]), "train", CHAIR))


@pytest.mark.parametrize("name", [None, 7, True, [], "lamp/lamp_unit"])
def test_names_that_are_none(root, name):
    trees = edit_tree(root, 1, lambda parts: parts[0].update(part_name=name))
    assert_complains(root, trees, "row 1")
    with pytest.raises(ValueError, match="train-00.json: row 1"):
        list(read_shapes(root, "Chair", "train", CHAIR, source="ins_seg_h5"))


def test_leaves_that_no_part_has(root):
    trees = edit_tree(root, 0, lambda parts: [part.update(leaf_id_list=[1, 1]) for part in parts[:2]])
    change(tree(root), "label", (2, slice(4)), 77)
    assert_complains(root, trees, "row 0", "lists a leaf twice (2 of 4 parts)")
    assert_complains(root, trees, "row 2", "points of the leaf 77, which no part lists (4 of 20 points)")


def never_write(path, name, rows=None):
    """Makes a dataset, or all rows but these, as HDF5 has them before anything is written."""
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        del file[name]
        made = file.create_dataset(name, values.shape, values.dtype, chunks=(1, *values.shape[1:]), fillvalue=1)
        for row in rows or ():
            made[row] = values[row]


@pytest.mark.parametrize("name", ["pts", "nor", "label"])
def test_datasets_that_were_never_written(root, name):
    never_write(tree(root), name, rows=[0, 2])
    assert_complains(root, str(tree(root)), "row 1", f"{name!r}: row 1 was never written")
    with pytest.raises(ValueError, match=f"train-00.h5: dataset {name!r}: row 1 was never written"):
        list(read_shapes(root, "Chair", "train", CHAIR, source="ins_seg_h5"))
    never_write(tree(root), name)
    assert_complains(root, str(tree(root)), f"{name!r} was never written")
    with pytest.raises(ValueError, match=f"train-00.h5: dataset {name!r} was never written"):
        list(read_shapes(root, "Chair", "train", CHAIR, source="ins_seg_h5"))


def test_masks_that_were_never_written(root):
    change(masks(root, "test", level=2), "gt_mask", 1, False)
    with pytest.raises(ValueError, match="test-00.h5 or a file beside it: shape 1 of test has valid masks at level 2"):
        list(LevelMasks.read(root, "Chair", "test", CHAIR))
    never_write(masks(root), "gt_label")
    never_write(masks(root, "test"), "gt_mask_label")
    assert_complains(root, str(masks(root)), "'gt_label' was never written")
    assert_complains(root, str(masks(root, "test")), "'gt_mask_label' was never written")
    change(masks(root, level=2), "gt_label", 1, 0)
    assert_complains(root, str(masks(root, level=2)), "row 1", "20 points have a class and are in no mask, or are in")


@pytest.mark.parametrize(
    "name, value, complaint",
    [
        ("pts", 1e38, "points beyond 10000"),
        ("nor", 1e38, "normals whose length is not 1"),
        ("nor", [0, 0, 0], "normals whose length is not 1 (5 of 20, such as one of 0)"),
        ("nor", [0, 3, 0], "normals whose length is not 1 (5 of 20, such as one of 3)"),
    ],
)
def test_points_and_normals_that_are_none(root, name, value, complaint):
    change(tree(root), name, (1, slice(5)), value)
    assert_complains(root, str(tree(root)), "row 1", complaint)
    with pytest.raises(ValueError, match="train-00.h5: row 1 has"):
        list(read_shapes(root, "Chair", "train", CHAIR, source="ins_seg_h5"))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_sizes_of_numbers(root, dtype):
    for path in (tree(root), *(masks(root, level=level) for level in (1, 2, 3))):
        with h5py.File(path, "r+") as file:
            for name in {"pts", "nor"} & set(file):
                values = file[name][...].astype(dtype)
                del file[name]
                file[name] = values
    assert complaints(root) == []
    assert len(list(LevelMasks.read(root, "Chair", "train", CHAIR))) == 3
    if dtype is np.float64:
        change(tree(root), "pts", (1, 0), 1e300)
        assert_complains(root, str(tree(root)), "row 1", "points beyond 10000 in some coordinate (1 of 20)")
        with pytest.raises(ValueError, match="train-00.h5: row 1 has numbers beyond 10000 in 'pts'"):
            list(read_shapes(root, "Chair", "train", CHAIR, source="ins_seg_h5"))


def test_masks_of_other_programs(root):
    with h5py.File(masks(root), "r+") as file:
        for name in ("gt_mask", "gt_valid", "gt_other_mask"):
            values = file[name][...].astype(np.uint8)
            del file[name]
            file[name] = values
    assert complaints(root) == []
    change(masks(root), "gt_mask", (1, 0, 0), 255)
    assert_complains(root, str(masks(root)), "row 1", "'gt_mask': row 1 has flags other than 0 and 1")


def test_processes_find_the_same(root, monkeypatch):
    change(tree(root), "nor", (1, 0), 3)
    change(masks(root), "gt_label", (2, 0), 6)
    alone = complaints(root)
    monkeypatch.setattr("instance_seg.data.partnet.check.folder.MUCH_WORK", 1)
    monkeypatch.setattr("instance_seg.data.partnet.check.folder.available_cores", lambda: 2)
    monkeypatch.setattr("instance_seg.data.partnet.check.h5_files._BLOCK", 1)
    monkeypatch.setattr("instance_seg.data.partnet.hdf5.trees._BLOCK", 1)
    assert complaints(root) == alone and len(alone) >= 2


def test_a_shape_without_labels(tmp_path):
    assert_complains(write(tmp_path, chair(0), chair(1, ())), "row 1", "level 1: no labeled point")


def test_duplicated_shapes(tmp_path):
    write(tmp_path, chair(0), chair(1))
    write(tmp_path, chair(5), chair(0), split="val")
    assert_complains(tmp_path, "shape 1 of val is model 'model0', annotation '0', as is shape 0 of train")


def test_split_lists(root):
    path = root / "stats" / "train_val_test_split" / "Chair.train.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries[:2], {"model_id": "ghost", "anno_id": "9"}]))
    assert_complains(root, str(path), "entry 2 names model ghost, annotation 9, which is not in")
    path.with_name("Chair.val.json").write_text("[]")
    assert_complains(root, "Chair.val.json", "there is no file of Chair val")


def test_masks_that_do_not_belong_to_the_trees(root):
    change(masks(root, level=3), "pts", (2, 0, 0), 0.5)
    change(masks(root, level=2), "gt_mask", (1, 0, slice(0, 3)), False)
    assert_complains(root, str(masks(root, level=3)), "row 2", "has other points or labels than ins_seg_h5")
    assert_complains(root, str(masks(root, level=2)), "row 1", "has other points or labels than ins_seg_h5")
    masks(root, level=1).unlink()
    assert_complains(root, "Chair-1", "no file train-00.h5")


def test_ground_truth_alone(root):
    (root / "ins_seg_h5" / "Chair").rename(root / "away")
    check = CategoryCheck(root, CHAIR)
    check.run()
    assert check.problems == [] and check.census.shapes == {"train": 3, "test": 2}
    assert check.census.instances[2] == [2] * 5


def test_other_formats_are_compared_with_the_trees(root):
    for job in prepare.plan("points", prepare.find_sources(root, "Chair", "train"), root):
        prepare.run_job(job)
    assert complaints(root) == []
    path = next((root / "points" / "Chair").glob("Chair_0001_*_level3_train.points"))
    data = bytearray(path.read_bytes())
    data[-4:] = np.float32(-100).tobytes()
    path.write_bytes(data)
    assert_complains(root, "row 1", "other points, normals or labels than ins_seg_h5")
    path.unlink()
    assert_complains(root, "Chair_0001_", "not one shape at the levels 1, 2, 3")
    assert_complains(root, "has 1 readable shapes of train, ins_seg_h5 has 3")


def test_folders_that_are_no_category(root):
    (root / "ins_seg_h5" / "chair").mkdir()
    (problem,) = misnamed_categories(root)
    assert problem.file.endswith("chair") and "did you mean 'Chair'" in problem.text


def run(*arguments):
    command = [sys.executable, HOME / "tools" / "check_dataset.py", *map(str, arguments)]
    return subprocess.run(
        command, cwd=HOME, env={**os.environ, "PYTHONPATH": str(HOME)}, capture_output=True, text=True
    )


def test_the_program(root):
    lamp = load_taxonomy("Lamp")
    write_split(root, "Lamp", "train", [generate_shape("Lamp", 0, 0, 200)], lamp)
    done = run(root, "--seal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 categories, 6 category-levels, 0 problems" in done.stdout
    assert "2 of 38" in done.stdout and "2 - 2, mean 2.0" in done.stdout
    change(tree(root), "label", (0, 0), 2)  # sealed, so that this cannot pass
    done = run(root)
    assert done.returncode == 1 and f"{tree(root)}: damaged; its checksum is" in done.stdout
    done = run(root, "--seal")
    assert done.returncode == 1 and "has other points or labels than ins_seg_h5" in done.stdout
    assert run(root, "--categories=Lamp").returncode == 0


def test_wrong_arguments(tmp_path):
    for arguments, message in (
        ((), "expected one argument"),
        ((tmp_path,), "no data set; expected ins_seg_h5"),
        ((tmp_path / "no",), "no data set"),
        ((tmp_path, "--categories=chair"), "did you mean 'Chair'"),
    ):
        done = run(*arguments)
        assert done.returncode == 1 and message in done.stdout + done.stderr
