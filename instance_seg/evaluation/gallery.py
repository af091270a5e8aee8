"""Which clouds of an evaluation are worth a look: the best, one in the middle, the worst."""

import numpy as np

from instance_seg.drawing.panels import ERRORS, point_errors
from instance_seg.structures import Task
from instance_seg.viewer.page import Shape

_CANDIDATES = 16  # for the middle


class Gallery:
    """Keeps the cloud that is segmented best, the worst, and some evenly spread ones of which one is in the middle.

    However many clouds there are, no more than 18 stay in memory.

    Args:
        task: of the evaluation.
    """

    def __init__(self, task: Task):
        self._levels = [task.levels[k] for k in task.scored]
        self._scores: list[float] = []  # NaN where nothing is known
        self._samples = {}  # by position among the scores
        self._stride = 1

    def add(self, sample) -> None:
        """The next cloud, an evaluate.Sample; its first reading counts."""
        self._samples[len(self._scores)] = sample
        self._scores.append(self._score(sample))
        while len(self._scores) > _CANDIDATES * self._stride:
            self._stride *= 2
        extremes = () if np.isnan(self._scores).all() else (np.nanargmax(self._scores), np.nanargmin(self._scores))
        self._samples = {i: s for i, s in self._samples.items() if i % self._stride == 0 or i in extremes}

    def shapes(self) -> list[Shape]:
        """For the viewer: best, middle and worst; fewer if there were no more, none without ground truth."""
        judged = [i for i in self._samples if not np.isnan(self._scores[i])]
        if not judged:
            return []
        best, worst = max(judged, key=self._scores.__getitem__), min(judged, key=self._scores.__getitem__)
        between = [i for i in judged if i not in (best, worst)]
        middle = np.nanmedian(self._scores)
        named = {best: "best"} | ({worst: "worst"} if worst != best else {})
        if between:
            named = {best: "best", min(between, key=lambda i: abs(self._scores[i] - middle)): "middle", worst: "worst"}
        return [
            Shape(f"{name}: number {i + 1}, {self._scores[i]:.0%} right", *self._samples[i])
            for i, name in named.items()
        ]

    def _score(self, sample) -> float:
        """The share of right points among those with ground truth, averaged over the levels."""
        shares = []
        for level in self._levels:
            truth, (first, *_) = sample.levels[level.name]
            errors = point_errors(truth, first.segmented, level.first_scored)
            judged = errors[errors != ERRORS.index("without ground truth")]
            shares.append(np.mean(judged == ERRORS.index("right")) if len(judged) else np.nan)
        return float(np.nan if np.isnan(shares).all() else np.nanmean(shares))
