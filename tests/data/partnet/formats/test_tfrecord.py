"""The authors' TFRecords, read as their own program reads them, and our shards; cut, damaged and missing ones."""

import json

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.data.partnet.formats import shards, tfrecord
from instance_seg.data.partnet.formats.points_file import decode_points, encode_points
from instance_seg.data.partnet.formats.points_folder import level_buffer
from instance_seg.data.partnet.splits import ShapeId, write_split_list
from instance_seg.data.partnet.stored_shape import encode_labels, store_shape
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

CHAIR = load_taxonomy("Chair")
NUM_POINTS = 50


def make_shapes(count=3, split="train"):
    return [store_shape(generate_shape("Chair", 0, index, NUM_POINTS), CHAIR, split) for index in range(count)]


def assert_same(found, wanted, names=True):
    for array, expected in zip((found.points, found.normals), (wanted.points, wanted.normals)):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.float32
    for level, expected in zip(found.levels, wanted.levels, strict=True):
        np.testing.assert_array_equal(level, expected)
        assert level.semantic.dtype == level.instance.dtype == np.int32
    assert not names or found[3:] == wanted[3:]


@pytest.fixture
def records(tmp_path):
    path = tfrecord.path_for(tmp_path, "Chair", "train", 3)
    tfrecord.write(path, make_shapes())
    return path


def read_records(path):
    return list(tfrecord.read(path.parent, "Chair", "train", CHAIR))


def test_file_name(records):
    assert records.parent.name == "tfrecords" and records.name == "Chair_level123_train_3.tfrecords"


def test_the_authors_way_of_reading(records):
    """Fixed numbers of labels, one string, floor division: what their loader asks of a record."""
    spec = {f"label_{k}": tf.io.FixedLenFeature([NUM_POINTS], tf.int64) for k in (1, 2, 3)}
    spec |= {name: tf.io.FixedLenFeature([1], tf.int64) for name in ("points_flag", "shape_index")}
    spec["points_bytes"] = tf.io.FixedLenFeature([], tf.string)
    rows = [tf.io.parse_single_example(data, spec) for data in tf.data.TFRecordDataset(str(records))]
    for index, (row, shape) in enumerate(zip(rows, make_shapes(), strict=True)):
        assert row["points_flag"].numpy() == [1] and row["shape_index"].numpy() == [index]
        for k, level in enumerate(shape.levels, start=1):
            np.testing.assert_array_equal(row[f"label_{k}"] // 100, level.instance)
            np.testing.assert_array_equal(row[f"label_{k}"] % 100, level.semantic)
        buffer = decode_points(row["points_bytes"].numpy(), "record")
        np.testing.assert_array_equal(buffer.points, shape.points)
        np.testing.assert_array_equal(buffer.labels, encode_labels(shape.levels[0]))


def test_records_that_the_authors_wrote(tmp_path):
    """Written with TensorFlow alone, for a folder that has nothing but the file."""
    shape = make_shapes(1)[0]
    whole = {f"label_{k}": encode_labels(level) for k, level in enumerate(shape.levels, start=1)}
    whole |= {"points_flag": [1], "shape_index": [0]}
    features = {k: tf.train.Feature(int64_list=tf.train.Int64List(value=v)) for k, v in whole.items()}
    data = encode_points(level_buffer(shape, 0))
    features["points_bytes"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    with tf.io.TFRecordWriter(str(tmp_path / "Chair_level123_val_1.tfrecords")) as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    (found,) = tfrecord.read(tmp_path, "Chair", "val", CHAIR)
    assert_same(found, shape, names=False)
    assert found.name == ("Chair_val", "0")


def test_names_are_those_of_the_split_list(records):
    root = records.parent.parent
    wanted = make_shapes()
    write_split_list(root, "Chair", "train", [shape.name for shape in wanted])
    for found, shape in zip(tfrecord.read(root, "Chair", "train", CHAIR), wanted, strict=True):
        assert_same(found, shape)
    write_split_list(root, "Chair", "train", [ShapeId("m", "a")])
    with pytest.raises(ValueError, match="train.json: names 1 shapes, .*_3.tfrecords has 3"):
        list(tfrecord.read(root, "Chair", "train", CHAIR))


def test_writing_another_number_than_the_name_says(tmp_path):
    path = tfrecord.path_for(tmp_path, "Chair", "train", 4)
    with pytest.raises(ValueError, match="named for 4 shapes, but 3 were given"):
        tfrecord.write(path, make_shapes())
    assert not list(path.parent.iterdir())


def test_a_file_cut_in_the_middle_or_between_records(records):
    data = records.read_bytes()
    first = 16 + int.from_bytes(data[:8], "little")
    for size, message in (
        (len(data) // 2, "damaged or cut at record 1"),
        (first, "ends after 1 of 3"),
        (0, "ends after 0"),
    ):
        records.write_bytes(data[:size])
        with pytest.raises(ValueError, match=f"_3.tfrecords: {message}"):
            read_records(records)


def test_swapped_repeated_and_changed_records(records):
    data = records.read_bytes()
    size = len(data) // 3
    first, second, third = (data[i * size : (i + 1) * size] for i in range(3))
    if 16 + int.from_bytes(first[:8], "little") == size:  # records of equal length can be swapped unseen by TensorFlow
        records.write_bytes(second + first + third)
        with pytest.raises(ValueError, match="record 1 has the shape_index 0 after 1"):
            read_records(records)
    records.write_bytes(data + data)
    with pytest.raises(ValueError, match="more than the 3 records"):
        read_records(records)
    records.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(ValueError, match="damaged or cut at record 0"):
        read_records(records)


def test_two_files_of_one_split(records):
    (records.parent / "Chair_level123_train_9.tfrecords").touch()
    with pytest.raises(ValueError, match="expected one .*found .*_3.tfrecords, .*_9.tfrecords"):
        read_records(records)


def test_records_of_another_kind(tmp_path):
    path = tmp_path / "Chair_level123_train_1.tfrecords"
    example = tf.train.Example()
    for data, message in ((example.SerializeToString(), "record 0 has no 'shape_index'"), (b"\xff", "no tf.train.Ex")):
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(data)
        with pytest.raises(ValueError, match=f"train_1.tfrecords: .*{message}"):
            read_records(path)


@pytest.fixture
def sharded(tmp_path):
    shapes = make_shapes()
    parts = {
        shards.shard_path(tmp_path, "Chair", "train", 0, part): rows
        for part, rows in enumerate((shapes[:2], shapes[2:]))
    }
    numbers = {path: shards.write_shard(path, rows) for path, rows in parts.items()}
    shards.write_list(shards.list_path(tmp_path, "Chair", "train"), numbers, CHAIR)
    return tmp_path


def read_shards(root):
    return list(shards.read(root, "Chair", "train", CHAIR))


def test_shards_round_trip(sharded):
    assert shards.count(sharded, "Chair", "train") == 3
    for root in (sharded, sharded / "shards"):
        for found, wanted in zip(read_shards(root), make_shapes(), strict=True):
            assert_same(found, wanted)


def test_a_shard_listed_but_missing(sharded):
    shards.shard_path(sharded, "Chair", "train", 0, 1).unlink()
    with pytest.raises(ValueError, match="train.json: lists train-00-01.tfrecords.gz, which is not there"):
        read_shards(sharded)


def test_a_shard_cut_or_damaged(sharded):
    path = shards.shard_path(sharded, "Chair", "train", 0, 0)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], data[:500] + bytes([data[500] ^ 4]) + data[501:], b"", b"hello"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="train-00-00.tfrecords.gz: (damaged|ends after)"):
            read_shards(sharded)


def test_a_shard_in_place_of_another(sharded):
    paths = [shards.shard_path(sharded, "Chair", "train", 0, part) for part in range(2)]
    paths[1].replace(paths[0])
    paths[1].touch()
    with pytest.raises(ValueError, match="train-00-00.tfrecords.gz: ends after 1 of 2"):
        read_shards(sharded)


def test_lists_of_shards_that_are_none(sharded):
    path = shards.list_path(sharded, "Chair", "train")
    for text in ("[]", "{}", '{"schema": 2}', '{"schema": 1, "num_classes": [6, 30, 39], "shards": {"a": -1}}'):
        path.write_text(text)
        (path.parent / "checksums.json").unlink(missing_ok=True)
        with pytest.raises(ValueError, match="train.json: no list of shards of schema 1"):
            read_shards(sharded)
    path.write_text(json.dumps({"schema": 1, "num_classes": [6, 30, 40], "shards": {"a": 1}}))
    with pytest.raises(ValueError, match=r"made for \[6, 30, 40\] classes"):
        read_shards(sharded)
    path.unlink()
    with pytest.raises(ValueError, match="train.json: no such file; run tools/prepare_partnet.py"):
        read_shards(sharded)
