"""The parts of a step on two devices against the same on one: statistics, gradients, losses, loss scale."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from training import replica_cases as cases

from instance_seg.backbones.pointconv_layers import SharedNorm
from instance_seg.layers import BatchNorm
from instance_seg.training.optimizers import Adam

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    out = tmp_path_factory.mktemp("replicas") / "cases.npz"
    program = pathlib.Path(cases.__file__)
    done = subprocess.run([sys.executable, str(program), str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(out))


def test_there_are_two_replicas(two):
    np.testing.assert_array_equal(two["num_replicas"], [2, 2])
    np.testing.assert_array_equal(two["scale/replicas"], [4, 4])  # the share of 8


@pytest.mark.parametrize(("how", "kind"), [("sync", BatchNorm), ("again", BatchNorm), ("shared", SharedNorm)])
def test_synchronized_norm_is_that_of_the_whole_batch(two, how, kind):
    want = cases.norm_case(cases.new_norm(kind=kind), tf.constant(cases.ROWS), tf.constant(cases.FACTORS))
    np.testing.assert_allclose(two[f"{how}/y"], want["y"], rtol=1e-12)
    np.testing.assert_allclose(two[f"{how}/grad_x"], want["grad_x"], rtol=1e-9, atol=1e-12)
    for name in ("grad_weights", "moving"):
        np.testing.assert_allclose(two[f"{how}/{name}"], np.stack([want[name]] * 2), rtol=1e-12)


@pytest.mark.parametrize(("how", "kind"), [("own", BatchNorm), ("own_shared", SharedNorm)])
def test_separate_norms_see_their_own_rows_and_agree_on_moving_statistics(two, how, kind):
    parts = zip(*(np.split(x, [cases.SIZES[0]]) for x in (cases.ROWS, cases.FACTORS)))
    want = [cases.norm_case(cases.new_norm(kind=kind), tf.constant(x), tf.constant(f)) for x, f in parts]
    for name in ("y", "grad_x"):
        np.testing.assert_allclose(two[f"{how}/{name}"], np.concatenate([w[name] for w in want]), rtol=1e-9)
    np.testing.assert_allclose(two[f"{how}/grad_weights"], [sum(w["grad_weights"] for w in want)] * 2, rtol=1e-9)
    np.testing.assert_allclose(two[f"{how}/moving"], [np.mean([w["moving"] for w in want], axis=0)] * 2, rtol=1e-9)


def test_losses_of_replicas_sum_to_that_of_the_batch(two):
    splits = tf.constant([0, 2, 5, 6, 8])
    want = cases.loss_case(tf.constant(cases.VALUES), tf.constant(cases.MASK), splits)
    assert float(want["shape"]) != float(want["point"])
    for name, value in want.items():
        np.testing.assert_allclose(two[f"loss/{name}"], [float(value)] * 2, rtol=1e-6)


def test_the_loss_of_a_clustering_and_its_gradients_are_those_of_the_whole_batch(two):
    given = (tf.constant(x) for x in (cases.XYZ, cases.MASK, cases.VALUES, [0, 5, 8]))
    want = cases.clustering_case(cases.new_values(), *given)
    assert float(want["loss"]) > 0.1 and np.abs(want["grads"]).max() > 1e-3
    for name, value in want.items():
        np.testing.assert_allclose(two[f"clustering/{name}"], [value] * 2, rtol=1e-5)


def test_adam_updates_every_replica_as_one_device_with_the_whole_gradient(two):
    weights = [tf.Variable(start) for start in cases.ADAM_START]
    want = cases.adam_case(Adam(weights), weights, tf.constant(cases.VALUES))["weights"]
    assert np.all(np.abs(want - np.array(cases.ADAM_START)) > 0.1)
    np.testing.assert_allclose(two["adam/weights"], [want] * 2, rtol=1e-6)


def test_an_overflow_in_one_replica_halves_the_scale_of_all(two):
    np.testing.assert_array_equal(two["scale/applied"], [False, False])
    np.testing.assert_array_equal(two["scale/scale"], [2.0**14] * 2)
