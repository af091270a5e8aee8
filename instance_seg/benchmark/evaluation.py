"""Suites of what follows prediction: clustering, against scikit-learn as well, and measuring."""

from functools import partial

import numpy as np

from instance_seg.benchmark.suites import Settings
from instance_seg.benchmark.timing import Row, milliseconds
from instance_seg.benchmark.workload import NUM_CLASSES, make_dataset
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import PredictedLevel, segment_levels
from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.data.partnet.dataset import Shape
from instance_seg.metrics.partnet import measure_shape, summarize_level
from instance_seg.structures import ShapeLevel

SPREADS = {"tight": 0.02, "medium": 0.05, "diffuse": 0.12}  # standard deviation of the shifted points
BANDWIDTH = ClusterConfig().bandwidth


def cluster(settings: Settings) -> list[Row]:
    """Mean-shift of one level of one shape, all points of one class: ours, scikit-learn's, and their ratio."""
    rows = []
    num_points = settings.shapes.points.shape[1]
    for name, spread in SPREADS.items():
        rng = np.random.default_rng(0)
        centers = rng.uniform(-0.8, 0.8, (12, 3))
        points = (centers[rng.integers(12, size=num_points)] + rng.normal(0, spread, (num_points, 3))).astype("f4")
        seconds = {
            backend: settings.time(
                partial(cluster_regions, points, np.array([0, num_points]), BANDWIDTH, backend), warmup=0, runs=runs
            )
            for backend, runs in (("native", settings.runs), ("sklearn", 1))
        }
        sizes = f"{num_points} points, spread {spread}, bandwidth {BANDWIDTH}"
        ratio = seconds["sklearn"].best / seconds["native"].best
        rows += [milliseconds("cluster", f"{name} {backend}", s, 1, sizes) for backend, s in seconds.items()]
        rows.append(Row("cluster", f"{name} sklearn/native", ratio, ratio, "ratio", sizes=sizes))
    return rows


def metrics(settings: Settings) -> list[Row]:
    """Clustering and measuring of whole test shapes at three levels, with predictions a little off the truth."""
    data = make_dataset(settings.shapes)
    predictions = [_predict(shape, np.random.default_rng(i)) for i, shape in enumerate(data.shapes)]
    levels = [level for prediction in predictions for level in prediction]
    clustered = settings.time(lambda: segment_levels(levels, ClusterConfig()))
    ids = iter(segment_levels(levels, ClusterConfig()))
    truth = [
        [ShapeLevel(level.semantic, level.instance, p.semantic, next(ids), np.zeros(len(p.xyz), np.float32))
         for level, p in zip(shape.levels, prediction)]
        for shape, prediction in zip(data.shapes, predictions)
    ]  # fmt: skip

    def measure():
        for k, classes in enumerate(NUM_CLASSES):
            results = [measure_shape(levels[k], classes) for levels in truth]
            summarize_level([r for r in results if r is not None], [str(c) for c in range(classes)])

    measured = settings.time(measure)
    count, sizes = len(data.shapes), f"{settings.shapes.points.shape[1]} points, 3 levels"
    total = (clustered.best + measured.best) / count * 1000
    return [
        milliseconds("metrics", "cluster_ms_per_shape", clustered, count, sizes),
        milliseconds("metrics", "metrics_ms_per_shape", measured, count, sizes),
        Row("metrics", "seconds_per_1000_shapes", total, total, "s", sizes=sizes),
    ]


def _predict(shape: Shape, rng: np.random.Generator) -> list[PredictedLevel]:
    """Offsets that miss by 0.03, and one point in twenty of a wrong class."""
    levels = []
    for level, classes in zip(shape.levels, NUM_CLASSES):
        wrong = rng.random(len(shape.points)) < 0.05
        semantic = np.where(wrong, rng.integers(0, classes, len(wrong)), level.semantic).astype(np.int32)
        instance = level.centers.instance[level.instance + 1] - shape.points
        region = level.centers.region[level.semantic] - shape.points
        noise = rng.normal(0, 0.03, instance.shape).astype(np.float32)
        levels.append(PredictedLevel(shape.points, semantic, instance + noise, region + noise[::-1]))
    return levels
