"""The suite of growth: time and memory per octant from 10,000 to a million points.

    python -m instance_seg.benchmark.growth POINTS DEPTH RUNS CLOCK THREADS

times one case in a process of its own, whose memory no other case has touched, and prints a line of JSON.
"""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ocnn
from instance_seg.benchmark.suites import Settings
from instance_seg.benchmark.timing import Row, added_memory_mb, time_runs

CASES = ((10_000, 6), (40_000, 7), (160_000, 8), (1_000_000, 9))  # points, depth
CHANNELS = 32


def scale(settings: Settings) -> list[Row]:
    """Octree, neighbors and one convolution of a growing shape: per octant, and relative to the smallest case."""
    rows, smallest = [], None
    for num_points, depth in CASES:
        case = _run_alone(num_points, depth, settings)
        smallest = smallest or case
        rows += _rows(case, smallest, f"{num_points} points, depth {depth}, {case['octants']} octants")
    return rows


def _run_alone(num_points: int, depth: int, settings: Settings) -> dict:
    arguments = map(str, (num_points, depth, settings.runs, settings.clock, settings.threads))
    command = [sys.executable, "-m", "instance_seg.benchmark.growth", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _rows(case: dict, smallest: dict, sizes: str) -> list[Row]:
    def row(name, value, median, unit):
        return Row("scale", name, value, median, unit, sizes=sizes)

    rows = [row(f"{name}_ns_per_octant", *case[name], "ns") for name in ("octree", "conv")]
    total, first = ([sum(x) for x in zip(c["octree"], c["conv"])] for c in (case, smallest))
    rows.append(row("relative_time_per_octant", *(a / b for a, b in zip(total, first)), "of the smallest"))
    bytes_per_octant = case["memory_mb"] * 2**20 / case["octants"]
    return [
        *rows,
        row("memory_mb", case["memory_mb"], case["memory_mb"], "MB"),
        row("memory_bytes_per_octant", bytes_per_octant, bytes_per_octant, "B"),
    ]


def surface(num_points: int) -> np.ndarray:
    """Points of a torus, uniform in its two angles, in random order: [N, 3] float32."""
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, num_points))
    ring = 0.6 + 0.25 * np.cos(v)
    return np.stack([ring * np.cos(u), ring * np.sin(u), 0.25 * np.sin(v)], axis=1).astype(np.float32)


def measure(num_points: int, depth: int, runs: int, clock: str) -> dict:
    """One case: time per octant of octree and neighbors and of a convolution, what one pass of both adds to memory.

    Nanoseconds, least and median; those of the octree are per octant of all depths, of the convolution of the finest.
    """
    xyz, row_splits = tf.constant(surface(num_points)), tf.constant([0, num_points])
    weights = tf.random.stateless_normal([27, CHANNELS, CHANNELS], [0, 1])
    build = tf.function(lambda xyz, row_splits: ocnn.octree_build(xyz, None, row_splits, depth))
    _pass(build, tf.constant(surface(100)), tf.constant([0, 100]), weights, depth)  # traces, loads, starts threads
    memory = added_memory_mb(lambda: _pass(build, xyz, row_splits, weights, depth))
    tree = build(xyz, row_splits)
    octants, finest = sum(int(keys.shape[0]) for keys in tree.keys), int(tree.keys[depth].shape[0])
    x = tf.random.stateless_normal([finest, CHANNELS], [0, 0])
    built = time_runs(partial(build, xyz, row_splits), runs, clock=clock)
    convolved = time_runs(lambda: ocnn.octree_conv(x, weights, tree.neighbors[depth]), runs, clock=clock)
    return {
        "octants": octants,
        "octree": [s / octants * 1e9 for s in (built.best, built.median)],
        "conv": [s / finest * 1e9 for s in (convolved.best, convolved.median)],
        "memory_mb": memory,
    }


def _pass(build, xyz, row_splits, weights, depth):
    tree = build(xyz, row_splits)
    x = tf.zeros([tree.keys[depth].shape[0], CHANNELS])
    return tree, x, ocnn.octree_conv(x, weights, tree.neighbors[depth])


def main(num_points: str, depth: str, runs: str, clock: str, threads: str) -> None:
    """Prints a case as a line of JSON."""
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    print(json.dumps(measure(int(num_points), int(depth), int(runs), clock)))


if __name__ == "__main__":
    main(*sys.argv[1:])
