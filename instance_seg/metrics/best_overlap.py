"""How well each part of a shape is covered by its best proposal, whatever the classes: the class-agnostic protocol.

Newer papers on parts print the mean IoU over the true parts of a shape, each with the proposal that overlaps it most;
several parts may have the same proposal, and surplus proposals cost nothing. Points of no true part are left out.
"""

import numpy as np

from instance_seg.metrics.matching import intersection_over_union
from instance_seg.structures import Proposals


def best_of_proposals(part: np.ndarray, proposals: Proposals, weight: np.ndarray | None = None) -> np.ndarray:
    """The best IoU of each true part, [G] float64; 0 where nothing overlaps it.

    Args:
        part: [N] int, true part of each point in [0, G), all of them in use; -1 = none.
        proposals: may overlap; their classes and scores do not matter.
        weight: [N] of the points, such as the areas of faces; None = 1 each.
    """
    weight = np.ones(len(part)) if weight is None else weight
    num_parts = part.max(initial=-1) + 1
    counted = part[proposals.points] >= 0
    points = proposals.points[counted]
    pair = proposals.of_entry[counted] * num_parts + part[points]
    shape = (len(proposals.label), num_parts)
    overlap = np.bincount(pair, weight[points], minlength=shape[0] * shape[1]).reshape(shape)
    return _best(overlap, np.bincount(part[part >= 0], weight[part >= 0], minlength=num_parts))


def best_of_masks(true_masks: np.ndarray, masks: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """The same for masks [G, N] and [P, N] bool, both of which may overlap."""
    counted = true_masks.any(axis=0)
    weight = np.ones(np.count_nonzero(counted)) if weight is None else weight[counted]
    true_masks, masks = true_masks[:, counted].astype(float), masks[:, counted].astype(float) * weight
    return _best(masks @ true_masks.T, true_masks @ weight, masks.sum(axis=1))


def _best(overlap: np.ndarray, true_size: np.ndarray, size: np.ndarray | None = None) -> np.ndarray:
    size = overlap.sum(axis=1) if size is None else size
    return intersection_over_union(overlap, size, true_size).max(axis=0, initial=0.0)
