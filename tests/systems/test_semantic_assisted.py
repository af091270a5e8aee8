"""The network: parameter counts, any number of levels, gradients, independence of the shapes of a batch."""

import numpy as np
import pytest
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.describe import count_parameters, describe
from instance_seg.losses.segmentation import LossConfig, segmentation_losses
from instance_seg.structures import LevelLabels, Points
from instance_seg.systems.semantic_assisted import NetworkConfig, SemanticAssistedNetwork, source_levels

SMALL = NetworkConfig(depth=3, channels=(8, 8), num_blocks=1, head_width=8)
CHAIR = (6, 30, 39)


def cloud(seed, counts=(20, 31)):
    rng = np.random.default_rng(seed)
    n = sum(counts)
    xyz = rng.uniform(-0.9, 0.9, (n, 3)).astype(np.float32)
    normals = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    return Points(tf.constant(xyz), tf.constant(normals), tf.constant(np.cumsum([0, *counts]), tf.int32))


def run(network, points, training=False):
    depth = network.config.depth
    octree = ops.octree_build(*points, depth=depth)
    table = ops.octree_interpolation_table(points.xyz, points.row_splits, octree.keys[-1], depth)
    return network(points, octree, *table, training=training)


@pytest.mark.parametrize(("fusion", "count"), [("cross", 8_086_301), ("own", 7_888_157), ("none", 7_738_013)])
def test_chair_network_has_the_released_number_of_parameters(fusion, count):
    network = SemanticAssistedNetwork(NetworkConfig(fusion=fusion), CHAIR)
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
    network = SemanticAssistedNetwork(
        NetworkConfig(depth=3, full_depth=3, channels=(8,), num_blocks=1, fusion=fusion), classes
    )
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
    base = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8}
    network = SemanticAssistedNetwork(NetworkConfig(**base | settings), (3, 4))
    points = cloud(2)
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(x**2) for p in run(network, points, training=True) for x in p])
    gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
    assert all(g is not None and np.isfinite(g).all() for g in gradients)


def labels_for(points, classes, seed=3):
    rng = np.random.default_rng(seed)
    n = points.xyz.shape[0]
    return [
        LevelLabels(tf.constant(rng.integers(0, c, n), tf.int32), tf.zeros(n, tf.int32), points.xyz + 0.1, points.xyz)
        for c in classes
    ]


def semantic_gradients(network, points, labels, only_semantic):
    with tf.GradientTape() as tape:
        terms = segmentation_losses(run(network, points, training=True), labels, points, LossConfig())
        chosen = [v for name, v in terms.items() if not only_semantic or name.endswith("semantic")]
        loss = tf.add_n(chosen)
    variables = [v.value for head in network.semantic_heads for v in head.trainable_variables]
    return tape.gradient(loss, variables)


@pytest.mark.parametrize("stop", [True, False])
def test_the_fusion_sends_no_gradient_into_the_probabilities(stop):
    network = SemanticAssistedNetwork(NetworkConfig(**{**SMALL.__dict__, "stop_gradient": stop}), (3, 4))
    points = cloud(4)
    labels = labels_for(points, (3, 4))
    all_terms = semantic_gradients(network, points, labels, only_semantic=False)
    semantic_only = semantic_gradients(network, points, labels, only_semantic=True)
    equal = all(np.allclose(a, b, atol=1e-6) for a, b in zip(all_terms, semantic_only))
    assert equal == stop


def test_a_shape_never_depends_on_the_others_of_its_batch():
    network = SemanticAssistedNetwork(SMALL, (3, 4))
    one, other = cloud(5, (20,)), cloud(6, (31,))
    alone = run(network, one)
    both = Points(
        tf.concat([one.xyz, other.xyz], 0), tf.concat([one.normals, other.normals], 0), tf.constant([0, 20, 51])
    )
    for a, b in zip(alone, run(network, both)):
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
        NetworkConfig(**settings)


def test_more_widths_than_depths():
    with pytest.raises(ValueError, match=r"channels=\(64, 128, .*depth=4 to full_depth=2.*3 to 4 widths"):
        SemanticAssistedNetwork(NetworkConfig(depth=4), (3,))
