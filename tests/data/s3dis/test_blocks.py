"""Blocks of a room: the published program's, and cases by hand."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.data.s3dis.blocks import as_block, cut_blocks, sample_rows

GOLDEN = Path(__file__).parents[2] / "golden" / "s3dis_blocks.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as stored:
        return {name: stored[name] for name in stored.files}


def test_blocks_of_the_published_program(golden):
    xyz = golden["room0_mm"] / 1000
    blocks = cut_blocks(xyz)
    assert [len(rows) for rows in blocks] == golden["room0_population"].tolist()
    for rows, corner in zip(blocks, golden["room0_corner"], strict=True):
        assert (xyz[rows, :2] >= corner).all() and (xyz[rows, :2] <= corner + 1).all()


def test_what_the_network_sees_in_them(golden):
    xyz = golden["room0_mm"] / 1000
    random = np.random.RandomState(golden["room0_seed"])
    for rows, sample, published in zip(cut_blocks(xyz), golden["room0_sample"], golden["room0_block"], strict=True):
        drawn = rows[sample_rows(len(rows), len(sample), random)]
        np.testing.assert_array_equal(drawn, sample)
        block = as_block(xyz[drawn], golden["room0_rgb"][drawn], xyz.max(axis=0))
        np.testing.assert_allclose(np.concatenate(block, axis=1), published, atol=1e-6)


@pytest.mark.parametrize("name", ["few", "many", "equal"])
def test_samples_hold_what_there_is(golden, name):
    published = golden[f"sample_{name}"]
    count = {"few": 20, "many": 200, "equal": len(published)}[name]
    ours = sample_rows(count, len(published), np.random.default_rng(0))
    assert len(ours) == len(published) and ours.max() < count
    if name != "many":
        assert ours[:count].tolist() == published[:count].tolist() == list(range(count))


def test_borders_belong_to_both_blocks():
    """A room of 1.5 meters: blocks 0 - 1 and 0.5 - 1.5; points at 0.5 and 1 lie in both."""
    x = np.repeat([0.0, 0.5, 1.0, 1.5], 100)
    blocks = cut_blocks(np.stack([x, np.zeros(400), np.zeros(400)], axis=1))
    assert [np.unique(x[rows]).tolist() for rows in blocks] == [[0.0, 0.5, 1.0], [0.5, 1.0, 1.5]]


def test_small_rooms_and_small_blocks():
    assert [len(rows) for rows in cut_blocks(np.full((100, 3), 0.2))] == [100]
    assert cut_blocks(np.full((99, 3), 0.2)) == []


def test_snake_order():
    grid = np.stack(np.meshgrid(np.arange(0, 1.51, 0.05), np.arange(0, 1.51, 0.05), [0, 1, 2]), -1).reshape(-1, 3)
    corners = [grid[rows, :2].min(axis=0).round(2).tolist() for rows in cut_blocks(grid)]
    assert corners == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 0]]


def test_a_flat_room_has_a_position():
    block = as_block(np.zeros((5, 3)), np.zeros((5, 3)), np.zeros(3))
    assert block.position.tolist() == [[0, 0, 0]] * 5 and block.xyz[:, 0].tolist() == [-0.5] * 5
