"""Limits of the initial weights, for each kind of weight as the layers ask for them."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.initializers import FAN_IN, RELEASED
from instance_seg.layers import Linear
from instance_seg.octree.units import ConvUnit, DownUnit, UpUnit

CIN, COUT = 12, 7


def built(layer):
    layer.build((None, CIN))
    return layer


@pytest.mark.parametrize(
    ("layer", "initializer", "limit"),
    [
        (ConvUnit, RELEASED, 6 / (COUT + 27 * CIN)),  # the matrices that TF1 O-CNN stores
        (DownUnit, RELEASED, 6 / (COUT + 8 * CIN)),
        (UpUnit, RELEASED, 6 / (CIN + 8 * COUT)),
        (Linear, RELEASED, 6 / (CIN + COUT)),
        (ConvUnit, FAN_IN, 6 / (27 * CIN + 27 * COUT)),
        (DownUnit, FAN_IN, 6 / (8 * CIN + 8 * COUT)),
        (UpUnit, FAN_IN, 6 / (8 * CIN + 8 * COUT)),
        (Linear, FAN_IN, 1 / CIN),
    ],
)
def test_kernels_are_uniform_within_the_root_of(layer, initializer, limit):
    tf.random.set_seed(0)
    kernel = np.concatenate([built(layer(COUT, initializer=initializer)).kernel.numpy().ravel() for _ in range(20)])
    largest = np.abs(kernel).max()
    assert 0.98 * limit**0.5 < largest <= limit**0.5
    assert np.std(kernel) == pytest.approx((limit / 3) ** 0.5, rel=0.05)


@pytest.mark.parametrize(("initializer", "limit"), [(RELEASED, 6 / (COUT + 1)), (FAN_IN, 1 / CIN)])
def test_biases_are_drawn_too(initializer, limit):
    tf.random.set_seed(0)
    layers = [built(Linear(COUT, use_bias=True, initializer=initializer)) for _ in range(60)]
    bias = np.concatenate([layer.bias.numpy() for layer in layers])
    assert 0.95 * limit**0.5 < np.abs(bias).max() <= limit**0.5


def test_released_weights_are_the_default():
    assert Linear(1).initializer is RELEASED
