"""PartNet's files for SGPN, by hand and damaged; tests/data/partnet/test_sources.py reads what it writes."""

import shutil

import h5py
import numpy as np
import pytest

from instance_seg.data.partnet.hdf5.one_hot import read_one_hot, write_one_hot
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import load_taxonomy

VASE = load_taxonomy("Vase")  # has levels 1 and 3
BODY, BASE = (VASE.levels[0].class_of(name) for name in ("pot/body", "pot/base"))


def make_shape(labels, *parts):
    points = np.arange(3 * len(labels), dtype=np.float32).reshape(-1, 3) / 100
    parts = tuple(Part(*part) for part in parts)
    return LabeledShape(points, points, np.array(labels, np.int32), parts, ShapeId("model", "1"))


@pytest.fixture
def written(tmp_path):
    """Instances 0 to 2 of the first shape: a base without points, a body, and a base that takes leaf 2; 9 is other."""
    first = make_shape([1, 2, 3, 9], ("pot/base", (50,)), ("pot/body", (1, 2)), ("pot/base", (2, 3)))
    second = make_shape([4, 4, 4, 4], ("pot/body", (4,)))
    write_one_hot(tmp_path, "Vase", "train", 0, [first, second], VASE)
    return tmp_path


def test_flags_and_weights_by_hand(written):
    """Of 7 points 5 are bodies and 2 are bases; 4, 1 and 2 are of the instances 0, 1 and 2."""
    path = written / "ins_seg_h5_for_sgpn" / "Vase-1" / "train-00.h5"
    with h5py.File(path) as file:
        found = {name: data[()] for name, data in file.items()}
    assert {name: (x.shape, x.dtype) for name, x in found.items()} == {
        "pts": ((2, 4, 3), np.float32),
        "semseg_one_hot": ((2, 4, VASE.levels[0].num_classes - 1), np.bool_),
        "semseg_mask": ((2, 4), np.float32),
        "insseg_one_hot": ((2, 4, 200), np.bool_),
        "insseg_mask": ((2, 4), np.float32),
    }
    flags = [np.argwhere(each).tolist() for each in found["semseg_one_hot"]]
    assert flags == [[[0, BODY - 1], [1, BASE - 1], [2, BASE - 1]], [[n, BODY - 1] for n in range(4)]]
    assert np.argwhere(found["insseg_one_hot"][0]).tolist() == [[0, 1], [1, 2], [2, 2]]
    np.testing.assert_allclose(found["semseg_mask"], [[7 / 5, 7 / 2, 7 / 2, 0], [7 / 5] * 4])
    np.testing.assert_allclose(found["insseg_mask"], [[7, 7 / 2, 7 / 2, 0], [7 / 4] * 4])


def test_labels_come_back(written):
    (points, labels), (_, second) = read_one_hot(written, "Vase", 0, "train", VASE)
    assert points.dtype == np.float32 and points.shape == (4, 3)
    assert (labels.semantic.tolist(), labels.instance.tolist()) == ([BODY, BASE, BASE, 0], [1, 2, 2, -1])
    assert (second.semantic.tolist(), second.instance.tolist()) == ([BODY] * 4, [0] * 4)


def test_what_is_wrong_is_named(written, tmp_path):
    path = written / "ins_seg_h5_for_sgpn" / "Vase-1" / "train-00.h5"
    with h5py.File(path, "r+") as file:
        file["insseg_one_hot"][1, 2, :2] = True
    with pytest.raises(ValueError, match="train-00.h5: row 1 has a point of several flags in 'insseg_one_hot'"):
        list(read_one_hot(written, "Vase", 0, "train", VASE))
    shutil.copy(written / "ins_seg_h5_for_sgpn" / "Vase-3" / "train-00.h5", path)
    with pytest.raises(ValueError, match="semseg_one_hot.* has shape"):
        list(read_one_hot(written, "Vase", 0, "train", VASE))
