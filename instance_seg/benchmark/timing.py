"""Times as minima and medians over runs, the machine's own rate, and what a process needs of memory."""

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One measured figure, with the sizes that it belongs to."""

    suite: str
    name: str
    value: float  # the best run: the least of times, the greatest of rates
    median: float  # over the runs
    unit: str
    gflop: float = 0.0  # counted floating-point operations (a multiplication with its addition is two), in 1e9
    fraction: float = 0.0  # of the machine's matrix-product rate, reached in the best run
    sizes: str = ""


class Seconds(NamedTuple):
    """Seconds that one thing took, run by run."""

    runs: tuple[float, ...]

    @property
    def best(self) -> float:
        """The least: what the machine needs when nothing else disturbs it."""
        return min(self.runs)

    @property
    def median(self) -> float:
        """What disturbance added shows in its distance from the least."""
        return statistics.median(self.runs)


# Processor time, of all threads together, hardly feels what else a machine is busy with: compare it at one thread.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def time_runs(function: Callable[[], Any], runs: int, warmup: int = 1, clock: str = "wall") -> Seconds:
    """Calls `function` warmup + runs times and keeps the last `runs`; `clock` is one of CLOCKS."""
    now, seconds = CLOCKS[clock], []
    for _ in range(warmup + runs):
        begin = now()
        function()
        seconds.append(now() - begin)
    return Seconds(tuple(seconds[warmup:]))


def milliseconds(suite: str, name: str, seconds: Seconds, per: int = 1, sizes: str = "", work=0.0, rate=0.0) -> Row:
    """A row of times, each divided by `per` (shapes); `work` operations per run against `rate` operations a second."""
    fraction = work / seconds.best / rate if rate else 0.0
    scale = 1e3 / per
    return Row(suite, name, seconds.best * scale, seconds.median * scale, "ms", work / per / 1e9, fraction, sizes)


def matmul_rate(runs: int, clock: str = "wall", size: int = 1024) -> float:
    """Operations a second of TensorFlow's float32 matrix product, all cores, best of the runs."""
    import tensorflow as tf

    a = tf.constant(np.random.default_rng(0).normal(size=(size, size)), tf.float32)
    return 2 * size**3 / time_runs(lambda: tf.linalg.matmul(a, a).numpy(), max(runs, 3) * 3, clock=clock).best


def peak_rss_mb() -> float:
    """The most memory this process has held so far, in 2^20 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def added_memory_mb(function: Callable[[], Any]) -> float:
    """The most memory that a call adds to what this process holds, its result included, in 2^20 bytes."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts again from what is held now
    before = _status_mb("VmRSS")
    result = function()
    peak = _status_mb("VmHWM")
    del result
    return peak - before


def _status_mb(name: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{name}:")) / 1024
