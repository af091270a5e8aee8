"""From a system and a split to the measures of every level, for every reading of the outputs."""

import contextlib
import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from instance_seg.evaluation.gallery import Gallery
from instance_seg.evaluation.predictor import Predictor
from instance_seg.evaluation.results import PER_CLASS
from instance_seg.metrics import METRICS
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.diagnosis import Diagnosis
from instance_seg.metrics.matching import Hits
from instance_seg.options import Settings
from instance_seg.registry import load_place
from instance_seg.structures import Labels, Level, Points, Segmented, Task

UNLIKE = "unlike"  # percent of the clouds that a reading finds unlike those of the training


class Drawable(NamedTuple):
    """One cloud at one level, segmented in one way, and how it was judged."""

    title: str  # the reading
    segmented: Segmented
    hits: Hits | None


class Sample(NamedTuple):
    """One cloud with everything there is to draw of it."""

    xyz: np.ndarray  # [N, 3] float32
    normals: np.ndarray | None  # [N, 3] float32
    levels: dict[str, tuple[Labels, list[Drawable]]]  # name of the level -> truth, and a column for each reading


class Evaluation(NamedTuple):
    """Measures, and where the time went."""

    readings: dict[str, dict[str, Any]]  # name -> {"settings", "levels", "misses"}, as build_results takes them
    seconds: dict[str, float]  # predict, cluster, metrics
    samples: list[Sample]  # the first clouds, for pictures
    num_clouds: int  # that were evaluated
    metrics: dict[str, dict[str, list[Any]]]  # name of the reading -> name of the level -> the metrics themselves


# Points, labels and what was found in the clouds of a batch -> those of the clouds that are whole now, concluded.
Assembler = Callable[
    [Points, Sequence[Labels], Sequence[tuple[Segmented, ...]]],
    tuple[Points, Sequence[Labels], Sequence[tuple[Segmented, ...]]],
]


class Stopwatch:
    """Adds up the seconds spent under each name."""

    def __init__(self):
        self.seconds = defaultdict(float)

    @contextlib.contextmanager
    def time(self, name: str):
        """Counts the block towards `name`."""
        begin = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begin


def make_metrics(names: Iterable[str], level: Level, config: MetricConfig) -> list[Any]:
    """One metric for each name (metrics.METRICS, or MODULE:CLASS); ValueError naming the known ones."""
    return [load_place(METRICS, "metrics", name)(level, config) for name in names]


def make_assembler(
    system: Any, reading: Settings, assemble: Callable[[Settings, Callable], Assembler | None]
) -> Assembler:
    """What makes wholes of portions, batch by batch, and lets the system conclude on them.

    Args:
        assemble: called as assemble(reading, conclude); None: every cloud is whole.
    """
    conclude = functools.partial(system.conclude, reading=reading)

    def all_whole(points, labels, found):
        return points, labels, [conclude(levels) for levels in found]

    return assemble(reading, conclude) or all_whole


def evaluate(
    predictor: Predictor,
    batches: tf.data.Dataset,
    readings: Mapping[str, Settings],
    metrics: Sequence[str],
    config: MetricConfig,
    writer: Any = None,
    num_samples: int = 0,
    assemble: Callable[[Settings, Callable], Assembler | None] = lambda reading, conclude: None,
    gallery: Gallery | None = None,
) -> Evaluation:
    """Predicts, reads and measures all clouds, one batch after the other.

    Args:
        predictor: of the system.
        batches: pipeline batches of a split, in its order.
        readings: name -> settings; those that are equal are read once.
        metrics: their names (see make_metrics).
        config: of the metrics.
        writer: gets the levels of every cloud by the first reading: `append(tuple of Segmented)`. None: nobody does.
        num_samples: how many of the first clouds are kept for pictures.
        assemble: see make_assembler.
        gallery: is shown every cloud with labels.
    """
    task, watch = predictor.system.task, Stopwatch()
    measured = {reading: Measured(task, metrics, config) for reading in readings.values()}
    assemblers = {reading: make_assembler(predictor.system, reading, assemble) for reading in measured}
    samples: list[Sample] = []
    num_clouds = 0
    with tqdm(batches, desc="evaluating", unit="batch", leave=False, dynamic_ncols=True) as progress:
        for batch in progress:
            predictor.prepare(batch)
            with watch.time("predict"):
                readout = predictor(batch)
            portions, their_labels = tf.nest.map_structure(lambda x: x.numpy(), (batch.points, batch.labels))
            segmented, hits = {}, {}
            for reading, found in measured.items():
                with watch.time("cluster"):
                    levels = predictor.system.segment(readout, portions, reading)
                    points, labels, segmented[reading] = assemblers[reading](portions, their_labels, levels)
                with watch.time("metrics"):
                    hits[reading] = found.add(points, labels, segmented[reading])
            num_clouds += len(points.row_splits) - 1
            if writer is not None:
                for levels in segmented[next(iter(readings.values()))]:
                    writer.append(levels)
            for b in range(len(points.row_splits) - 1) if labels else ():
                if gallery or len(samples) < num_samples:
                    sample = _sample(task, points, labels, b, readings, segmented, hits)
                    samples += [sample] * (len(samples) < num_samples)
                    if gallery:
                        gallery.add(sample)
    with watch.time("metrics"):
        results = {reading: found.results() for reading, found in measured.items()}
    return Evaluation(
        {
            name: {
                "settings": reading.recorded(),
                "levels": results[reading],
                "misses": measured[reading].misses(),
            }
            for name, reading in readings.items()
        },
        {name: watch.seconds[name] for name in ("predict", "cluster", "metrics")},
        samples,
        num_clouds,
        {name: measured[reading].metrics for name, reading in readings.items()},
    )


class Measured:
    """The metrics of one reading at every level that is scored.

    Raises ValueError if a metric is unknown, or two call a measure the same.
    """

    def __init__(self, task: Task, names: Sequence[str], config: MetricConfig):
        self.task = task
        self.metrics = {task.levels[k].name: make_metrics(names, task.levels[k], config) for k in task.scored}
        self._diagnoses = {task.levels[k].name: Diagnosis(task.levels[k]) for k in task.scored}
        self._unlike: dict[str, list[bool]] = {level: [] for level in self.metrics}
        self.results()

    def add(self, points: Points, labels: Sequence[Labels], clouds: Sequence[Sequence[Segmented]]) -> list[list]:
        """Measures the clouds of a batch: what the first metric says of each, at each scored level.

        Nothing is measured, and None said, where there are no labels.
        """
        if not labels:
            return [[None] * len(self.task.scored) for _ in clouds]
        found = []
        for levels, begin, end in zip(clouds, points.row_splits[:-1], points.row_splits[1:], strict=True):
            found.append([])
            for k in self.task.scored:
                truth = Labels(*(array[begin:end] for array in labels[k]))
                name = self.task.levels[k].name
                hits = [metric.add(truth, levels[k]) for metric in self.metrics[name]]
                self._unlike[name] += [] if levels[k].is_unlike is None else [levels[k].is_unlike]
                found[-1].append(next((each for each in hits if isinstance(each, Hits)), None))
                self._diagnoses[name].add(truth, levels[k], found[-1][-1])
        return found

    def misses(self) -> dict[str, dict[str, dict[str, float]]]:
        """Why instances were missed, by level and class (metrics/diagnosis.py)."""
        return {level: diagnosis.result() for level, diagnosis in self._diagnoses.items()}

    def results(self) -> dict[str, dict[str, Any]]:
        """The measures of all metrics by level, and as UNLIKE the percentage of such clouds, if the reading tells."""
        merged = {}
        for level, metrics in self.metrics.items():
            together: dict[str, Any] = {PER_CLASS: {}}
            for metric in metrics:
                result = metric.result()
                for name, measures in result.pop(PER_CLASS, {}).items():
                    together[PER_CLASS].setdefault(name, {}).update(measures)
                if twice := set(result) & set(together):
                    raise ValueError(f"--metrics: two of them have a measure {min(twice)}")
                together |= result
            if self._unlike[level]:
                together[UNLIKE] = 100 * float(np.mean(self._unlike[level]))
            merged[level] = {name: together[name] for name in (*(n for n in together if n != PER_CLASS), PER_CLASS)}
        return merged


def _sample(task, points, labels, b, readings, segmented, hits) -> Sample:
    rows = slice(points.row_splits[b], points.row_splits[b + 1])
    levels = {}
    for position, k in enumerate(task.scored):
        truth = Labels(*(array[rows] for array in labels[k]))
        columns = [
            Drawable(name, segmented[reading][b][k], hits[reading][b][position]) for name, reading in readings.items()
        ]
        levels[task.levels[k].name] = truth, columns
    normals = points.features[rows, :3] if task.directions else None
    return Sample(points.xyz[rows], normals, levels)
