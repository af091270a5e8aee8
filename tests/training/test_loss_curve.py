"""One training with our kernels and with plain TensorFlow in their place: the loss curves are the same.

In float64 they agree to the end. In float32 rounding tells them apart: where a number is zero but for its last bit, an
activation takes the one slope or the other, and training makes a hundredth of the loss of that within forty steps. So
much the same happens to plain TensorFlow when its initial weights change in their last bit; ours may do no worse. The
step at which it happens is chance, and differs from processor to processor, so several such changes are tried.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from training import plain_ops

import ocnn_tf_ops as ops
from instance_seg.benchmark.workload import NUM_CLASSES, Shapes, load_settings, make_split, make_task
from instance_seg.data.batches import evaluation_batch
from instance_seg.data.pipeline import build_batch
from instance_seg.octree.units import ConvUnit, DownUnit, UpUnit
from instance_seg.systems.semantic_assisted import SemanticAssisted
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.step import Step

pytestmark = pytest.mark.slow

STEPS, RATE, DEPTH, LEVELS = 40, 0.01, 4, 2


def make_batches(network, dtype):
    """Two batches of two shapes, in turn, with labels of the network's levels."""
    points = np.random.default_rng(0).normal(size=(4, 300, 3)) * [1, 0.6, 0.3]
    points = (points / (1.1 * np.linalg.norm(points, axis=2, keepdims=True))).astype(np.float32)
    split = make_split(Shapes(points, points))
    samples = [tf.nest.map_structure(tf.constant, evaluation_batch(split, first, 2)) for first in (0, 2)]
    batches = [build_batch(sample, network.tables) for sample in samples]
    batches = [b._replace(labels=b.labels[:LEVELS], targets=b.targets[:LEVELS]) for b in batches]
    return tf.nest.map_structure(lambda x: tf.cast(x, dtype) if x.dtype == tf.float32 else x, batches)


def loss_curves(dtype, changes=(None,)):
    """The total loss [STEPS] of a training in one type, for each change of its fixed initial weights.

    None changes nothing, a seed every weight in the last bit of float32, with random sign.
    """
    keras.config.set_dtype_policy(dtype)
    keras.utils.set_random_seed(0)
    config = load_settings("smoke", DEPTH, full_depth=3, channels=(16, 16), head_hidden=1)
    network = SemanticAssisted(config.network, make_task(NUM_CLASSES[:LEVELS]))
    network.backbone.full_depth = 2  # of the octrees; the network itself goes down to depth 3
    batches = make_batches(network, dtype)
    for head in (*network.semantic_heads, *network.offset_heads):
        head.output_layer.dtype_policy = dtype  # float32 even where features are half precision
    network(batches[0].points, batches[0].tables, training=False)
    variables = [v.value for v in network.trainable_variables]
    optimizer = make_optimizer(config.schedule, variables)
    state = [*variables, *optimizer.accumulators, *(v.value for v in network.non_trainable_variables)]
    start = [v.numpy() for v in state]

    update = Step(network, optimizer).update

    @tf.function(reduce_retracing=True)
    def step(batch):
        losses, _ = update(batch, tf.constant(RATE, dtype))
        return losses["total"]

    def curve(seed):
        random = np.random.default_rng(seed)
        for variable, value in zip(state, start):
            change = 0.0 if seed is None else random.choice([-1, 1], value.shape) * 2**-23
            variable.assign(value * np.asarray(1 + change, value.dtype))
        return np.array([float(step(batches[s % 2])) for s in range(STEPS)])

    return [curve(seed) for seed in changes]


@pytest.fixture
def with_plain_functions(monkeypatch):
    """Calls a function with plain TensorFlow in place of our kernels, each of which must have been called."""

    def run(function, *args):
        called = set()

        def noted(f):
            return lambda *a, **k: called.add(f.__name__) or f(*a, **k)

        with monkeypatch.context() as patch:
            for f in plain_ops.FUNCTIONS:
                patch.setattr(ops, f.__name__, noted(f))
            for unit in (ConvUnit, DownUnit, UpUnit):  # they hold their operators themselves
                patch.setattr(unit, "operator", staticmethod(getattr(ops, unit.operator.__name__)))
            result = function(*args)
        assert called == {f.__name__ for f in plain_ops.FUNCTIONS}
        return result

    yield run
    keras.config.set_dtype_policy("float32")


def test_curves_agree_in_float64(with_plain_functions):
    (ours,), (plain,) = loss_curves("float64"), with_plain_functions(loss_curves, "float64")
    np.testing.assert_allclose(ours, plain, rtol=1e-12)
    assert ours[-1] < 0.6 * ours[0]  # it was a training


def test_curves_differ_in_float32_as_they_do_when_weights_change_in_their_last_bit(with_plain_functions):
    (ours,) = loss_curves("float32")
    plain, *changed = with_plain_functions(loss_curves, "float32", (None, *range(8)))
    ours, *changed = (np.maximum.accumulate(np.abs(curve / plain - 1)) for curve in (ours, *changed))
    assert ours[0] < 1e-6
    assert np.all(ours < 1e-6 + 5 * np.max(changed, axis=0))
