"""The network: parameter counts, any number of levels, gradients, independence of the shapes of a batch."""

import numpy as np
import pytest
import tensorflow as tf
from systems.small_systems import both, cloud, labeled, run, semantic_assisted

from instance_seg.clustering.across import write_limits
from instance_seg.clustering.by_class import ByClass, ClassValues, write_readings
from instance_seg.describe import count_parameters, describe
from instance_seg.fusion import source_levels
from instance_seg.losses.config import LossConfig
from instance_seg.losses.segmentation import segmentation_losses
from instance_seg.nesting import make_settings
from instance_seg.structures import LevelReadout, Points
from instance_seg.systems.settings import SemanticAssistedSettings
from ocnn_tf_ops.python import cuda_memory

SMALL = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8}
CHAIR = (6, 30, 39)


@pytest.mark.parametrize(("fusion", "count"), [("cross", 8_086_301), ("own", 7_888_157), ("none", 7_738_013)])
def test_chair_network_has_the_released_number_of_parameters(fusion, count):
    network = semantic_assisted(CHAIR, fusion=fusion)
    run(network, cloud(0))
    assert count_parameters(network) == count
    if fusion == "cross":
        assert sum(int(np.prod(v.shape)) for v in network.backbone.trainable_variables) == 7_575_488
        assert sum(int(np.prod(v.shape)) for v in network.variables) == 8_118_493
        assert f"{count:,}" in describe(network)


def test_order_of_the_sources():
    assert [source_levels("cross", k, 3) for k in range(3)] == [(0, 1, 2), (1, 0, 2), (2, 0, 1)]
    assert source_levels("own", 1, 3) == (1,)
    assert source_levels("none", 1, 3) == ()


@pytest.mark.parametrize("classes", [(3,), (2, 3, 4, 5)])
@pytest.mark.parametrize("fusion", ["none", "own", "cross"])
def test_any_number_of_levels(classes, fusion):
    network = semantic_assisted(classes, depth=3, full_depth=3, channels=(8,), num_blocks=1, fusion=fusion)
    predictions = run(network, cloud(1), training=True)
    assert [p.logits.shape for p in predictions] == [(51, c) for c in classes]
    assert all(p.instance_offset.shape == p.region_offset.shape == (51, 3) for p in predictions)


@pytest.mark.parametrize(
    "settings",
    [
        {"fuse_from": "feature"},
        {"transfer": False},
        {"concat_order": "paper"},
        {"hard_assign": True},
        {"head_hidden": 1},
        {"abs_input": False},
        {"depth": 4, "full_depth": 3},
    ],
)
def test_every_switch_gives_finite_gradients(settings):
    network = semantic_assisted((3, 4), **SMALL | settings)
    points = cloud(2)
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(x**2) for p in run(network, points, training=True) for x in p])
    gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
    assert gradients and all(g is not None and np.isfinite(g).all() for g in gradients)


def semantic_gradients(network, batch, only_semantic):
    with tf.GradientTape() as tape:
        outputs = network(batch.points, batch.tables, training=True)
        terms = segmentation_losses(outputs, batch, network.task, LossConfig())
        chosen = [v for name, v in terms.items() if not only_semantic or name.endswith("semantic")]
        loss = tf.add_n(chosen)
    variables = [v.value for head in network.semantic_heads for v in head.trainable_variables]
    return tape.gradient(loss, variables)


@pytest.mark.parametrize("stop", [True, False])
def test_the_fusion_sends_no_gradient_into_the_probabilities(stop):
    network = semantic_assisted((3, 4), stop_gradient=stop, **SMALL)
    batch = labeled(network, cloud(4))
    all_terms = semantic_gradients(network, batch, only_semantic=False)
    semantic_only = semantic_gradients(network, batch, only_semantic=True)
    equal = all(np.allclose(a, b, atol=1e-6) for a, b in zip(all_terms, semantic_only))
    assert equal == stop


def test_a_shape_never_depends_on_the_others_of_its_batch():
    network = semantic_assisted((3, 4), **SMALL)
    one, other = cloud(5, (20,)), cloud(6, (31,))
    alone = run(network, one)
    for a, b in zip(alone, run(network, both(one, other)), strict=True):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y[:20], atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": "all"}, "fusion='all' is unknown; choose one of none, own, cross"),
        ({"depth": 17}, "depth=17"),
        ({"full_depth": 7}, "full_depth=7"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        make_settings(SemanticAssistedSettings, settings)


def test_more_widths_than_depths():
    with pytest.raises(ValueError, match=r"channels=\(64, 128, .*depth=4 to full_depth=2.*3 to 4 widths"):
        make_settings(SemanticAssistedSettings, {"depth": 4})


def test_classes_without_instances_are_not_clustered():
    network = semantic_assisted((4,), **SMALL)
    network.task = network.task._replace(levels=(network.task.levels[0]._replace(things=(2, 3)),))
    semantic = np.repeat(np.int32([0, 1, 2, 3]), 5)
    zeros = np.zeros((20, 3), np.float32)
    points = Points(zeros, zeros, np.array([0, 20]))
    readout = (LevelReadout(semantic, zeros, zeros, np.zeros(20, np.float32)),)
    ((found,),) = network.segment(readout, points, network.settings.grouping)
    assert found.proposals.label.tolist() == [2, 3] and found.semantic.tolist() == semantic.tolist()
    np.testing.assert_array_equal(found.proposals.instance(20), np.repeat([-1, -1, 0, 1], 5))
    assert found.shifted.shape == (20, 3)


def test_a_stored_reading_has_a_bandwidth_and_a_lambda_for_each_class(tmp_path):
    """Two pairs of points 0.16 apart, of class 1 and 2, at their centers, with the region's center in the middle."""
    network = semantic_assisted((3,), **SMALL)
    (level,) = network.task.levels
    values = {"pushed": (0.3, 0.3), "no push": (0.1, 0.2)}
    readings = {}
    for name, of in values.items():
        push = 0.1 if name == "pushed" else 0.0
        rows = [ClassValues(level.name, level.classes[s], of[s - 1], push) for s in (1, 2)]
        readings[name] = ByClass(values=tuple(rows))
    write_readings(tmp_path, readings)
    xyz = np.float32([[-0.08, 0, 0], [0.08, 0, 0]] * 2)
    readout = LevelReadout(np.int32([1, 1, 2, 2]), np.zeros_like(xyz), -xyz, np.zeros(4, np.float32))
    points = Points(xyz, xyz, np.array([0, 4]))
    given = network.readings(network.settings)
    assert network.all_readings(network.settings, tmp_path / "elsewhere") == given
    stored = {k: v for k, v in network.all_readings(network.settings, tmp_path).items() if k not in given}
    found = {name: network.segment((readout,), points, reading)[0][0] for name, reading in stored.items()}
    assert list(found) == list(values)
    labels = {name: each.proposals.label.tolist() for name, each in found.items()}
    assert labels == {"pushed": [1, 1, 2, 2], "no push": [1, 1, 2]}
    np.testing.assert_allclose(found["pushed"].shifted[:, 0], [-0.18, 0.18] * 2, rtol=1e-6)
    np.testing.assert_allclose(found["no push"].shifted, xyz)


def test_a_gpu_for_clustering_that_is_not_there_is_missed_at_once(monkeypatch):
    monkeypatch.setattr(cuda_memory, "has_cuda", lambda: False)
    with pytest.raises(ValueError, match="clustering_device=gpu needs the CUDA kernels"):
        semantic_assisted((3,), **SMALL, clustering_device="gpu")
    semantic_assisted((3,), **SMALL, clustering_device="gpu", clustering="sklearn")


def test_readings_across_classes(tmp_path):
    """Two pairs of points, each at one center and of two classes; of the second cloud the network is sure."""
    network = semantic_assisted((3,), **SMALL)
    (level,) = network.task.levels
    xyz = np.float32([[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0, 0]] * 2)
    probabilities = np.float32([[0, 0.8, 0.2], [0, 0.4, 0.6], [0.6, 0.4, 0], [0.6, 0.1, 0.3]] * 2)
    certainty = np.float32([-0.9] * 4 + [-0.1] * 4)
    zeros = np.zeros_like(xyz)
    readout = LevelReadout(probabilities.argmax(axis=1).astype(np.int32), zeros, zeros, certainty, probabilities)
    points = Points(xyz, xyz, np.array([0, 4, 8]))
    given = network.readings(network.settings)
    assert network.all_readings(network.settings, tmp_path) == given
    assert network.entropies((readout,), points) == {level.name: [pytest.approx(0.9), pytest.approx(0.1)]}
    write_limits(tmp_path, network.task, {level.name: [0.3, 0.5] * 50}, 0.3)
    readings = network.all_readings(network.settings, tmp_path)
    assert list(readings) == [*given, "across classes", "auto"] and readings["auto"].bandwidth == 0.3
    within = next(iter(given.values()))
    (always,), (again,) = network.segment((readout,), points, readings["across classes"])
    assert always.semantic.tolist() == again.semantic.tolist() == [1, 1, 0, 0]
    assert always.proposals.label.tolist() == [1] and always.proposals.points.tolist() == [0, 1]  # class 0 has none
    (unlike,), (like,) = network.segment((readout,), points, readings["auto"])
    assert (always.is_unlike, unlike.is_unlike, like.is_unlike) == (None, True, False)
    np.testing.assert_array_equal(unlike.semantic, always.semantic)
    plain = network.segment((readout,), points, within)[1][0]
    np.testing.assert_array_equal(like.semantic, plain.semantic)
    assert like.proposals.points.tolist() == plain.proposals.points.tolist() == [0, 1]
    assert like.proposals.label.tolist() == [1, 2]
