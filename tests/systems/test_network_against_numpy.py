"""The network with imported TF1 weights against an evaluation in NumPy that shares nothing with it."""

import numpy as np
import pytest
import tensorflow as tf
from systems.numpy_network import NumpyNetwork

from instance_seg.benchmark.workload import make_task
from instance_seg.nesting import flatten, make_settings
from instance_seg.presets import load_config
from instance_seg.released.tf1_import import import_tf1_checkpoint
from instance_seg.released.tf1_variables import tf1_variables
from instance_seg.structures import Points
from instance_seg.systems.semantic_assisted import SemanticAssisted
from instance_seg.systems.settings import SemanticAssistedSettings

TOLERANCE = 1e-4
SMALL = {"depth": 4, "channels": (8, 16, 12), "num_blocks": 2, "head_width": 8}


def make_shape(rng, num_points):
    """Points around three spots, so that octants are shared; two coincide and have opposite normals."""
    spots = rng.uniform(-0.6, 0.6, (3, 3))
    xyz = spots[rng.integers(0, 3, num_points)] + rng.normal(0, 0.1, (num_points, 3))
    normals = rng.normal(size=(num_points, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    xyz[0], normals[0] = xyz[-1], -normals[-1]
    return np.clip(xyz, -0.95, 0.95).astype(np.float32), normals.astype(np.float32)


def run(model, shapes):
    """The model on a batch of (xyz, normals) -> per level (logits, O_I, O_S) of all points."""
    xyz, normals = (np.concatenate(parts) for parts in zip(*shapes))
    splits = np.cumsum([0, *(len(s[0]) for s in shapes)]).astype(np.int32)
    points = Points(*map(tf.constant, (xyz, normals, splits)))
    return model(points, model.tables(points, points), training=False)


def random_arrays(shapes, rng, output_scale):
    """TF1 weights that keep activations and logits of a size: {name: array}."""
    arrays = {}
    for name, shape in shapes.items():
        last = name.rsplit("/", 1)[1]
        if last == "weights":
            fan_in = shape[0] if "octree_deconv" in name else shape[1]
            value = rng.normal(0, np.sqrt(2 / fan_in), shape) * (output_scale if "conv2/" in name else 1.0)
        elif last in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, shape) * (0.4 if last == "gamma" and "1x1x1_b" in name else 1.0)
        else:  # beta, moving_mean, bias
            value = rng.normal(0, 0.3, shape)
        arrays[name] = value.astype(np.float32)
    return arrays


def imported(settings, num_classes, folder, seed, output_scale=1.0):
    """A network whose weights came through a TF1 checkpoint, and the arrays that stood in the checkpoint."""
    rng = np.random.default_rng(seed)
    model = SemanticAssisted(make_settings(SemanticAssistedSettings, settings), make_task(num_classes))
    run(model, [make_shape(rng, 4)])
    arrays = random_arrays({name: s.shape for name, s in tf1_variables(model).items()}, rng, output_scale)
    prefix = str(folder / "iter000007.ckpt")
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=[tf.constant(a) for a in arrays.values()],
    )
    import_tf1_checkpoint(prefix, model)
    return model, arrays


def reference(model, arrays, **kwargs):
    """The NumPy network of the same sizes."""
    c = model.settings.backbone_settings
    coarsest = c.depth - len(c.channels) + 1
    return NumpyNetwork(arrays, model.task.num_classes, c.depth, c.full_depth, coarsest, c.num_blocks, **kwargs)


def assert_equal(predictions, expected):
    """Every output of every level within the tolerance, and not trivially so."""
    assert len(predictions) == len(expected)
    for prediction, outputs in zip(predictions, expected):
        for got, want in zip(prediction, outputs):
            assert 0.05 < want.std(axis=0).max() and np.abs(want).max() < 10
            np.testing.assert_allclose(got.numpy(), want, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return imported(SMALL, (2, 4, 3), tmp_path_factory.mktemp("small"), seed=1)


@pytest.mark.parametrize(
    "settings, num_classes",
    [
        ({"depth": 3, "channels": (8, 4, 16), "num_blocks": 1, "head_width": 12}, (3, 3, 3)),  # below full_depth
        ({"depth": 5, "full_depth": 4, "channels": (4, 8), "num_blocks": 1, "head_width": 4}, (2, 5, 5)),
    ],
)
def test_networks_of_other_sizes(settings, num_classes, tmp_path):
    model, arrays = imported(settings, num_classes, tmp_path, seed=1)
    shape = make_shape(np.random.default_rng(2), 25)
    assert_equal(run(model, [shape]), reference(model, arrays)(*shape))


def test_each_shape_of_a_batch_is_evaluated_on_its_own(small):
    model, arrays = small
    rng = np.random.default_rng(4)
    shapes = [make_shape(rng, n) for n in (14, 1, 20)]
    single = [reference(model, arrays)(*shape) for shape in shapes]
    expected = [[np.concatenate(x) for x in zip(*levels)] for levels in zip(*single)]
    assert_equal(run(model, shapes), expected)


@pytest.mark.parametrize("edge_mode", ["missing", "wrap"])
def test_points_beside_the_faces_of_the_cube(edge_mode, small, monkeypatch):
    model, arrays = small
    rng = np.random.default_rng(6)
    xyz, normals = make_shape(rng, 24)
    axis, side = rng.integers(0, 3, 24), rng.choice([-0.98, 0.99], 24)
    xyz[np.arange(24), axis] = side
    expected = reference(model, arrays, wrap=edge_mode == "wrap")(xyz, normals)
    monkeypatch.setattr(model.backbone, "edge_mode", edge_mode)
    assert_equal(run(model, [(xyz, normals)]), expected)


def test_the_released_chair_network(tmp_path):
    model, arrays = imported(flatten(load_config("released").network), (6, 30, 39), tmp_path, seed=7, output_scale=0.1)
    shape = make_shape(np.random.default_rng(8), 30)
    assert_equal(run(model, [shape]), reference(model, arrays, wrap=False)(*shape))
