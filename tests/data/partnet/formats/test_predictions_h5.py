import h5py
import numpy as np
import pytest

from instance_seg.data.partnet.formats.predictions_h5 import (
    PredictedMasks,
    PredictionWriter,
    proposals_to_masks,
    read_predictions,
)
from instance_seg.structures import Proposals

NUM_POINTS = 30


def random_masks(rng, num_masks):
    return PredictedMasks(
        mask=rng.random((num_masks, NUM_POINTS)) < 0.3,
        label=rng.integers(0, 5, num_masks).astype(np.uint8),
        valid=np.ones(num_masks, bool),
        confidence=rng.random(num_masks).astype(np.float32),
    )


def as_masks(instance, label, confidence, **options):
    """The masks of instances numbered from 0, given by the number of each point's (-1 = none)."""
    points = np.argsort(instance, kind="stable")[np.sum(instance < 0) :]
    row_splits = np.searchsorted(instance[points], np.arange(len(label) + 1))
    return proposals_to_masks(Proposals(points, row_splits, label, confidence), len(instance), **options)


def write(folder, shapes, **options):
    with PredictionWriter(folder, **options) as writer:
        for shape in shapes:
            writer.append(shape)
    return writer.files


def test_layout_of_the_file(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [random_masks(rng, n) for n in (3, 0, 200)]
    (path,) = write(tmp_path / "Chair-1", shapes)
    assert path == tmp_path / "Chair-1" / "test-00.h5"
    with h5py.File(path) as file:
        found = {name: (file[name].shape, file[name].dtype, file[name].compression) for name in file}
        assert found == {
            "mask": ((3, 200, NUM_POINTS), np.bool_, "gzip"),
            "valid": ((3, 200), np.bool_, "gzip"),
            "conf": ((3, 200), np.float32, "gzip"),
            "label": ((3, 200), np.uint8, "gzip"),
        }
        assert {name: file[name].chunks for name in file} == {
            "mask": (1, 200, NUM_POINTS), "valid": (1, 200), "conf": (1, 200), "label": (1, 200)
        }  # fmt: skip
        np.testing.assert_array_equal(file["valid"][:].sum(axis=1), [3, 0, 200])
        assert not file["mask"][0, 3:].any()


def test_what_is_written_is_read(tmp_path):
    rng = np.random.default_rng(1)
    shapes = [random_masks(rng, int(n)) for n in rng.integers(0, 20, 11)]
    files = write(tmp_path, shapes, shapes_per_file=4)
    assert [path.name for path in files] == ["test-00.h5", "test-01.h5", "test-02.h5"]
    back = list(read_predictions(tmp_path, num_labels=5))
    assert len(back) == len(shapes)
    for shape, read in zip(shapes, back):
        assert read.valid.sum() == len(shape.valid)
        for ours, theirs in zip(shape, read, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs[: len(ours)])


def test_the_hundredth_file_comes_after_the_99th(tmp_path):
    rng = np.random.default_rng(2)
    shapes = [random_masks(rng, 1) for _ in range(102)]
    write(tmp_path, shapes, shapes_per_file=1)
    confidences = [shape.confidence[0] for shape in read_predictions(tmp_path)]
    assert confidences == [shape.confidence[0] for shape in shapes]


def test_masks_are_ranked_and_class_zero_and_small_ones_left_out():
    instance = np.repeat([0, 1, 2, 3, -1], [11, 10, 12, 20, 5])
    masks = as_masks(instance, np.array([2, 1, 1, 0]), np.array([-0.5, 0.9, 0.7, 0.8], np.float32))
    np.testing.assert_array_equal(masks.confidence, np.float32([0.7, -0.5]))
    np.testing.assert_array_equal(masks.label, [0, 1])
    np.testing.assert_array_equal(masks.mask, [instance == 2, instance == 0])
    assert masks.valid.all() and masks.label.dtype == np.uint8


def test_the_least_confident_fall_out_beyond_the_limit():
    instance = np.repeat(np.arange(5), 12)
    confidence = np.array([0.1, 0.5, 0.3, 0.5, 0.4], np.float32)
    masks = as_masks(instance, np.ones(5, int), confidence, max_instances=3)
    np.testing.assert_array_equal(masks.mask, [instance == 1, instance == 3, instance == 4])


def test_masks_overlap_as_their_proposals_do():
    points, row_splits = np.concatenate([np.arange(12), np.arange(5, 20)]), np.array([0, 12, 27])
    masks = proposals_to_masks(Proposals(points, row_splits, np.array([1, 3]), np.float32([0.1, 0.2])), 22)
    assert np.flatnonzero(masks.mask[0]).tolist() == list(range(5, 20))
    assert np.flatnonzero(masks.mask[1]).tolist() == list(range(12))
    assert masks.label.tolist() == [2, 0]


def test_no_instance_at_all():
    for instance in (np.full(7, -1), np.zeros(0, int)):
        masks = as_masks(instance, np.zeros(0, int), np.zeros(0, np.float32))
        assert masks.mask.shape == (0, len(instance))


def test_files_of_a_longer_test_set_are_removed(tmp_path):
    rng = np.random.default_rng(3)
    write(tmp_path, [random_masks(rng, 2) for _ in range(3)], shapes_per_file=1)
    write(tmp_path, [random_masks(rng, 2)], shapes_per_file=1)
    assert [path.name for path in tmp_path.iterdir()] == ["test-00.h5"]


def test_an_interrupted_writer_leaves_whole_files_only(tmp_path):
    rng = np.random.default_rng(4)
    with pytest.raises(RuntimeError), PredictionWriter(tmp_path, shapes_per_file=2) as writer:
        for _ in range(3):
            writer.append(random_masks(rng, 2))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["test-00.h5"]
    assert len(list(read_predictions(tmp_path))) == 2


def test_writer_refuses_other_sizes(tmp_path):
    rng = np.random.default_rng(5)
    with PredictionWriter(tmp_path) as writer:
        writer.append(random_masks(rng, 1))
        with pytest.raises(ValueError, match="shape 1: 201 masks, a prediction file holds 200"):
            writer.append(random_masks(rng, 201))
        with pytest.raises(ValueError, match="shape 1: 7 points, those before have 30"):
            writer.append(random_masks(rng, 1)._replace(mask=np.ones((1, 7), bool)))


def damaged(tmp_path, damage):
    rng = np.random.default_rng(6)
    (path,) = write(tmp_path, [random_masks(rng, 4) for _ in range(20)])
    with h5py.File(path, "r+") as file:
        damage(file)
    return path


def replace(name, make):
    def damage(file):
        values = make(file[name][:])
        del file[name]
        file[name] = values

    return damage


def poke(name, row, value):
    def damage(file):
        file[name][row, 1] = value

    return damage


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda file: file.pop("conf"), "dataset 'conf' is missing"),
        (replace("mask", lambda mask: mask.astype(np.float32)), "dataset 'mask' has dtype float32, expected bool"),
        (replace("mask", lambda mask: mask * np.uint8(255)), "dataset 'mask': row 0 has flags other than 0 and 1"),
        (replace("label", lambda label: label[:, :7]), r"dataset 'label' has shape \[20, 7\], expected \[20, 200\]"),
        (replace("valid", lambda valid: valid[:5]), r"dataset 'valid' has shape \[5, 200\]"),
        (replace("mask", lambda mask: mask[0]), r"dataset 'mask' has shape \[200, 30\], expected \[\*, \*, \*\]"),
        (poke("conf", 17, np.nan), "row 17 has a NaN or infinite 'conf'"),
        (poke("label", 18, 5), r"row 18 has a 'label' outside 0\.\.4"),
    ],
)
def test_malformed_files_are_named(tmp_path, damage, message):
    path = damaged(tmp_path, damage)
    with pytest.raises(ValueError, match=message) as error:
        list(read_predictions(tmp_path, num_labels=5))
    assert str(path) in str(error.value)


def test_invalid_rows_are_not_looked_at(tmp_path):
    def damage(file):
        file["conf"][3, 100] = np.nan  # beyond the shape's four masks
        file["label"][3, 100] = 77

    damaged(tmp_path, damage)
    assert len(list(read_predictions(tmp_path, num_labels=5))) == 20


def test_truncated_missing_and_foreign_files(tmp_path):
    with pytest.raises(ValueError, match="no prediction files test-00.h5"):
        list(read_predictions(tmp_path))
    path = damaged(tmp_path, lambda file: None)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="test-00.h5"):
        list(read_predictions(tmp_path))
    path.write_text("not HDF5")
    with pytest.raises(ValueError, match="test-00.h5: not a readable HDF5 file"):
        list(read_predictions(tmp_path))
