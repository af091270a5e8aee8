"""Outputs averaged over copies of a cloud: which copies there are, and what is averaged."""

import numpy as np
import pytest
import tensorflow as tf
from systems.small_systems import cloud, run, semantic_assisted

from instance_seg.nesting import make_settings
from instance_seg.structures import LevelPrediction
from instance_seg.systems.copies import averaged, copied
from instance_seg.systems.settings import COPIES, SemanticAssistedSettings

SMALL = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8, "abs_input": False}


def infer(network, points):
    return network.infer(points, network.tables(points, points))


def offsets(predictions):
    return [offset.numpy() for level in predictions for offset in level[1:]]


def test_the_first_copy_is_the_cloud_itself_and_alone_changes_nothing():
    network, points = semantic_assisted((3, 4), **SMALL), cloud(0)
    plain = run(network, points)
    for a, b in zip(infer(network, points), plain, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert len(set(COPIES)) == len(COPIES) == 8 and COPIES[0] == (1, 1, 1)
    alone = averaged(lambda copy: run(network, copy), points, COPIES[:1], 2, 1)
    assert all(np.array_equal(x, y) for x, y in zip(offsets(alone), offsets(plain), strict=True))
    for a, b in zip(alone, plain):
        np.testing.assert_allclose(tf.nn.softmax(a.logits), tf.nn.softmax(b.logits), atol=1e-6)


def test_offsets_that_follow_the_points_come_back_as_they_are():
    """To the middle of the cloud, and a part of the way to its origin: linear maps take these along."""

    def network(points):
        seen.append(points.xyz.numpy())
        middle = tf.reduce_mean(points.xyz, axis=0)
        return (LevelPrediction(tf.ones([len(points.xyz), 2]), middle - points.xyz, -0.3 * points.xyz),)

    seen, points = [], cloud(1)
    (plain,) = network(points)
    (found,) = averaged(network, points, COPIES, 1, 1)
    assert len(seen) == 1 + len(COPIES)
    assert all((xyz != points.xyz.numpy()).any() for xyz in seen[2:])
    for a, b in zip(found[1:], plain[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("factors", COPIES)
def test_normals_stay_upright_on_the_surface(factors):
    rng = np.random.default_rng(2)
    points = cloud(2)
    normals = np.array(points.features)
    normals[0] = 0  # of a point where none is known
    tangents = np.cross(normals, rng.normal(size=3))
    points = points._replace(features=tf.concat([normals, points.xyz[:, :2]], axis=1))
    copy = copied(points, tf.constant(factors), directions=1)
    found = copy.features.numpy()
    np.testing.assert_allclose((found[:, :3] * tangents * factors).sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[:, :3], axis=1), [0, *[1] * (len(found) - 1)], atol=1e-6)
    assert ((found[1:, :3] * normals[1:] * np.sign(factors)).sum(axis=1) > 0).all()  # and outside stays outside
    np.testing.assert_array_equal(found[:, 3:], points.features[:, 3:])
    np.testing.assert_array_equal(copy.xyz, points.xyz * factors)


def test_two_copies_by_hand_with_octrees_of_their_own():
    network, points = semantic_assisted((3, 4), **SMALL, test_copies=2), cloud(3)
    away = np.float32([-1, 1, 1])
    mirrored = points._replace(xyz=points.xyz * away, features=points.features * away)
    both = run(network, points), run(network, mirrored)
    readout = tf.function(lambda: network.readout(infer(network, points)))()
    assert len(readout) == 2
    for level, one, other in zip(readout, *both):
        probabilities = (tf.nn.softmax(one.logits) + tf.nn.softmax(other.logits)).numpy() / 2
        assert np.abs(tf.nn.softmax(one.logits) - probabilities).max() > 1e-4
        np.testing.assert_allclose(level.probabilities, probabilities, atol=1e-5)
        np.testing.assert_allclose(level.certainty, (probabilities * np.log(probabilities)).sum(axis=1), atol=1e-5)
        np.testing.assert_array_equal(level.semantic, level.probabilities.numpy().argmax(axis=1))
        for name in ("instance_offset", "region_offset"):
            a, b = getattr(one, name).numpy(), getattr(other, name).numpy() * away
            assert np.abs(a - b).max() > 1e-3
            np.testing.assert_allclose(getattr(level, name), (a + b) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("number", "wanted"), [(0, "a number from 1 to 8"), (9, "a number from 1 to 8"), (1.5, "int"), ("many", "int")]
)
def test_other_numbers_of_copies_are_refused(number, wanted):
    with pytest.raises(ValueError, match=f"test_copies=.*: want {wanted}"):
        make_settings(SemanticAssistedSettings, {"test_copies": number})
