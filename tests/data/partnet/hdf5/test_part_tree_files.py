"""Round trips of ins_seg_h5, and what malformed files are told."""

import json

import h5py
import numpy as np
import pytest
from small_data import read_split

from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId, read_split_list
from instance_seg.data.partnet.taxonomy import load_taxonomy

CHAIR = load_taxonomy("Chair")
PARTS = (
    Part("chair", (1, 2, 3)),
    Part("chair/chair_back", (1,)),
    Part("chair/chair_seat", (2, 3)),
    Part("chair/chair_seat/seat_surface", (2,)),
)


def make_shape(seed, num_points=20):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (num_points, 3)).astype(np.float32)
    normals = rng.normal(size=(num_points, 3)).astype(np.float32)
    labels = rng.integers(1, 5, num_points).astype(np.int32)
    return LabeledShape(points, normals, labels, PARTS, ShapeId(f"model{seed}", str(seed)))


@pytest.fixture
def root(tmp_path):
    write_split(tmp_path, "Chair", "train", map(make_shape, range(3)), CHAIR)
    return tmp_path


def h5_file(root):
    return root / "ins_seg_h5" / "Chair" / "train-00.h5"


def rewrite(root, name, value):
    with h5py.File(h5_file(root), "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


def assert_complains(root, *words):
    with pytest.raises(ValueError) as caught:
        list(read_split(root, "Chair", "train"))
    for word in words:
        assert word in str(caught.value)


def test_round_trip(root):
    shapes = list(read_split(root, "Chair", "train"))
    assert len(shapes) == 3
    for seed, shape in enumerate(shapes):
        expected = make_shape(seed)
        for found, wanted in zip(shape[:3], expected[:3]):
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == wanted.dtype
        assert shape[3:] == expected[3:]


def test_layout_is_partnets(root):
    with h5py.File(h5_file(root)) as file:
        found = {
            name: (data.shape, data.dtype.str, data.compression, data.compression_opts) for name, data in file.items()
        }
    assert found == {
        "pts": ((3, 20, 3), "<f4", "gzip", 4),
        "nor": ((3, 20, 3), "<f4", "gzip", 4),
        "rgb": ((3, 20, 3), "|u1", "gzip", 4),
        "opacity": ((3, 20), "<f4", "gzip", 4),
        "label": ((3, 20), "<i4", "gzip", 4),
    }
    entry = json.loads(h5_file(root).with_suffix(".json").read_text())[1]
    assert (entry["model_id"], entry["anno_id"]) == ("model1", "1")
    assert entry["ins_seg"][2] == {"part_name": "chair/chair_seat", "leaf_id_list": [2, 3]}


def test_split_list_follows_the_rows(root):
    assert read_split_list(root, "Chair", "train") == [ShapeId(f"model{i}", str(i)) for i in range(3)]


def test_files_hold_a_block_each_and_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("instance_seg.data.partnet.hdf5.trees.SHAPES_PER_FILE", 2)
    assert write_split(tmp_path, "Chair", "val", map(make_shape, range(5)), CHAIR) == 5
    names = sorted(path.name for path in (tmp_path / "ins_seg_h5" / "Chair").iterdir())
    assert names == [f"val-0{i}.{end}" for i in range(3) for end in ("h5", "json")]
    assert [shape.name.anno_id for shape in read_split(tmp_path, "Chair", "val")] == list("01234")


def test_a_shorter_split_leaves_nothing_of_the_longer_one(tmp_path, monkeypatch):
    monkeypatch.setattr("instance_seg.data.partnet.hdf5.trees.SHAPES_PER_FILE", 2)
    write_split(tmp_path, "Chair", "test", map(make_shape, range(5)), CHAIR)
    write_split(tmp_path, "Chair", "val", map(make_shape, range(5)), CHAIR)
    write_split(tmp_path, "Chair", "test", map(make_shape, range(1)), CHAIR)
    left = sorted(path.name for path in tmp_path.rglob("test-*"))
    assert left == ["test-00.h5"] * 7 + ["test-00.json"]
    assert len(list(tmp_path.rglob("val-*.h5"))) == 12


def test_colors_are_optional(root):
    rewrite(root, "rgb", None)
    rewrite(root, "opacity", None)
    assert len(list(read_split(root, "Chair", "train"))) == 3


def test_no_such_root_category_or_split(root):
    with pytest.raises(ValueError, match="no PartNet data"):
        read_split(root / "nowhere", "Chair", "train")
    with pytest.raises(ValueError, match="Table: no such folder; there is Chair"):
        read_split(root, "Table", "train")
    with pytest.raises(ValueError, match="no file val-00.h5; there is the split train"):
        read_split(root, "Chair", "val")
    with pytest.raises(ValueError, match="no split 'dev'; choose one of train, val, test"):
        write_split(root, "Chair", "dev", [make_shape(0)], CHAIR)


def test_truncated_file(root):
    data = h5_file(root).read_bytes()
    h5_file(root).write_bytes(data[: len(data) // 2])
    assert_complains(root, "train-00.h5", "not a readable HDF5 file")


def test_file_of_another_kind(root):
    h5_file(root).write_text("hello")
    assert_complains(root, "train-00.h5", "not a readable HDF5 file")


def test_damaged_chunk(root):
    with h5py.File(h5_file(root)) as file:
        chunk = file["pts"].id.get_chunk_info(1)
    data = bytearray(h5_file(root).read_bytes())
    data[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    h5_file(root).write_bytes(data)
    assert_complains(root, "train-00.h5", "'pts'", "damaged")


def test_missing_dataset(root):
    rewrite(root, "label", None)
    assert_complains(root, "train-00.h5", "'label' is missing", "'pts'")


def test_wrong_shape(root):
    rewrite(root, "nor", np.zeros((3, 19, 3), np.float32))
    assert_complains(root, "'nor' has shape [3, 19, 3], expected [3, 20, 3]")


def test_wrong_dtype(root):
    rewrite(root, "label", np.zeros((3, 20), np.float32))
    assert_complains(root, "'label' has dtype float32, expected integer")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["pts", "nor"])
def test_coordinates_that_are_no_numbers(root, name, value):
    array = np.zeros((3, 20, 3), np.float32)
    array[1:, 5, 2] = value
    rewrite(root, name, array)
    assert_complains(root, "train-00.h5: row 1 has NaN or infinite", repr(name), "1 more row")


def test_shapes_without_points(root):
    for name, size in (("pts", (3, 0, 3)), ("nor", (3, 0, 3))):
        rewrite(root, name, np.zeros(size, np.float32))
    rewrite(root, "label", np.zeros((3, 0), np.int32))
    assert_complains(root, "train-00.h5", "empty")


def test_json_of_another_length(root):
    h5_file(root).with_suffix(".json").write_text("[]")
    assert_complains(root, "train-00.json: has 0 shapes, train-00.h5 has 3")


def test_json_missing_or_broken(root):
    json_file = h5_file(root).with_suffix(".json")
    json_file.write_text("[{")
    assert_complains(root, "train-00.json", "not valid JSON")
    json_file.write_text(json.dumps([{"model_id": "a", "anno_id": "b"}] * 3))
    assert_complains(root, "train-00.json: row 0", "ins_seg")
    json_file.unlink()
    assert_complains(root, "train-00.json", "cannot be read")


def test_the_writer_refuses_bad_shapes_and_writes_nothing(tmp_path):
    shape = make_shape(0)
    with pytest.raises(ValueError, match="row 1 .*row 0 has 20"):
        write_split(tmp_path, "Chair", "train", [shape, make_shape(1, 21)], CHAIR)
    with pytest.raises(ValueError, match="row 0 has NaN"):
        write_split(tmp_path, "Chair", "train", [shape._replace(points=shape.points * np.nan)], CHAIR)
    with pytest.raises(ValueError, match="no shape to write"):
        write_split(tmp_path, "Chair", "train", [], CHAIR)
    assert not list(tmp_path.rglob("*.*"))
