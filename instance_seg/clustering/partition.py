"""Partitions of points: ids per point, what they add up to, and the proposals they are. NumPy only."""

from typing import NamedTuple

import numpy as np

from instance_seg.structures import Proposals


class Instances(NamedTuple):
    """The instances of one shape on one side, prediction or ground truth."""

    ids: np.ndarray  # [I] the ids that occur, ascending
    index: np.ndarray  # [N] intp, position of each point's id in `ids`
    size: np.ndarray  # [I] int64, number of points
    label: np.ndarray  # [I] int64, most frequent class of the points; the smaller class wins a tie


def compact_ids(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct ids [I], ascending, and each point's position among them [N] (as np.unique, without its sort)."""
    if len(ids) == 0:
        return ids, np.zeros(0, np.intp)
    lowest = int(ids.min())
    span = int(ids.max()) - lowest + 1
    if span > 4 * len(ids) + 1024:  # far-apart ids: a table over the whole range would be larger than the sort is slow
        return np.unique(ids, return_inverse=True)
    shifted = ids.astype(np.intp) - lowest
    occurs = np.bincount(shifted, minlength=span) > 0
    position = np.cumsum(occurs) - 1
    return (np.flatnonzero(occurs) + lowest).astype(ids.dtype), position[shifted]


def find_instances(ids: np.ndarray, labels: np.ndarray, num_classes: int) -> Instances:
    """Sizes and majority classes of the instances.

    Args:
      ids: [N] integer instance ids, any values.
      labels: [N] integer classes in [0, num_classes).
    """
    distinct, index = compact_ids(ids)
    votes = contingency(index, labels, len(distinct), num_classes)
    return Instances(distinct, index, votes.sum(axis=1), votes.argmax(axis=1))


def contingency(rows: np.ndarray, columns: np.ndarray, num_rows: int, num_columns: int) -> np.ndarray:
    """How often each pair occurs: [num_rows, num_columns] int64 from two [N] index arrays."""
    flat = rows.astype(np.intp) * num_columns + columns
    return np.bincount(flat, minlength=num_rows * num_columns).reshape(num_rows, num_columns)


def as_proposals(ids: np.ndarray, semantic: np.ndarray, certainty: np.ndarray, num_classes: int) -> Proposals:
    """The instances of a partition, by ascending id, each with its majority class and the mean certainty plus one.

    Args:
      ids: [N] integer instance ids; points of a negative one are in none.
      semantic: [N] integer classes in [0, num_classes).
      certainty: [N] float32.
    """
    points = np.flatnonzero(ids >= 0)
    instances = find_instances(ids[points], semantic[points], num_classes)
    order = np.argsort(instances.index, kind="stable")
    row_splits = np.concatenate([[0], np.cumsum(instances.size)])
    return Proposals(
        points[order], row_splits, instances.label, mean_score(instances.index, certainty[points], instances.size)
    )


def mean_score(index: np.ndarray, certainty: np.ndarray, size: np.ndarray) -> np.ndarray:
    """[P] float32, 1 + the mean certainty of the entries of each proposal.

    With the negative entropy (nats) as certainty that is the authors' confidence: one minus the mean entropy, which may
    be negative.

    Args:
      index: [T] the proposal of each entry.
      certainty: [T] float32.
      size: [P] entries of each proposal.
    """
    total = np.bincount(index, weights=certainty, minlength=len(size))
    return (1.0 + np.divide(total, size, out=np.zeros(len(size)), where=size > 0)).astype(np.float32)
