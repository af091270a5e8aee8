"""Why instances are missed: by class, what became of each true instance and of its points. NumPy only.

A true instance is found if a proposal of its class that counts has an IoU above 0.5 with it. One that is missed has the
first of these causes that holds:

    wrong class    at most half of its points have its class, or a proposal of another class has such an IoU
    no proposal    no proposal has a point of it
    split          no proposal has more than half of its points
    too small      the proposal with the most of its points does not count: it has too few points for the metric
    merged         that proposal has too many points of others
"""

from typing import Any

import numpy as np

from instance_seg.clustering.partition import contingency, find_instances
from instance_seg.metrics.matching import Hits, intersection_over_union
from instance_seg.structures import Labels, Level, Segmented

OUTCOMES = ("found", "wrong class", "no proposal", "split", "too small", "merged")
LOST = ("lost: wrong class", "lost: no proposal", "lost: small proposal")  # points, percent
SPREAD = "spread"
_IOU = 0.5


class Diagnosis:
    """Counts for one level, cloud by cloud. Points count that have an instance of a class that is scored."""

    def __init__(self, level: Level):
        self.level = level
        num_classes = len(level.classes)
        self._outcomes = np.zeros((num_classes, len(OUTCOMES)), np.int64)
        self._points = np.zeros((num_classes, 1 + len(LOST)), np.int64)  # all, then those that are lost
        self._spread = np.zeros((num_classes, 2))  # sum, and of how many points

    def add(self, truth: Labels, segmented: Segmented, hits: Hits | None) -> None:
        """Adds a cloud. `hits` of a metric says which proposals count; None: all."""
        semantic, proposals = np.asarray(truth.semantic), segmented.proposals
        scored = semantic >= max(self.level.first_scored, 0)
        rows = np.flatnonzero(scored & (truth.instance >= 0) & np.isin(semantic, self.level.things))
        if len(rows) == 0:
            return
        num_proposals, num_classes = len(proposals.label), len(self.level.classes)
        counted = np.zeros(num_proposals + 1, bool)  # the last one stands for none
        counted[np.arange(num_proposals) if hits is None else hits.proposal] = True
        true = find_instances(truth.instance[rows], semantic[rows], num_classes)
        of_point = np.full(len(semantic), -1)
        of_point[rows] = true.index

        entry, point = proposals.of_entry, proposals.points
        size = np.bincount(entry[scored[point]], minlength=num_proposals)
        inside = of_point[point] >= 0
        overlap = contingency(entry[inside], of_point[point[inside]], num_proposals, len(true.ids))
        hit = (intersection_over_union(overlap, size, true.size) > _IOU) & counted[:-1, None]
        right = segmented.semantic[rows] == true.label[true.index]
        self._count_outcomes(true, overlap, hit, proposals.label[:, None] == true.label, counted, right)

        proposed, in_counted = np.zeros((2, len(semantic)), bool)
        proposed[point] = True
        in_counted[point[counted[entry]]] = True
        lost = (~right, ~proposed[rows], proposed[rows] & ~in_counted[rows])
        for column, which in enumerate((np.ones(len(rows), bool), *lost)):
            self._points[:, column] += np.bincount(semantic[rows[which]], minlength=num_classes)
        if segmented.shifted is not None:
            self._add_spread(segmented.shifted[rows[right]], true.index[right], true.label, len(true.ids))

    def _count_outcomes(self, true, overlap, hit, same_class, counted, right):
        most = overlap.max(axis=0, initial=0)
        by = overlap.argmax(axis=0) if len(overlap) else np.full(len(true.ids), -1)
        of_class = np.bincount(true.index[right], minlength=len(true.ids))
        mislabeled = (2 * of_class <= true.size) | (hit & ~same_class).any(axis=0)
        holds = [(hit & same_class).any(axis=0), mislabeled, most == 0, 2 * most <= true.size, ~counted[by]]
        outcome = np.select(holds, np.arange(len(holds)), len(holds))
        self._outcomes += contingency(true.label, outcome, *self._outcomes.shape)

    def _add_spread(self, shifted, index, label, count):
        number = np.bincount(index, minlength=count)
        sums = np.stack([np.bincount(index, axis, count) for axis in shifted.T], axis=1)
        mean = sums / np.maximum(number, 1)[:, None]
        distance = np.bincount(index, np.linalg.norm(shifted - mean[index], axis=1), count)
        for column, values in enumerate((distance, number)):
            self._spread[:, column] += np.bincount(label, values, len(self._spread))

    def result(self) -> dict[str, dict[str, Any]]:
        """The classes with true instances: {class: {outcome: instances, lost points: percent, "spread": length}}.

        The spread is the mean distance of shifted points of the right class from the mean of their instance: what a
        bandwidth has to bridge. NaN without shifted points.
        """
        found = {}
        for s in np.flatnonzero(self._outcomes.sum(axis=1)):
            (points, *lost), (total, number) = self._points[s], self._spread[s]
            found[self.level.classes[s]] = {
                **dict(zip(OUTCOMES, self._outcomes[s].tolist())),
                **{name: 100.0 * each / points for name, each in zip(LOST, lost)},
                SPREAD: total / number if number else np.nan,
            }
        return found
