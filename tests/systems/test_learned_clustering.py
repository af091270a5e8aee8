"""Learned bandwidth and lambda: regions by hand, and a toy where one bandwidth for all classes fails."""

import numpy as np
import pytest

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import ShiftedLevel, segment_levels
from instance_seg.losses.modes import mode_loss, pair_loss
from instance_seg.losses.regions import NUM_POINTS
from instance_seg.structures import Labels, Level, Points, Task
from instance_seg.systems.learned_clustering import learn_values, learned_readings, sample_regions
from instance_seg.systems.offset_system import LevelReadout

TASK = Task("toy", "", (Level(1, "all", ("other", "wheel", "seat", "rare"), 1, (1, 2, 3)),))


def shape(rng):
    """Six wheels 0.12 apart whose offsets miss by 0.01, and two seats 1.2 apart whose offsets miss by 0.07."""
    parts = [(1, 0.12 * i, 0.01) for i in range(6)] + [(2, 1.2 * i, 0.07) for i in range(2)]
    semantic = np.repeat(np.int32([c for c, _, _ in parts]), 40)
    centers = np.repeat(np.float32([[x, c, 0] for c, x, _ in parts]), 40, axis=0)
    noise = np.repeat(np.float32([d for _, _, d in parts]), 40)[:, None] * rng.normal(size=centers.shape)
    xyz = np.zeros_like(centers)
    readout = LevelReadout(semantic, np.float32(centers + noise), xyz, np.zeros(len(xyz), np.float32))
    instance = np.repeat(np.arange(len(parts), dtype=np.int32), 40)
    return (readout,), Points(xyz, xyz, np.array([0, len(xyz)])), (Labels(semantic, instance),)


def share_found(found, reading):
    """Of the true instances those that a cluster has an IoU above 0.5 with, without a push."""
    hits = []
    for (readout,), _, (labels,) in found:
        level = ShiftedLevel(readout.instance_offset, labels.semantic, reading.of_classes(TASK.levels[0])[0])
        (ids,) = segment_levels([level], reading)
        for each in np.unique(labels.instance):
            overlap = np.bincount(ids[labels.instance == each], minlength=ids.max() + 1)
            union = np.bincount(ids) + (labels.instance == each).sum() - overlap
            hits.append((overlap / union).max() > 0.5)
    assert hits
    return np.mean(hits)


@pytest.fixture(scope="module")
def shapes():
    rng = np.random.default_rng(0)
    return [shape(rng) for _ in range(4)]


def test_regions_are_padded_and_know_their_instances(shapes):
    wheels, seats, rare = sample_regions(shapes, TASK)
    assert (len(wheels), len(seats), len(rare)) == (4, 4, 0)
    wheel, seat = wheels[0], seats[0]
    assert wheel.center.shape == wheel.direction.shape == (NUM_POINTS, 3)
    assert (wheel.valid.sum(), seat.valid.sum()) == (240, 80)
    assert np.bincount(wheel.instance[wheel.valid]).tolist() == [40] * 6
    np.testing.assert_allclose(np.linalg.norm(seat.direction[seat.valid], axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(seat.center[seat.valid][:, 1], 2, atol=0.4)


def test_points_of_another_true_class_are_of_no_instance(shapes):
    readout, points, (labels,) = shapes[0]
    confused = labels._replace(semantic=np.where(labels.instance == 0, 3, labels.semantic))
    wheel = sample_regions([(readout, points, (confused,))], TASK)[0][0]
    assert np.bincount(wheel.instance[wheel.valid] + 1).tolist() == [40] * 6


@pytest.mark.parametrize("loss", [mode_loss, pair_loss])
def test_learned_bandwidths_find_all_of_two_sizes_where_no_single_one_does(loss, shapes):
    for h in (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4):
        assert share_found(shapes, ClusterConfig(bandwidth=h)) < 0.8
    given = ClusterConfig(semantic_center_offset=0.0)
    values = learn_values(sample_regions(shapes, TASK), TASK, given, loss, steps=60)
    wheel, seat, rare = values
    assert 0.02 <= wheel.bandwidth < 0.12 < seat.bandwidth <= 0.4 and min(wheel.push, seat.push) >= 0
    assert rare == ("all", "rare", 0.1, 0.0)  # never seen
    shares = {name: share_found(shapes, reading) for name, reading in learned_readings(values, given).items()}
    assert shares["learned gaussian"] == shares["learned flat 1.18 s"] == 1 > shares["learned flat 2.45 s"]
