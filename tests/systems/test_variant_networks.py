"""Every variant of Table 4 as a network: it trains, shapes stay apart, gradients stop where they should, sizes."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from systems.small_rooms import room
from systems.small_systems import both, cloud, labeled, run

from instance_seg.backbones import BACKBONES
from instance_seg.benchmark.workload import make_task
from instance_seg.config import Config, make_config
from instance_seg.describe import count_parameters
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.config import LossConfig
from instance_seg.losses.segmentation import segmentation_losses
from instance_seg.nesting import options
from instance_seg.presets import load_config, load_settings, variant_names
from instance_seg.registry import load
from instance_seg.systems import SYSTEMS
from instance_seg.training.optimizers import Momentum

# The others are one network per level, and have tests of their own.
OF_LEVELS = ("semantic_assisted", "feature_exchange")
VARIANTS = [name for name in variant_names() if load_config("paper", {"variant": name, "level": 1}).system in OF_LEVELS]

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
DRAW_NOTHING = ("BatchNorm", "LayerNorm", "SetAbstraction", "NeighborPooling")  # layers without weights to be drawn
FULL_HEADS = {"depth": 3, "full_depth": 3, "channels": (64,), "num_blocks": 1}  # heads see the paper's 64 channels


def make(variant, initializer=RELEASED, sizes=TINY, classes=CLASSES, **more):
    """The system of a variant, with those of the sizes that it has."""
    keras.utils.set_random_seed(1)
    chosen = {"variant": variant, "level": 1} | more
    known = {o.name for o in options(Config, load_settings("paper", chosen))}
    config = load_config("paper", {name: value for name, value in sizes.items() if name in known} | chosen)
    return load(SYSTEMS, "system", config.system)(config.network, make_task(classes), initializer)


@functools.cache
def shared(variant):
    """One network for all tests that do not mind its weights."""
    return make(variant)


def losses_of(network, batch):
    """The data terms of the loss in training mode."""
    outputs = network(batch.points, batch.tables, training=True)
    return segmentation_losses(outputs, batch, network.task, LossConfig())


def sum_of(terms, semantic):
    return tf.add_n([value for name, value in terms.items() if name.endswith("semantic") == semantic])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_is_of_its_kind(variant):
    limits = {"linear": 1e-4, "bias": 1e-3, "convolution": 1e-2, "transposed": 1e-1}
    network = make(variant, Initializer(**{kind: lambda *fans, limit=limit: limit for kind, limit in limits.items()}))
    run(network, cloud(0))
    norms = 0
    for weight in network.trainable_variables:
        name = weight.path.rsplit("/", 1)[1]
        if name in ("gamma", "beta"):
            norms += 1
            continue
        kinds = ["bias"] if name == "bias" else ["linear"]
        if len(weight.shape) == 3:
            kinds = ["convolution", "transposed"]
        largest = np.abs(weight.numpy()).max()
        assert any(limits[kind] / 10 < largest <= limits[kind] for kind in kinds), f"{weight.path}: {largest}"
    assert norms


@pytest.mark.parametrize("variant", variant_names())
def test_layers_of_every_system_have_its_initializer(variant):
    given = dataclasses.replace(RELEASED, bias=lambda *fans: 0.5)
    config = load_config("paper", {"variant": variant, "level": 1})
    network = load(SYSTEMS, "system", config.system)(config.network, room(), given)
    layers = [layer for layer in network._flatten_layers() if type(layer).__name__ not in DRAW_NOTHING]
    layers = [layer for layer in layers if hasattr(layer, "initializer")]
    # Some layers replace how linear weights are drawn, and have the rest as it was given.
    others = [layer for layer in layers if layer.initializer.bias is not given.bias]
    assert len(layers) > 20 and not others, others


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
    network.backbone.full_depth = 2  # of the octrees of that time
    run(network, points)
    found = sum(np.abs(v.numpy()).sum(dtype=np.float64) for v in network.trainable_variables)
    assert found == pytest.approx(sizes, rel=1e-7)
    terms = losses_of(network, labeled(network, points))
    assert float(tf.add_n(list(terms.values()))) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_steps_of_training(variant):
    network = shared(variant)
    batch = labeled(network, cloud(0))
    losses_of(network, batch)
    variables = [v.value for v in network.trainable_variables]
    before = [v.numpy() for v in variables]
    optimizer = Momentum(variables, 0.9)
    losses = []
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.add_n(list(losses_of(network, batch).values()))
        gradients = tape.gradient(loss, variables)
        assert all(g is not None and np.isfinite(g).all() for g in gradients)
        optimizer.apply(gradients, variables, tf.constant(0.002))
        losses.append(float(loss))
    assert losses[1] < losses[0]
    assert before and all(np.any(b != v.numpy()) for b, v in zip(before, variables))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_shape_never_depends_on_the_others_of_its_batch(variant):
    network = shared(variant)
    one, other = cloud(5, (20,)), cloud(6, (31,))
    for a, b in zip(run(network, one), run(network, both(one, other)), strict=True):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y[:20], atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_gradient_of_the_offsets_reaches_the_probabilities(variant):
    """All that makes probabilities out of semantic features learns from the semantic loss alone, exactly.

    ASIS and JSNet share the hidden units of the semantic branch by design; there the output layer is looked at.
    """
    network = shared(variant)
    batch = labeled(network, cloud(4))
    with tf.GradientTape(persistent=True) as tape:
        terms = losses_of(network, batch)
        semantic, offsets = sum_of(terms, semantic=True), sum_of(terms, semantic=False)
        total = semantic + offsets
    heads = getattr(network, "semantic_heads", None) or [head.logits for head in network.heads]
    variables = [v.value for head in heads for v in head.trainable_variables]
    of_offsets, of_semantic, of_total = (tape.gradient(loss, variables) for loss in (offsets, semantic, total))
    if variant == "cross_level_gradient":
        assert np.abs(of_offsets[0]).max() > 0
        assert any(np.any(a != b) for a, b in zip(of_total, of_semantic))
    else:
        assert of_offsets == [None] * len(variables) and variables
        for got, want in zip(of_total, of_semantic, strict=True):
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
    deeper = {"depth": 4, "channels": (8, 8)}  # a network of one depth has no decoder
    network, points = make("cross_level_two_direction", semantic_path_gradient=gradient, **deeper), cloud(4)
    with tf.GradientTape() as tape:
        offset = tf.reduce_sum(run(network, points, training=True)[0].instance_offset)
    decoder = [v.value for stage in network.backbone.decoders[0] for v in stage.trainable_variables]
    gradients = tape.gradient(offset, decoder)
    assert gradients and all((g is not None) == gradient for g in gradients)


@pytest.mark.parametrize(
    ("variant", "switch"),
    [
        ("multi_level_baseline", {"baseline_unit": "features"}),
        ("multi_level_baseline", {"baseline_unit": "features_xyz"}),
        ("cross_level_one_hot", {"hard_in": "spread"}),
        ("cross_level_two_direction", {"semantic_path": "concat"}),
        ("cross_level_pointnet2", {"pointnet2_inputs": "xyz_features"}),
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
    network = make(variant, sizes=FULL_HEADS, classes=level_classes, **more)
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
        ({"backbone": "pointnet3"}, f"backbone='pointnet3' is unknown; choose one of {', '.join(BACKBONES)}"),
        ({"semantic_path": "add", "fuse_from": "feature"}, "semantic_path=add needs the hidden features"),
        ({"system": "feature_exchange", "asis_neighbors": 0}, "asis_neighbors=0: want a number from 1 to 65536"),
        ({"backbone": "pointnet2", "pointnet2_points": (512,)}, "pointnet2_points=.512,., .* want a number for each"),
    ],
)
def test_impossible_settings_of_variants(settings, message):
    with pytest.raises(ValueError, match=message):
        make_config(settings)
