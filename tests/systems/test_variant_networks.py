"""Every variant of Table 4 as a network: it trains, shapes stay apart, gradients stop where they should, sizes."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.describe import count_parameters
from instance_seg.experiment import build_system
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.segmentation import LossConfig, segmentation_losses
from instance_seg.presets import load_config, variant_names
from instance_seg.structures import LevelLabels, Points
from instance_seg.systems.settings import NetworkConfig
from instance_seg.training.optimizers import Momentum

TINY = {
    "depth": 3,
    "full_depth": 3,
    "channels": (8,),
    "num_blocks": 1,
    "head_width": 8,
    "asis_neighbors": 5,
    "pointnet2_points": (8, 4),
    "pointnet2_samples": 4,
    "pointnet2_width": 0.05,
}
CLASSES = (3, 4)
FULL_HEADS = {"depth": 3, "full_depth": 3, "channels": (64,), "num_blocks": 1}  # heads see the paper's 64 channels


def make(variant, initializer=RELEASED, **more):
    keras.utils.set_random_seed(1)
    config = load_config("paper", TINY | {"variant": variant, "level": 1} | more)
    return build_system(config.network, CLASSES, initializer)


@functools.cache
def shared(variant):
    """One network for all tests that do not mind its weights."""
    return make(variant)


def cloud(seed, counts=(20, 31)):
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(-0.9, 0.9, (sum(counts), 3)).astype(np.float32)
    normals = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    return Points(tf.constant(xyz), tf.constant(normals), tf.constant(np.cumsum([0, *counts]), tf.int32))


def run(network, points, training=False):
    depth = network.config.depth
    octree = ops.octree_build(*points, depth=depth)
    table = ops.octree_interpolation_table(points.xyz, points.row_splits, octree.keys[-1], depth)
    return network(points, octree, *table, training=training)


def labels_for(points):
    rng = np.random.default_rng(3)
    n = len(points.xyz)
    return [
        LevelLabels(tf.constant(rng.integers(0, c, n), tf.int32), tf.zeros(n, tf.int32), points.xyz + 0.1, points.xyz)
        for c in CLASSES
    ]


def sum_of(terms, semantic):
    return tf.add_n([value for name, value in terms.items() if name.endswith("semantic") == semantic])


@pytest.mark.parametrize("variant", variant_names())
def test_every_layer_gets_the_initializer(variant):
    kinds = {"linear": 0.001, "bias": 0.002, "convolution": 0.003, "transposed": 0.004}
    network = make(variant, Initializer(**{kind: lambda *fans, limit=limit: limit for kind, limit in kinds.items()}))
    run(network, cloud(0))
    drawn = [v.numpy() for v in network.trainable_variables if v.path.rsplit("/", 1)[1] in ("kernel", "bias")]
    norms = [v for v in network.trainable_variables if v.path.rsplit("/", 1)[1] in ("gamma", "beta")]
    assert len(drawn) + len(norms) == len(network.trainable_variables) and norms
    assert drawn and all(0 < np.abs(values).max() <= max(kinds.values()) for values in drawn)


@pytest.mark.parametrize(
    ("variant", "sizes", "loss"),
    [
        ("cross_level_fusion", 647.11206, 8.9588776),
        ("cross_level_two_direction", 697.23111, 8.7012281),
        ("cross_level_pointnet2", 1648.35961, 8.7873697),
        ("asis_fusion", 479.92329, 14.2666607),
        ("jsnet_fusion", 716.90782, 8.3067522),
    ],
)
def test_released_weights_of_a_seed_and_their_loss(variant, sizes, loss):
    """As they were before there was a choice of initializers (commit 0077db9)."""
    network, points = make(variant), cloud(0)
    run(network, points)
    found = sum(np.abs(v.numpy()).sum(dtype=np.float64) for v in network.trainable_variables)
    assert found == pytest.approx(sizes, rel=1e-7)
    terms = segmentation_losses(run(network, points, training=True), labels_for(points), points, LossConfig())
    assert float(tf.add_n(list(terms.values()))) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("variant", variant_names())
def test_two_steps_of_training(variant):
    network, points = shared(variant), cloud(0)
    labels = labels_for(points)
    run(network, points)
    variables = [v.value for v in network.trainable_variables]
    before = [v.numpy() for v in variables]
    optimizer = Momentum(variables, 0.9)
    losses = []
    for _ in range(2):
        with tf.GradientTape() as tape:
            terms = segmentation_losses(run(network, points, training=True), labels, points, LossConfig())
            loss = tf.add_n(list(terms.values()))
        gradients = tape.gradient(loss, variables)
        assert all(g is not None and np.isfinite(g).all() for g in gradients)
        optimizer.apply(gradients, variables, tf.constant(0.002))
        losses.append(float(loss))
    assert losses[1] < losses[0]
    assert all(np.any(b != v.numpy()) for b, v in zip(before, variables))


@pytest.mark.parametrize("variant", variant_names())
def test_a_shape_never_depends_on_the_others_of_its_batch(variant):
    network = shared(variant)
    one, other = cloud(5, (20,)), cloud(6, (31,))
    both = Points(
        tf.concat([one.xyz, other.xyz], 0), tf.concat([one.normals, other.normals], 0), tf.constant([0, 20, 51])
    )
    for a, b in zip(run(network, one), run(network, both)):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y[:20], atol=1e-5)


@pytest.mark.parametrize("variant", variant_names())
def test_no_gradient_of_the_offsets_reaches_the_probabilities(variant):
    """All that makes probabilities out of semantic features learns from the semantic loss alone, exactly.

    ASIS and JSNet share the hidden units of the semantic branch by design; there the output layer is looked at.
    """
    network, points = shared(variant), cloud(4)
    labels = labels_for(points)
    with tf.GradientTape(persistent=True) as tape:
        terms = segmentation_losses(run(network, points, training=True), labels, points, LossConfig())
        semantic, offsets = sum_of(terms, semantic=True), sum_of(terms, semantic=False)
        total = semantic + offsets
    heads = getattr(network, "semantic_heads", None) or [head.logits for head in network.heads]
    variables = [v.value for head in heads for v in head.trainable_variables]
    of_offsets, of_semantic, of_total = (tape.gradient(loss, variables) for loss in (offsets, semantic, total))
    if variant == "cross_level_gradient":
        assert all(np.abs(g).max() > 0 for g in of_offsets[:1])
        assert any(np.any(a != b) for a, b in zip(of_total, of_semantic))
    else:
        assert of_offsets == [None] * len(variables)
        for got, want in zip(of_total, of_semantic):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("whose", "reached"), [("own", [True, False]), ("others", [False, True])])
def test_gradient_into_some_levels(whose, reached):
    network, points = make("cross_level_gradient", gradient_to=whose), cloud(4)
    with tf.GradientTape() as tape:
        offset = tf.reduce_sum(run(network, points, training=True)[0].instance_offset)
    kernels = [head.output_layer.kernel.value for head in network.semantic_heads]
    assert [g is not None for g in tape.gradient(offset, kernels)] == reached


@pytest.mark.parametrize("gradient", [True, False])
def test_the_two_direction_path_teaches_the_semantic_decoder(gradient):
    network, points = make("cross_level_two_direction", semantic_path_gradient=gradient), cloud(4)
    with tf.GradientTape() as tape:
        offset = tf.reduce_sum(run(network, points, training=True)[0].instance_offset)
    decoder = [v.value for stage in network.backbone.decoders[0] for v in stage.trainable_variables]
    gradients = tape.gradient(offset, decoder)
    assert all((g is not None) == gradient for g in gradients)


@pytest.mark.parametrize(
    ("variant", "switch"),
    [
        ("multi_level_baseline", {"baseline_unit": "features"}),
        ("multi_level_baseline", {"baseline_unit": "features_xyz"}),
        ("cross_level_one_hot", {"hard_in": "spread"}),
        ("cross_level_two_direction", {"semantic_path": "concat"}),
        ("cross_level_pointnet2", {"pointnet2_normals": True}),
        ("asis_fusion", {"asis_space": "shifted"}),
        ("asis_fusion", {"asis_space": "shifted", "asis_cutoff": 0.0}),
    ],
)
def test_every_other_reading_gives_other_offsets_or_logits(variant, switch):
    points = cloud(7)
    outputs = []
    for more in ({}, switch):
        outputs.append(run(make(variant, **more), points))
    assert any(not np.allclose(x, y) for a, b in zip(*outputs) for x, y in zip(a, b))


def heads_of(variant, level_classes, **more):
    """Trainable parameters beside the backbone's, with heads of full size."""
    network = build_system(
        load_config("paper", FULL_HEADS | {"variant": variant, "level": 1} | more).network, level_classes
    )
    run(network, cloud(1))
    return count_parameters(network) - count_parameters(network.backbone)


SEMANTIC, OFFSET, UNIT = 25_088, 64 * 128 + 2 * 128 + 128 * 128 + 2 * 128 + 774, 128 * 128 + 2 * 128
FUSED = OFFSET + (259 * 128 + 2 * 128)  # with the fusion unit on [F_ins, F^, xyz]


@pytest.mark.parametrize(
    ("variant", "count"),
    [
        ("single_level_baseline", OFFSET),
        ("single_level_fusion", FUSED + UNIT),
        ("asis_fusion", OFFSET + UNIT),
        # A; B on 256 channels; the two units before the outputs, on 256 channels too.
        ("jsnet_fusion", OFFSET + UNIT + 3 * (256 * 128 + 2 * 128)),
    ],
)
def test_parameters_of_the_heads_of_one_level(variant, count):
    assert heads_of(variant, (6,)) == SEMANTIC + 129 * 6 + count


@pytest.mark.parametrize(
    ("variant", "more", "beside_the_backbone"),
    [
        ("cross_level_fusion", {}, 8_086_301 - 7_575_488),
        ("cross_level_gradient", {}, 8_086_301 - 7_575_488),
        ("cross_level_one_hot", {}, 8_086_301 - 7_575_488),
        ("multi_level_fusion", {}, 7_888_157 - 7_575_488),
        ("multi_level_baseline", {}, 7_738_013 - 7_575_488),
        ("multi_level_baseline", {"baseline_unit": "features"}, 7_787_933 - 7_575_488),
        ("multi_level_baseline", {"baseline_unit": "features_xyz"}, 7_789_085 - 7_575_488),
        ("cross_level_two_direction", {}, 8_086_301 - 7_575_488 + 3 * (64 * 128 + 2 * 128)),
    ],
)
def test_parameters_of_the_chair_network(variant, more, beside_the_backbone):
    assert heads_of(variant, (6, 30, 39), **more) == beside_the_backbone


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "pointnet3"}, "backbone='pointnet3' is unknown; choose one of octree_unet, pointnet2"),
        ({"semantic_path": "add", "fuse_from": "feature"}, "semantic_path=add needs the hidden features"),
        ({"asis_neighbors": 0}, "asis_neighbors=0: want a number from 1 to 65536"),
        ({"pointnet2_points": (512,)}, "pointnet2_points=.512,.: want two numbers"),
    ],
)
def test_impossible_settings_of_variants(settings, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**settings)
