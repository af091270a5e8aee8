"""SGPN as a system."""

import numpy as np
import pytest
import tensorflow as tf
from systems import overfit

from instance_seg.clustering.comparison.group_merging import DEFAULT, SMALLEST_GROUP
from instance_seg.structures import Points
from instance_seg.systems.comparison.settings import SgpnReading
from instance_seg.systems.comparison.sgpn import Sgpn, SgpnOutputs


def settle(system):
    """Measures what is measured on the validation split on the four shapes."""
    found, (points, labels) = overfit.readout(system)
    system.settle([(found, points, labels)])


def statistics(system):
    return [v.numpy() for v in system.non_trainable_variables if "moving" in v.path]


def changed(before, system, part):
    """Whether training moved the weights of a part."""
    return any(not np.array_equal(a, b) for a, b in zip(before, weights(system, part), strict=True))


def weights(system, part):
    found = [v.numpy() for v in getattr(system, part).trainable_variables]
    assert found
    return found


def test_weights_are_inverse_to_frequencies():
    system = overfit.make(Sgpn)
    semantic = np.concatenate([cloud.labels[0].semantic for cloud in overfit.CLOUDS])
    points = np.array([np.count_nonzero(semantic == c) for c in (1, 2)])
    np.testing.assert_allclose(system.class_weight.numpy(), points.sum() / points, rtol=1e-6)
    assert np.count_nonzero(system.group_weight.numpy()) == 4 and float(system.epoch.numpy()) == 4


def test_the_first_stage_learns_classes_alone():
    system = overfit.make(Sgpn, stage="semantics")
    before = {part: weights(system, part) for part in ("semantic", "similarity", "confidence")}
    moving = statistics(system)
    overfit.train(system, 2)
    assert changed(before["semantic"], system, "semantic")
    assert not changed(before["similarity"], system, "similarity")
    assert not changed(before["confidence"], system, "confidence")
    assert any(not np.array_equal(a, b) for a, b in zip(moving, statistics(system)))
    found, (points, _) = overfit.readout(system)
    for (segmented,) in system.segment(found, points, SgpnReading()):
        classes, sizes = np.unique(segmented.semantic, return_counts=True)
        assert segmented.proposals.label.tolist() == classes[sizes > SMALLEST_GROUP].tolist()  # a group each


def test_the_second_stage_learns_the_similarity_first_and_keeps_the_statistics():
    system = overfit.make(Sgpn, similarity_epochs=2.0)
    before = {part: weights(system, part) for part in ("semantic", "similarity", "confidence")}
    moving = statistics(system)
    overfit.train(system, 2)  # of all four shapes: two epochs
    assert float(system.seen.numpy()) == 8
    assert changed(before["similarity"], system, "similarity")
    assert not changed(before["semantic"], system, "semantic")
    assert not changed(before["confidence"], system, "confidence")
    overfit.train(system, 1)
    assert changed(before["semantic"], system, "semantic") and changed(before["confidence"], system, "confidence")
    assert all(np.array_equal(a, b) for a, b in zip(moving, statistics(system), strict=True))


def test_pairs_of_a_class_weigh_more_from_epoch_to_epoch():
    system = overfit.make(Sgpn)
    batch = overfit.batch_of(system)
    outputs = system(batch.points, batch.tables)
    outputs = outputs._replace(similarity=tf.zeros_like(outputs.similarity))  # everything is alike
    terms = []
    for seen in (0, 4, 400):
        system.seen.assign(seen)
        terms.append(float(system.losses(outputs, batch)["similarity"]))
    assert terms[1] > terms[0]
    assert terms[1] - terms[0] == pytest.approx((terms[2] - terms[0]) * 0.4 / 8, rel=1e-3)


@pytest.mark.parametrize("unmeasured, groups", [({}, [2, 1]), ({"unmeasured_threshold": 1e6}, [1, 1])])
def test_a_class_without_a_measured_threshold_has_the_given_one(unmeasured, groups):
    """Both classes are two clumps of 60 points, whose squared distance is 0.64."""
    system = overfit.make(Sgpn)
    system.threshold.assign([DEFAULT, 1.0])
    semantic, features = np.repeat([0, 1], 120), np.zeros((240, 128), np.float32)
    features[:, 0] = np.tile(np.repeat([0.0, 0.8], 60), 2)
    outputs = SgpnOutputs(np.eye(2, dtype=np.float32)[semantic], features, np.ones(240, np.float32))
    points = Points(np.zeros((240, 3)), np.zeros((240, 0)), np.array([0, 240]))
    ((segmented,),) = system.segment(outputs, points, SgpnReading(**unmeasured))
    first = system.level.first_scored
    assert [np.count_nonzero(segmented.proposals.label == first + c) for c in (0, 1)] == groups


@pytest.mark.slow
def test_four_shapes_are_learned_in_two_stages():
    first = overfit.make(Sgpn, stage="semantics")
    overfit.train(first, 700)
    system = overfit.make(Sgpn, similarity_epochs=20.0)
    for mine, learned in zip(system.variables, first.variables, strict=True):
        mine.assign(learned)
    overfit.train(system, 300)
    settle(system)
    assert system.average_size.numpy().tolist() == [60, 60]
    assert overfit.average_precision(system) > 90
