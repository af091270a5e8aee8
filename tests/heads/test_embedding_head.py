"""The heads of ASIS and JSNet: the published graph of ASIS, and what flows where."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.heads.embedding import FAMILIES, FUSIONS, EmbeddingHead
from instance_seg.layers import EPSILON

GOLDEN = Path(__file__).parents[1] / "golden" / "s3dis_modules.npz"


def assign_unit(unit, stored, name):
    """A published convolution with bias and batch normalization; the bias moves into the mean."""
    unit.linear.kernel.assign(stored[f"{name}/weights"][0])
    unit.norm.gamma.assign(stored[f"{name}/gamma"])
    unit.norm.beta.assign(stored[f"{name}/beta"])
    unit.norm.moving_mean.assign(stored[f"{name}/mean"] - stored[f"{name}/biases"])
    unit.norm.moving_variance.assign(stored[f"{name}/var"])


def assign_output(layer, stored, name):
    layer.kernel.assign(stored[f"{name}/weights"][0])
    layer.bias.assign(stored[f"{name}/biases"])


@pytest.fixture(scope="module")
def asis():
    """The head with the published weights, its inputs, and what is stored."""
    with np.load(GOLDEN) as file:
        stored = {name: file[name] for name in file.files}
    semantic, instance = (tf.constant(stored[f"asis_{name}"].reshape(-1, 128)) for name in ("sem", "ins"))
    head = EmbeddingHead("asis", "theirs", 13)
    inputs = semantic, instance, tf.zeros([len(semantic), 3]), tf.constant([0, 120, 240])
    head(*inputs)
    assign_unit(head.semantic_unit, stored, "asis/sem_fc1")
    assign_unit(head.instance_unit, stored, "asis/ins_fc1")
    assign_unit(head.to_instance.unit, stored, "asis/sem_cache")
    assign_output(head.embedding, stored, "asis/ins_fc4")
    assign_output(head.logits, stored, "asis/sem_fc4")
    return head, inputs, stored


def test_asis_as_published(asis):
    head, inputs, stored = asis
    assert EPSILON == 1e-3
    said = head(*inputs)
    np.testing.assert_allclose(said.embedding, stored["asis_pred_ins"].reshape(-1, 5), atol=1e-5)
    np.testing.assert_allclose(said.logits, stored["asis_pred_sem"].reshape(-1, 13), atol=1e-5)


def made(family, fusion, **settings):
    tf.random.set_seed(0)
    rng = np.random.default_rng(0)
    features = [tf.constant(rng.normal(size=(30, 16)), tf.float32) for _ in range(2)]
    inputs = *features, tf.constant(rng.uniform(-1, 1, (30, 3)), tf.float32), tf.constant([0, 20, 30])
    head = EmbeddingHead(family, fusion, 4, width=16, **settings)
    head(*inputs)
    return head, inputs


def flows(head, inputs):
    """Whether gradient reaches (F_sem, F_ins) from the logits, and from the embedding."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs[:2])
        said = head(*inputs)
    return [[bool(np.any(g is not None and g != 0)) for g in tape.gradient(out, inputs[:2])] for out in said]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "fusion, to_logits, to_embedding",
    [
        ("none", [True, False], [False, True]),
        ("own", [True, False], [False, True]),  # probabilities have no gradient
        ("theirs", None, [True, True]),
    ],
)
def test_where_gradient_flows(family, fusion, to_logits, to_embedding):
    if to_logits is None:  # which neighbors ASIS pools has no gradient; JSNet's instance features have
        to_logits = [True, family == "jsnet"]
    assert flows(*made(family, fusion)) == [to_logits, to_embedding]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_clouds_do_not_meet(family, fusion):
    head, (semantic, instance, xyz, splits) = made(family, fusion)
    both = head(semantic, instance, xyz, splits)
    alone = head(semantic[20:], instance[20:], xyz[20:], tf.constant([0, 10]))
    for x, y in zip(both, alone, strict=True):
        np.testing.assert_allclose(x[20:], y, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_half_of_the_features_are_dropped_in_training_alone(family):
    head, inputs = made(family, "none", embedding_size=3)
    np.testing.assert_array_equal(head(*inputs).embedding, head(*inputs).embedding)
    first, second = (head(*inputs, training=True).embedding for _ in range(2))
    assert first.shape == (30, 3) and not np.allclose(first, second)


def test_own_fusion_sees_probabilities_features_and_places():
    head, inputs = made("asis", "own")
    assert head.instance_last.linear.kernel.shape == (16 + 16 + 3, 16)
    moved = head(*inputs[:2], inputs[2] + 1.0, inputs[3])
    assert not np.allclose(moved.embedding, head(*inputs).embedding)
