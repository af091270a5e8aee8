"""SGPN's grouping and thresholds against PartNet's programs and by hand."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.clustering.comparison.group_merging import (
    Thresholds,
    absorb,
    best_edges,
    histogram_edges,
    inverse_frequencies,
    merge_groups,
    propose,
    similarity,
)

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "partnet_inference.npz")
CASES = ("gm0", "gm1", "gm2", "gm3")


def of_shape(name, *keys):
    return [GOLDEN[f"{name}_{key}"] for key in keys]


def features_of(name):
    return GOLDEN[f"{name}_feature"].astype(np.float32) / 16


@pytest.mark.parametrize("name", CASES)
def test_groups_are_the_programs(name):
    confidence, semantic, group, scores = of_shape(name, "conf", "seg", "group", "group_conf")
    features, threshold = features_of(name), GOLDEN["gm_threshold"]
    found, found_scores = propose(features, confidence, semantic, threshold)
    np.testing.assert_allclose(found_scores, scores, rtol=1e-6)
    absorb(found, features, semantic, threshold)
    assert np.array_equal(found, group)


@pytest.mark.parametrize("name", CASES)
def test_written_masks_are_the_programs(name):
    confidence, semantic, mask, valid, score, label = of_shape(
        name, "conf", "seg", "mask", "valid", "pred_conf", "label"
    )
    found = merge_groups(features_of(name), confidence, semantic, GOLDEN["gm_threshold"], GOLDEN["gm_avg_size"])
    count = np.count_nonzero(valid)
    assert len(found.label) == count > 0
    assert np.array_equal(found.label, label[:count])
    np.testing.assert_allclose(found.score, score[:count], rtol=1e-6)
    for p in range(count):
        assert np.array_equal(found.points[found.row_splits[p] : found.row_splits[p + 1]], np.flatnonzero(mask[p]))


def test_thresholds_and_sizes_are_the_programs(monkeypatch):
    found = Thresholds(len(GOLDEN["th_ths"]))
    for s in range(5):
        semantic, instance, diagonal = of_shape(f"th{s}", "seg", "ins", "diag")

        def with_diagonal(rows, columns, diagonal=diagonal):  # what rounding left there; no other S is 0
            s = similarity(rows, columns)
            return s + np.float32(diagonal) * (s == 0)

        monkeypatch.setattr("instance_seg.clustering.comparison.group_merging.similarity", with_diagonal)
        found.add(features_of(f"th{s}"), semantic, instance)
        np.testing.assert_allclose([found.sums, found.counts], GOLDEN["th_after"][s], rtol=1e-6)
    threshold, size = found.result()
    np.testing.assert_allclose(threshold, GOLDEN["th_threshold"], rtol=1e-6)
    assert np.array_equal(size, GOLDEN["th_avg_size"])


def test_a_threshold_by_hand():
    """Edges are 0.1, 0.2, ... 2.1: recall is above one half from 0.6 on, at 1.6 the first of the others is met."""
    inside = np.float32([[0.1, 0.2, 0.35, 0.55, 2.1]])
    assert histogram_edges(inside)[0] == pytest.approx(np.arange(1, 22) / 10)
    # edge 0.4 has recall 3/5 and nothing false, but no ratio was found before it: it tells nothing
    assert np.isnan(best_edges(inside, np.float32([[1.55] * 10])))
    # one of ten others is below 0.4: its ratio is 6; at 0.6 the recall is 4/5 and the ratio 8
    assert best_edges(inside, np.float32([[0.15] + [1.55] * 9])) == pytest.approx(0.6)
    # two of ten: a ratio of 4 is not enough
    assert np.isnan(best_edges(inside, np.float32([[0.15, 0.15] + [1.55] * 8])))


def test_a_histogram_that_begins_at_0_tells_nothing():
    inside, outside = np.float32([[0.0, 0.2, 0.35, 0.55, 2.1]]), np.float32([[0.15] + [1.55] * 9])
    assert np.isnan(best_edges(inside, outside))


def test_points_of_no_class_and_classes_of_no_point():
    found = Thresholds(3)
    found.add(np.eye(4, dtype=np.float32), np.array([-1, -1, 1, 1]), np.array([-1, -1, 5, 7]))
    threshold, size = found.result()
    assert threshold.tolist() == [0.2, 0.2, 0.2] and size.tolist() == [0, 1, 0]


def test_inverse_frequencies():
    assert inverse_frequencies([np.array([0, 0, 2]), np.array([2])], 3).tolist() == [2, 0, 2]


def on_a_line(*counts):
    """So many points at 0, 10, 20, ..."""
    return np.repeat(np.float32([[10 * i] for i in range(len(counts))]), counts, axis=0)


def test_seeds_make_groups_and_the_later_one_takes_points():
    features, semantic = on_a_line(60, 70), np.zeros(130, int)
    group, score = propose(features, np.full(130, 0.5, np.float32), semantic, np.array([1.0]))
    assert group.tolist() == [0] * 60 + [1] * 70 and score == pytest.approx([0.5, 0.5])
    features = np.float32(np.repeat([0.0, 0.9, 1.8], [40, 30, 60])[:, None])
    group, _ = propose(features, np.full(130, 0.5, np.float32), semantic, np.array([1.0]))  # 70, 130, 90 points
    assert group.tolist() == [0] * 130  # the proposal of the middle replaces the first, and holds the last


def test_small_proposals_are_none_and_their_points_are_absorbed():
    features, semantic = on_a_line(60, 20), np.zeros(80, int)
    confidence = np.float32([0.9] * 60 + [0.1] * 20)
    group, _ = propose(features, confidence, semantic, np.array([1.0]))
    assert group.tolist() == [0] * 60 + [-1] * 20
    absorb(group, features, semantic, np.array([101.0]))  # squared
    assert group.tolist() == [0] * 80


def test_groups_far_smaller_than_usual_are_left_out():
    features, semantic = on_a_line(60, 60), np.repeat([0, 1], 60)
    found = merge_groups(features, np.ones(120, np.float32), semantic, np.ones(2), np.array([241, 240]))
    assert found.label.tolist() == [1] and found.points.tolist() == list(range(60, 120))


def test_where_no_point_has_a_group_none_is_absorbed():
    features, semantic = on_a_line(10, 10), np.repeat([0, 1], 10)
    found = merge_groups(features, np.ones(20, np.float32), semantic, np.full(2, 1e9), np.zeros(2))
    assert len(found.label) == len(found.points) == 0
