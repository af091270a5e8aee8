"""Suites of what follows prediction: clustering, against scikit-learn as well, and measuring shapes and scans."""

from functools import partial

import numpy as np

from instance_seg.benchmark.rooms import NUM_CLASSES as ROOM_CLASSES
from instance_seg.benchmark.rooms import read_room
from instance_seg.benchmark.suites import Settings
from instance_seg.benchmark.timing import Row, milliseconds
from instance_seg.benchmark.workload import NUM_CLASSES, make_split
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import ShiftedLevel, segment_levels
from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.partition import as_proposals
from instance_seg.clustering.shift import shift_points
from instance_seg.data.augment import STILL
from instance_seg.data.targets import CenterTargets
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.partnet import PartNetAP
from instance_seg.metrics.scannet import ScanNetAP, find_truth
from instance_seg.structures import Cloud, Labels, Level, Proposals, Segmented, Task

SPREADS = {"tight": 0.02, "medium": 0.05, "diffuse": 0.12}  # standard deviation of the shifted points
BANDWIDTH = ClusterConfig().bandwidth
SCANS = 20, 312  # the second number is that of ScanNet's validation split


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
    split = make_split(settings.shapes)
    predictions = [_predict(cloud, split.task, np.random.default_rng(i)) for i, cloud in enumerate(split.clouds)]
    clustered = settings.time(lambda: _cluster(predictions))
    found = iter(_cluster(predictions))
    certainty = np.zeros(settings.shapes.points.shape[1], np.float32)
    segmented = [
        [
            Segmented(semantic, as_proposals(next(found), semantic, certainty, classes), certainty)
            for (_, semantic, *_), classes in zip(prediction, NUM_CLASSES)
        ]
        for prediction in predictions
    ]

    def measure():
        for k, level in enumerate(split.task.levels):
            metric = PartNetAP(level, MetricConfig())
            for cloud, each in zip(split.clouds, segmented):
                metric.add(cloud.labels[k], each[k])
            metric.result()

    measured = settings.time(measure)
    count, sizes = len(split), f"{settings.shapes.points.shape[1]} points, 3 levels"
    total = (clustered.best + measured.best) / count * 1000
    return [
        milliseconds("metrics", "cluster_ms_per_shape", clustered, count, sizes),
        milliseconds("metrics", "metrics_ms_per_shape", measured, count, sizes),
        Row("metrics", "seconds_per_1000_shapes", total, total, "s", sizes=sizes),
    ]


def scannet_ap(settings: Settings) -> list[Row]:
    """ScanNet's average precision of scans like the given one; predictions are its instances with errors."""
    (xyz, _, _), semantic, instance = read_room(settings.room)
    level = Level(1, "scene", tuple(map(str, range(ROOM_CLASSES))), things=tuple(range(2, ROOM_CLASSES)))
    truth, distinct = Labels(semantic, instance), min(SCANS)
    scans = [_proposals(xyz, semantic, instance, np.random.default_rng(k)) for k in range(distinct)]

    def measure(count: int) -> None:
        metric = ScanNetAP(level)
        for k in range(count):
            metric.add_proposals(find_truth(truth, level), scans[k % distinct])
        metric.average_precisions()

    sizes = f"{len(semantic)} points a scan, {len(scans[0].label)} predictions, {settings.clock} time"
    return [
        milliseconds("scannet_ap", f"ap_of_{count}_scans_ms", settings.time(partial(measure, count)), 1, sizes)
        for count in SCANS
    ]


def _proposals(xyz: np.ndarray, semantic: np.ndarray, instance: np.ndarray, rng: np.random.Generator) -> Proposals:
    """Two for each instance: a part of its points, and some of the points around its middle."""
    ids, members = np.unique(instance[instance >= 0]).repeat(2), []
    for i in ids:
        own = instance == i
        near = np.sum((xyz - xyz[own].mean(axis=0)) ** 2, axis=1) < rng.uniform(0.05, 0.6) ** 2
        kept, added = rng.random((2, len(xyz)))
        members.append(np.flatnonzero(own & (kept < rng.uniform(0.5, 0.95)) | near & (added < 0.3)))
    row_splits = np.concatenate([[0], np.cumsum([len(points) for points in members])])
    label = np.array([semantic[instance == i][0] for i in ids])
    return Proposals(np.concatenate(members), row_splits, label, rng.random(len(members)).astype(np.float32))


def _cluster(predictions: list[list[tuple[np.ndarray, ...]]]) -> list[np.ndarray]:
    config = ClusterConfig()
    levels = [
        ShiftedLevel(shift_points(xyz, *offsets, config), semantic, np.full(classes, config.bandwidth))
        for prediction in predictions
        for (xyz, semantic, *offsets), classes in zip(prediction, NUM_CLASSES)
    ]
    return segment_levels(levels, config)


def _predict(cloud: Cloud, task: Task, rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
    """Points, classes and both offsets of each level: they miss by 0.03, and one point in twenty has a wrong class."""
    targets, levels = CenterTargets(), []
    centers = targets.at(targets.prepare(cloud, task), cloud.labels, STILL)
    for labels, center, classes in zip(cloud.labels, centers, NUM_CLASSES):
        wrong = rng.random(len(cloud.xyz)) < 0.05
        semantic = np.where(wrong, rng.integers(0, classes, len(wrong)), labels.semantic).astype(np.int32)
        noise = rng.normal(0, 0.03, cloud.xyz.shape).astype(np.float32)
        offsets = center.instance - cloud.xyz + noise, center.region - cloud.xyz + noise[::-1]
        levels.append((cloud.xyz, semantic, *offsets))
    return levels
