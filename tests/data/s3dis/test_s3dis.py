"""S3DIS as a data set: splits by area, rooms kept as arrays, blocks as clouds."""

import numpy as np
import pytest
from data.s3dis.small_rooms import write_area, write_box

from instance_seg.data.batches import SampleConfig, Split, training_batch
from instance_seg.data.s3dis.s3dis import S3dis
from instance_seg.data.s3dis.settings import S3disSettings
from instance_seg.structures import UPRIGHT


@pytest.fixture
def root(tmp_path):
    write_area(tmp_path, 1, 1)
    write_area(tmp_path, 5, 2)
    return tmp_path


def s3dis(**settings):
    return S3dis(S3disSettings(**{"allow_partial": True, "block_points": 64} | settings))


def test_one_area_is_held_out(root):
    data = s3dis()
    train, test = data.split(root, "train"), data.split(root, "test")
    assert {train[i].name.split("#")[0] for i in range(len(train))} == {"Area_1_room_0"}
    assert {test[i].name.split("#")[0] for i in range(len(test))} == {"Area_5_room_0", "Area_5_room_1"}
    assert test.wholes[-1] == len(test) > test.wholes[1] > 0
    assert len(data.split(root, "test", 1).wholes) == 2
    assert data.task().subset == "area5" and s3dis(area=1).task().subset == "area1"
    assert data.fingerprint(root) == {"Area_1": f"1 rooms of {root.name}", "Area_5": f"2 rooms of {root.name}"}


def test_a_block_is_a_cloud(root):
    clouds = s3dis().split(root, "test")
    cloud = clouds[0]
    assert cloud.xyz.shape == (64, 3) and cloud.features.shape == (64, 6)
    assert cloud.xyz.dtype == cloud.features.dtype == np.float32
    assert cloud.xyz[:, :2].min() == -0.5 and cloud.xyz[:, 2].min() >= 0
    assert cloud.features.min() >= 0 and cloud.features.max() <= 1
    (labels,) = cloud.labels
    assert set(labels.semantic) <= {1, 2, 8} and labels.semantic.dtype == labels.instance.dtype == np.int32


def test_samples_depend_on_seed_and_block_alone(root):
    first, again, other = (
        s3dis().split(root, "test"),
        s3dis().split(root, "test"),
        s3dis(block_seed=1).split(root, "test"),
    )
    np.testing.assert_array_equal(first[3].xyz, again[3].xyz)
    assert not np.array_equal(first[3].xyz, other[3].xyz)
    with pytest.raises(IndexError):
        first[len(first)]


def test_training_may_see_another_sample_each_time(root):
    """The stored sample stays what it is: sizes are measured on it."""
    fixed, fresh = (Split(s3dis(draw_again=again).split(root, "train"), s3dis().task()) for again in (False, True))
    samples = SampleConfig(batch_size=len(fixed), augmentation=None)
    for split, same in ((fixed, True), (fresh, False)):
        first, again, later = (training_batch(split, samples, step) for step in (0, 0, 1))
        np.testing.assert_array_equal(first.points.xyz, again.points.xyz)
        block = first.index[0]
        at = int(np.flatnonzero(later.index == block)[0])
        assert np.array_equal(first.points.xyz[:64], later.points.xyz[64 * at : 64 * (at + 1)]) == same
        assert np.array_equal(first.points.xyz[:64], split.clouds[block].xyz) == same
    np.testing.assert_array_equal(fixed.clouds[0].xyz, fresh.clouds[0].xyz)


def test_rooms_are_read_once_and_again_when_they_changed(root):
    data = s3dis()
    before = len(data.split(root, "test", 1))
    stored = root / "rooms" / "Area_5_room_0" / "xyz.npy"
    written = stored.stat().st_mtime_ns
    data.split(root, "test", 1)
    assert stored.stat().st_mtime_ns == written
    source = root / "rooms" / "Area_5_room_0" / "source.json"
    source.write_text(source.read_text().replace('"version": 1', '"version": 0'))
    data.split(root, "test", 1)
    assert stored.stat().st_mtime_ns != written and '"version": 1' in source.read_text()
    write_box(root / "Area_5" / "room_0", size=4.0)
    assert len(data.split(root, "test", 1)) > before
    assert not list(root.rglob("*.tmp"))


def test_what_cannot_be_read_is_named(root):
    with pytest.raises(ValueError, match="2 rooms, S3DIS has 68 there"):
        s3dis(allow_partial=False).split(root, "test")
    with pytest.raises(ValueError, match="Area_3: no room in it"):
        s3dis(area=3).split(root, "test")
    with pytest.raises(ValueError, match="no split for validation"):
        s3dis().split(root, "val")
    with pytest.raises(ValueError, match="--data_dir is needed"):
        s3dis().split("", "train")
    clouds = s3dis().split(root, "test")
    (root / "rooms" / "Area_5_room_0" / "color.npy").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="color.npy: cannot be read"):
        clouds[0]


def test_only_the_held_out_area(tmp_path):
    write_area(tmp_path, 5, 1)
    with pytest.raises(ValueError, match="nothing to train on"):
        s3dis().split(tmp_path, "train")


def test_a_room_of_ones_own(root):
    """The points of a room, turned y up and moved, give the blocks that the room gives."""
    data = s3dis()
    room = data.split(root, "test", 1).room(0)
    xyz = np.asarray(room.xyz, np.float64)
    cloud = data.foreign(xyz @ UPRIGHT["z"].T + [7, 8, 9], None, np.asarray(room.color))
    np.testing.assert_allclose(cloud.xyz, xyz, atol=1e-6)
    ours = data.portions(cloud)
    assert len(ours) == len(room.block_splits) - 1 > 4 and ours[0].labels == () and ours.room(0).semantic is None
    assert ours[2].features.shape == (64, 6) and 0.2 < ours[2].features[:, :3].max() <= 1
    assert set(data.foreign(xyz, None).features.ravel()) == {127.5}


@pytest.mark.parametrize(
    "points, message",
    [
        (np.zeros((99, 3)), "has 99 points; want a room of at least 100"),
        (0.004 * np.arange(100)[:, None] * [1, 0, 0], "measures 0.396 m; rooms are in meters, 0.5 to 1000"),
        (1001.0 * np.arange(100)[:, None] * [1, 0, 0], "rooms are in meters"),
        (5.0 * np.arange(100)[:, None] * [1, 0, 0], "no square meter with 100 points"),
    ],
)
def test_what_is_no_room(points, message):
    with pytest.raises(ValueError, match=message):
        s3dis().portions(s3dis().foreign(points, None))
