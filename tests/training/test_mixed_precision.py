"""Training in half precision: what computes in it, how close it stays to float32, and the scale of the loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from training.small_runs import losses

from instance_seg.building import build_system, make_data_set
from instance_seg.config import Config
from instance_seg.experiment import train
from instance_seg.layers import BatchNorm
from instance_seg.nesting import options
from instance_seg.presets import load_config, load_settings
from instance_seg.structures import Points
from instance_seg.training.checkpoint_files import checkpoints_in
from instance_seg.training.precision import DynamicScale, computing_in, make_loss_scale
from instance_seg.training.trainer import LossIsNotFinite

SMALL = {
    "category": "Scissors",
    "depth": 3,
    "full_depth": 3,
    "channels": (8,),
    "num_blocks": 1,
    "head_width": 8,
    "head_hidden": 1,
    "pointnet2_points": (16, 8),
    "pointnet2_samples": 8,
    "pointnet2_width": 0.25,
    "asis_neighbors": 5,
    "asis_space": "shifted",
}
SHORT = {
    **{
        name: SMALL[name]
        for name in ("category", "depth", "full_depth", "channels", "num_blocks", "head_width", "head_hidden")
    },
    "variant": "single_level_baseline",
    "level": 1,
    "points_per_shape": 60,
    "train_batch_size": 2,
    "test_shapes": 1,
    "test_every_iter": 0,
    "picture_shapes": 0,
    "max_iter": 20,
    "learning_rate": 0.002,
}
HALF = {"float16": tf.float16, "bfloat16": tf.bfloat16}


def config_of(mixed_precision, **more):
    """Settings of a small network: those of its sizes that it has."""
    known = {o.name for o in options(Config, load_settings("paper", more))}
    sizes = {name: value for name, value in SMALL.items() if name in known}
    return load_config("paper", sizes | {"mixed_precision": mixed_precision} | more)


def gradients_of(config):
    """The network, its outputs on a few points, and the gradients of a loss of all of them."""
    network = build_system(config, make_data_set(config).task())
    rng = np.random.default_rng(0)
    xyz = tf.constant(rng.uniform(-0.8, 0.8, (200, 3)), tf.float32)
    points = Points(xyz, tf.math.l2_normalize(xyz, axis=1), tf.constant([0, 90, 200]))
    variables = [v.value for v in network.trainable_variables]
    with tf.GradientTape() as tape:
        outputs = network(points, network.tables(points, points), training=True)
        terms = [tf.reduce_mean(tf.square(x - 0.1)) for x in tf.nest.flatten(outputs)]
        loss = 2.0**4 * tf.add_n(terms)
    return network, outputs, tape.gradient(loss, variables)


@pytest.mark.parametrize(
    ("mixed_precision", "variant"),
    [
        ("bfloat16", "cross_level_fusion"),
        ("float16", "cross_level_fusion"),
        ("float16", "cross_level_pointnet2"),
        ("bfloat16", "asis_fusion"),
        ("float16", "jsnet_fusion"),
    ],
)
def test_types_and_gradients_of_every_kind_of_network(mixed_precision, variant, monkeypatch):
    more = {"variant": variant, "level": 1 if variant in ("asis_fusion", "jsnet_fusion") else 0}
    _, _, exact = gradients_of(config_of("none", **more))
    seen = []
    plain = BatchNorm.call

    def call(self, x, shortcut=None, training=False):
        y = plain(self, x, shortcut, training=training)
        seen.append((x.dtype, y.dtype))
        return y

    monkeypatch.setattr(BatchNorm, "call", call)
    network, outputs, gradients = gradients_of(config_of(mixed_precision, **more))
    assert set(seen) == {(HALF[mixed_precision],) * 2}  # between a kernel and the next one
    assert {x.dtype for x in tf.nest.flatten(outputs)} == {tf.float32}
    assert {v.dtype for v in network.variables} == {"float32"}
    statistics = network.non_trainable_variables
    assert statistics and all(np.isfinite(v.numpy()).all() for v in statistics)
    assert {g.dtype for g in gradients} == {tf.float32}
    for variable, g, want in zip(network.trainable_variables, gradients, exact, strict=True):
        assert np.any(g) == np.any(want), variable.path
    got, want = (np.concatenate([g.numpy().ravel() for g in all_of_them]) for all_of_them in (gradients, exact))
    cosine = got @ want / (np.linalg.norm(got) * np.linalg.norm(want))
    assert 0.95 < cosine < 0.9999999  # the same direction, and computed otherwise


def test_the_policy_is_as_before_afterwards():
    with computing_in("float16"):
        assert keras.config.dtype_policy().name == "mixed_float16"
    assert keras.config.dtype_policy().name == "float32"


def test_an_overflow_halves_the_scale_and_leaves_the_step_out():
    scale, applied = DynamicScale(), []
    outcome = scale.apply(tf.constant([1.0]), [tf.constant([2.0**15, np.inf])], applied.extend)
    assert (bool(outcome.applied), float(outcome.scale), float(scale.scale)) == (False, 2.0**15, 2.0**14)
    outcome = scale.apply(tf.constant([1.0]), [tf.constant([2.0**15, 2.0**14])], applied.extend)
    assert (bool(outcome.applied), float(outcome.scale), float(scale.scale)) == (True, 2.0**14, 2.0**14)
    assert int(scale.good_steps) == 1
    np.testing.assert_array_equal(applied[-1], [2.0, 1.0])  # without the scale
    assert float(scale.scaled(tf.constant(3.0))) == 3 * 2.0**14


def test_a_loss_that_is_not_finite_counts_as_an_overflow():
    scale = DynamicScale()
    assert not scale.apply(tf.constant([np.nan]), [tf.constant([1.0])], lambda g: None).applied
    assert float(scale.scale) == 2.0**14


def test_the_scale_doubles_after_many_good_steps_and_never_falls_below_one(monkeypatch):
    monkeypatch.setattr(DynamicScale, "GROWTH_STEPS", 3)
    scale = DynamicScale()
    scale.scale.assign(1.0)
    found = []
    for gradient in (1.0, 1.0, np.nan, 1.0, 1.0, 1.0, 1.0):
        scale.apply(tf.constant([0.0]), [tf.constant([gradient])], lambda g: None)
        found.append((float(scale.scale), int(scale.good_steps)))
    assert found == [(1, 1), (1, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]


def test_only_float16_is_scaled():
    assert not list(make_loss_scale("bfloat16").variables) and not list(make_loss_scale("none").variables)
    assert float(make_loss_scale("none").scaled(tf.constant(3.0))) == 3.0


def test_moving_statistics_outlive_an_overflow():
    norm = BatchNorm(dtype="mixed_float16")
    norm.build((None, 2))
    norm(tf.constant([[1.0, np.inf], [3.0, 2.0]], tf.float16), training=True)
    np.testing.assert_allclose(norm.moving_mean, [0.02, 0.0], rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, [0.99 + 0.01 * 2, 1.0], rtol=1e-5)


def run_short(data, folder, **more):
    train(load_config("paper", SHORT | {"data_dir": str(data), "logdir": str(folder)} | more))
    return np.array(list(losses(folder).values()))


@pytest.fixture(scope="module")
def exact(small_partnet, tmp_path_factory):
    """A run in float32, and its losses."""
    folder = tmp_path_factory.mktemp("float32")
    return folder, run_short(small_partnet, folder)


@pytest.mark.parametrize("mixed_precision", HALF)
def test_losses_stay_close_to_those_of_float32(exact, small_partnet, tmp_path, mixed_precision):
    _, want = exact
    got = run_short(small_partnet, tmp_path, mixed_precision=mixed_precision)
    assert want[-1] < 0.95 * want[0]
    assert np.any(got != want)
    np.testing.assert_allclose(got, want, rtol=0.03)


def test_steps_with_an_overflow_change_nothing_but_the_scale(exact, small_partnet, tmp_path, monkeypatch):
    monkeypatch.setattr(DynamicScale, "INITIAL", 2.0**60)
    run_short(small_partnet, tmp_path, mixed_precision="float16", max_iter=2)
    assert _stored_scale(tmp_path) == 2.0**58
    run_short(
        small_partnet, tmp_path, mixed_precision="float16", max_iter=3, allow_changed="max_iter"
    )  # with its scale
    assert _stored_scale(tmp_path) == 2.0**57
    weights = tf.train.load_checkpoint(checkpoints_in(tmp_path / "checkpoints")[0])
    momenta = [n for n in weights.get_variable_to_shape_map() if "accumulators" in n]
    assert momenta and not any(np.any(weights.get_tensor(n)) for n in momenta)


def test_no_scale_is_left_to_try(small_partnet, tmp_path, monkeypatch):
    monkeypatch.setattr(DynamicScale, "INITIAL", 1.0)
    with pytest.raises(LossIsNotFinite, match="is not finite at iteration"):
        run_short(small_partnet, tmp_path, mixed_precision="float16", learning_rate=1e30, weight_decay=0.0)


def test_a_run_in_float32_goes_on_in_float16(exact, small_partnet):
    folder, want = exact
    with pytest.raises(ValueError, match="mixed_precision was 'none' and is 'float16'"):
        run_short(small_partnet, folder, mixed_precision="float16", max_iter=21)
    changed = "mixed_precision,max_iter"
    got = run_short(small_partnet, folder, mixed_precision="float16", max_iter=21, allow_changed=changed)
    np.testing.assert_array_equal(got[:-1], want)
    assert _stored_scale(folder) == DynamicScale.INITIAL


def _stored_scale(folder):
    checkpoint = tf.train.load_checkpoint(checkpoints_in(folder / "checkpoints")[0])
    return float(checkpoint.get_tensor("loss_scale/scale/.ATTRIBUTES/VARIABLE_VALUE"))
