"""The learning rate's boundaries, and momentum as TF1 has it."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.layers import DECAY
from instance_seg.schedule import SETTLED, ScheduleConfig, learning_rate, statistics_decay, uses_batch_statistics
from instance_seg.training.optimizers import Momentum


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.1), (50_000, 0.1), (50_001, 0.01), (75_000, 0.01), (75_001, 0.001), (99_999, 0.001)]
)
def test_paper_schedule_with_inclusive_boundaries(step, rate):
    assert learning_rate(step, ScheduleConfig()) == pytest.approx(rate)


def test_cosine_starts_at_the_rate_is_half_of_it_halfway_and_falls_to_nothing():
    config = ScheduleConfig(max_iter=1000, rate_shape="cosine", learning_rate=0.2)
    rates = [learning_rate(s, config) for s in (0, 250, 500, 750, 999)]
    assert rates == pytest.approx([0.2, 0.1707107, 0.1, 0.0292893, 4.9e-7], rel=1e-2)
    assert all(learning_rate(s + 1, config) < learning_rate(s, config) for s in range(999))


def test_cosine_after_a_part_at_the_full_rate():
    config = ScheduleConfig(max_iter=1000, rate_shape="cosine", learning_rate=0.2, rate_hold=0.4)
    rates = [learning_rate(step, config) for step in (0, 400, 700, 1000)]
    np.testing.assert_allclose(rates, [0.2, 0.2, 0.1, 0.0], atol=1e-12)


def test_cosine_is_warmed_up_too():
    config = ScheduleConfig(max_iter=1000, rate_shape="cosine", learning_rate=0.2, warmup_iter=4)
    assert learning_rate(0, config) == pytest.approx(0.04) and learning_rate(4, config) == pytest.approx(0.2, rel=1e-3)


def test_statistics_get_slower_by_periods_up_to_a_limit():
    config = ScheduleConfig(statistics_decay="growing", decay_every=12.5)
    found = [statistics_decay(step, config) for step in (0, 12, 13, 25, 62, 63, 75, 1000)]
    assert found == [0.5, 0.5, 0.75, 0.875, 1 - 0.5**5, 1 - 0.5**6, 0.99, 0.99]
    assert statistics_decay(0, ScheduleConfig()) is None


def test_warmup_is_linear_and_ends():
    config = ScheduleConfig(max_iter=100, warmup_iter=3, learning_rate=0.4)
    assert [learning_rate(s, config) for s in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_step_after_a_drop_of_the_rate_uses_the_new_rate_for_old_momentum():
    """Constant gradient 1: rates 0.1, 0.1, 0.01. TF1 moves by lr * a; Keras' SGD would move by 0.181 at the end."""
    w = tf.Variable([0.0])
    optimizer = Momentum([w], 0.9)
    moves = []
    for rate in (0.1, 0.1, 0.01):
        before = w.numpy().copy()
        optimizer.apply([tf.constant([1.0])], [w], rate)
        moves.append(float((w.numpy() - before)[0]))
    np.testing.assert_allclose(moves, [-0.1, -0.19, -0.0271], rtol=1e-5)


def test_batch_statistics_end_at_their_fraction():
    config = ScheduleConfig(max_iter=1000, freeze_statistics_at=0.8)
    assert [uses_batch_statistics(s, config) for s in range(1000)] == [True] * 800 + [False] * 200
    assert uses_batch_statistics(99_999, ScheduleConfig())  # the paper never stops


def test_statistics_that_still_remember_their_initial_values_do_not_rest():
    config = ScheduleConfig(max_iter=600, freeze_statistics_at=0.1)
    assert [s for s in range(600) if not uses_batch_statistics(s, config)] == list(range(SETTLED, 600))
    assert 0.005 < DECAY**SETTLED < 0.01
    assert SETTLED == round(5 / (1 - DECAY))


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.5])
def test_impossible_fraction(fraction):
    with pytest.raises(ValueError, match=f"freeze_statistics_at={fraction}"):
        ScheduleConfig(freeze_statistics_at=fraction)


def test_impossible_settings():
    with pytest.raises(ValueError, match="max_iter=0"):
        ScheduleConfig(max_iter=0)


def test_a_periodic_rate_has_a_floor():
    """PartNet's: 0.001, times 0.8 every 40,000 samples of batches of 16."""
    settings = {"learning_rate": 1e-3, "decay_factor": 0.8, "decay_every": 2500.0, "rate_floor": 1e-5}
    config = ScheduleConfig(rate_shape="periodic", **settings)
    rates = [learning_rate(step, config) for step in (0, 2499, 2500, 7500, 10**6)]
    assert rates == pytest.approx([1e-3, 1e-3, 8e-4, 5.12e-4, 1e-5])


def test_a_polynomial_rate_falls_in_every_step_and_stays_above_nothing():
    """DyCo3D's: 0.01 (1 - it / 30,001) ^ 0.9."""
    config = ScheduleConfig(rate_shape="polynomial", learning_rate=0.01, max_iter=30_000)
    rates = [learning_rate(step, config) for step in (0, 1, 15_000, 29_999)]
    assert rates == pytest.approx([0.01 * (left / 30_001) ** 0.9 for left in (30_001, 30_000, 15_001, 2)])
