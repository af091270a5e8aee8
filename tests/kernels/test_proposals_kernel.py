"""Merging of proposals and counts below limits, against loops in NumPy and by hand."""

import numpy as np
import pytest

from ocnn_tf_ops.python.proposals import count_below, merge_proposals

IOU, SHARE = 0.6, 0.8


def as_bits(members):
    padded = np.pad(members, [(0, 0), (0, -members.shape[1] % 64)])
    return np.packbits(padded, axis=1).view(np.uint64)


def merged_one_by_one(members, iou, share):
    """The rule, word for word."""
    kept = []
    for i, new in enumerate(members):
        like = []
        for p, old in enumerate(kept):
            both = np.count_nonzero(members[old] & new)
            if both > iou * np.count_nonzero(members[old] | new) or both > share * np.count_nonzero(new):
                like.append(p)
        for p in like:
            if np.count_nonzero(members[kept[p]]) < np.count_nonzero(new):
                kept[p] = i
        if not like:
            kept.append(i)
    return kept


@pytest.mark.parametrize("num_elements", [1, 63, 64, 65, 500, 1024, 1500])
@pytest.mark.parametrize("radius", [0.02, 0.1, 0.4])
def test_merges_as_the_rule_says(num_elements, radius):
    rng = np.random.default_rng(num_elements)
    place, seeds = rng.random(num_elements), rng.random((200, 1))
    members = np.abs(seeds - place) < radius * rng.random((200, 1))
    assert merge_proposals(as_bits(members), IOU, SHARE).tolist() == merged_one_by_one(members, IOU, SHARE)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.5, 2.0), (2.0, 0.5), (1.0, 1.0)])
def test_merges_at_any_share(shares):
    members = np.random.default_rng(1).random((100, 90)) < np.linspace(0, 1, 100)[:, None]
    assert merge_proposals(as_bits(members), *shares).tolist() == merged_one_by_one(members, *shares)


def interval(begin, end):
    return (np.arange(100) >= begin) & (np.arange(100) < end)


def test_proposals_by_hand():
    """10 of 16 elements are more than 0.6, and 9 of 15 are not; 8 of 10 are not more than 0.8 of a set."""
    cases = {
        (0, 13, 3, 16): [0],
        (0, 12, 3, 15): [0, 1],
        (0, 40, 32, 42): [0, 1],
        (0, 40, 31, 41): [0],
        (0, 40, 0, 60): [1],
    }
    for (a, b, c, d), kept in cases.items():
        assert merge_proposals(as_bits(np.array([interval(a, b), interval(c, d)])), IOU, SHARE).tolist() == kept


def test_no_sets_and_empty_sets():
    assert merge_proposals(np.zeros((0, 3), np.uint64), IOU, SHARE).tolist() == []
    assert merge_proposals(np.zeros((2, 1), np.uint64), IOU, SHARE).tolist() == [0, 1]
    assert merge_proposals(np.zeros((2, 0), np.uint64), IOU, SHARE).tolist() == [0, 1]


def test_merge_proposals_refuses_what_it_cannot_read():
    with pytest.raises(ValueError, match=r"uint64 \[S, W\], found int64 \[2\]"):
        merge_proposals(np.zeros(2, np.int64), IOU, SHARE)
    with pytest.raises(ValueError, match="out of range"):
        merge_proposals(np.zeros((1, 1), np.uint64), np.nan, SHARE)


@pytest.mark.parametrize("num_values", [0, 1, 1023, 1024, 3000])
def test_counts_what_is_below_each_limit(num_values):
    rng = np.random.default_rng(num_values)
    values = rng.integers(0, 20, (70, num_values)).astype(np.float32)  # many are equal to a limit
    values[:, ::7] = np.nan
    limits = np.sort(rng.integers(0, 20, (70, 21)), axis=1).astype(np.float32)
    want = (values[:, None] < limits[:, :, None]).sum(axis=2)
    assert np.array_equal(count_below(values, limits), want)


def test_count_below_refuses_what_it_cannot_read():
    with pytest.raises(ValueError, match=r"found float32 \[2, 3\] and float64 \[2, 1\]"):
        count_below(np.zeros((2, 3), np.float32), np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"found float32 \[2, 3\] and float32 \[3, 1\]"):
        count_below(np.zeros((2, 3), np.float32), np.zeros((3, 1), np.float32))
