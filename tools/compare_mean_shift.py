"""Compares our mean-shift with scikit-learn's: the same partitions? how much faster?

    python tools/compare_mean_shift.py --inputs=1000 --max_points=10000

Every input is a random shape at one level: 1 to max_points points (log-uniform) of 1 to 6 classes around 1 to 24
instance centers, tight, medium or diffuse. Both sides cluster each class on its own. scikit-learn gets one thread, with
which it is fastest here. Differing inputs are listed with their seed.
"""

import time

import numpy as np
from absl import app, flags
from tabulate import tabulate
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from ocnn_tf_ops.python.mean_shift import mean_shift

FLAGS = flags.FLAGS
flags.DEFINE_integer("inputs", 1000, "Random shapes, of all kinds together.", lower_bound=1)
flags.DEFINE_integer("max_points", 10_000, "Points of the largest.", lower_bound=1)

SPREADS = {"tight": 0.02, "medium": 0.05, "diffuse": 0.12}  # standard deviation of a point around its center
BANDWIDTH = 0.1
SIDES = ("scikit-learn", "ours, 1 thread", "ours, all cores")


def random_level(seed: int, spread: float, max_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 3] float32, class after class, and the row splits of the classes."""
    rng = np.random.default_rng(seed)
    num_points = int(np.exp(rng.uniform(0, np.log(max_points + 1))))
    centers = rng.uniform(-0.8, 0.8, (rng.integers(1, 25), 3))
    instance = rng.integers(len(centers), size=num_points)
    classes = np.sort(rng.integers(rng.integers(1, 7), size=len(centers))[instance])
    points = centers[instance] + rng.normal(0, spread, (num_points, 3))
    return points.astype(np.float32), np.append(np.unique(classes, return_index=True)[1], num_points)


def cluster_by(side: str, points: np.ndarray, row_splits: np.ndarray) -> tuple[np.ndarray, float]:
    """Labels and seconds."""
    start = time.perf_counter()
    if side == "scikit-learn":
        with threadpool_limits(1):
            labels = cluster_regions(points, row_splits, BANDWIDTH, "sklearn")
    else:
        labels = mean_shift(points, row_splits, BANDWIDTH, num_threads=int(side == "ours, 1 thread")).labels
    return labels, time.perf_counter() - start


def compare(kind: str, seeds: range, max_points: int) -> list:
    """One row of the table."""
    seconds, same, num_points = dict.fromkeys(SIDES, 0.0), 0, 0
    for seed in tqdm(seeds, desc=kind):
        points, row_splits = random_level(seed, SPREADS[kind], max_points)
        labels = {}
        for side in SIDES:
            labels[side], elapsed = cluster_by(side, points, row_splits)
            seconds[side] += elapsed
        theirs, *ours = labels.values()
        same += all(np.array_equal(theirs, x) for x in ours)
        if not all(np.array_equal(theirs, x) for x in ours):
            tqdm.write(f"{kind}, seed {seed}: {np.mean(theirs != ours[0]):.2%} of {len(points)} labels differ")
        num_points += len(points)
    ratios = [seconds[SIDES[0]] / seconds[side] for side in SIDES[1:]]
    return [kind, len(seeds), num_points, same, *seconds.values(), *ratios]


@ending_at_signals("stopped; nothing was compared to its end")
def main(argv: list[str]) -> None:
    """Prints the table of the comparison."""
    refuse_arguments(argv)
    bounds = np.linspace(0, FLAGS.inputs, len(SPREADS) + 1).astype(int)
    rows = [compare(k, range(a, b), FLAGS.max_points) for k, a, b in zip(SPREADS, bounds[:-1], bounds[1:])]
    headers = ["clusters", "inputs", "points", "same labels", *(f"{s} [s]" for s in SIDES), "ratio, 1 thread", "ratio"]
    print(tabulate(rows, headers, floatfmt=".4g"))


if __name__ == "__main__":
    app.run(main)
