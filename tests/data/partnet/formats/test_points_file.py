"""O-CNN's points buffers against bytes put together by hand, and what damaged ones are told."""

import struct

import numpy as np
import pytest

from instance_seg.data.partnet.formats.points_file import (
    PointsBuffer,
    PointsFileName,
    decode_points,
    encode_points,
    read_points_file,
    write_points_file,
)
from instance_seg.data.partnet.splits import ShapeId

POINTS = np.arange(6, dtype=np.float32).reshape(2, 3)
NORMALS = POINTS - 20
LABELS = np.array([-100, 1203])


def by_hand(num, flags, channels, offsets, *values):
    head = b"_POINTS_1.0_\0\0\0\0" + struct.pack("<2i8i8i", num, flags, *channels, *offsets)
    return head + struct.pack(f"<{len(values)}f", *values)


WHOLE = by_hand(
    2, 11, (3, 3, 0, 1, 0, 0, 0, 0), (88, 112, 136, 136, 144, 0, 0, 0), *range(6), *range(-20, -14), -100, 1203
)


def test_bytes_of_points_normals_and_labels():
    assert encode_points(PointsBuffer(POINTS, NORMALS, labels=LABELS)) == WHOLE
    assert len(WHOLE) == 144


def test_bytes_of_points_alone_and_with_features():
    assert encode_points(PointsBuffer(POINTS)) == by_hand(
        2, 1, (3,) + (0,) * 7, (88, 112, 112, 112, 112, 0, 0, 0), *range(6)
    )
    features = by_hand(2, 5, (3, 0, 2, 0, 0, 0, 0, 0), (88, 112, 112, 128, 128, 0, 0, 0), *range(6), 7, 8, 9, 10)
    assert encode_points(PointsBuffer(POINTS, features=np.arange(7, 11).reshape(2, 2))) == features


def test_the_authors_files_have_280088_bytes():
    many = np.zeros((10000, 3), np.float32)
    assert len(encode_points(PointsBuffer(many, many, labels=many[:, 0]))) == 280088


@pytest.mark.parametrize("present", [(), ("normals",), ("normals", "labels"), ("features",), ("labels", "features")])
def test_round_trip(present, tmp_path):
    given = {"normals": NORMALS, "features": np.ones((2, 5), np.float32), "labels": np.float32([3, -100])}
    buffer = PointsBuffer(POINTS, **{name: given[name] for name in present})
    write_points_file(tmp_path / "shape.points", buffer)
    for found, wanted in zip(read_points_file(tmp_path / "shape.points"), buffer, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None:
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == np.float32


def test_labels_are_exact_up_to_the_last_instance():
    codes = np.array([-100, 0, 19999])
    decoded = decode_points(encode_points(PointsBuffer(np.zeros((3, 3)), labels=codes)), "here")
    np.testing.assert_array_equal(decoded.labels, codes)


def test_no_points_and_properties_that_do_not_fit():
    with pytest.raises(ValueError, match="points has shape"):
        encode_points(PointsBuffer(np.zeros((0, 3))))
    with pytest.raises(ValueError, match=r"normals has shape \[1, 3\]; expected 2 rows of 3"):
        encode_points(PointsBuffer(POINTS, NORMALS[:1]))
    with pytest.raises(ValueError, match="labels"):
        encode_points(PointsBuffer(POINTS, labels=np.zeros((2, 2))))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:50], "no O-CNN points buffer"),
        (lambda data: b"_POINTS_2.0_" + data[12:], "no O-CNN points buffer"),
        (lambda data: data[:-1], "cut or damaged; .* take 144 bytes, it has 143"),
        (lambda data: data + b"\0", "cut or damaged"),
        (lambda data: data[:16] + struct.pack("<i", 0) + data[20:], "damaged header; 0 points"),
        (lambda data: data[:16] + struct.pack("<i", 3) + data[20:], "cut or damaged"),
        (lambda data: data[:20] + struct.pack("<i", 9) + data[24:], "damaged header"),
        (lambda data: data[:20] + struct.pack("<i", 27) + data[24:], "damaged header"),
        (lambda data: data[:24] + struct.pack("<i", 4) + data[28:], "damaged header"),
        (lambda data: data[:32] + struct.pack("<i", -3) + data[36:], "damaged header"),
        (lambda data: data[:60] + struct.pack("<i", 116) + data[64:], "cut or damaged"),
    ],
)
def test_damaged_buffers(damage, message):
    with pytest.raises(ValueError, match=f"^chair.points: {message}"):
        decode_points(damage(WHOLE), "chair.points")


def test_missing_file(tmp_path):
    with pytest.raises(ValueError, match="none.points: cannot be read"):
        read_points_file(tmp_path / "none.points")


def test_names():
    name = PointsFileName("Chair", 7, ShapeId("2f8a", "123"), 0, "train")
    assert str(name) == "Chair_0007_2f8a_123_level1_train.points"
    assert PointsFileName.parse(str(name)) == name
    odd = PointsFileName("StorageFurniture", 12345, ShapeId("a_level2_b", "9"), 2, "test")
    assert PointsFileName.parse(str(odd)) == odd
    for other in ("Chair_0007_2f8a_123_level4_train.points", "Chair_0007_2f8a_123_level1_dev.points", "x.points"):
        assert PointsFileName.parse(other) is None
