"""Instances from soft masks, as PartNet's detection by segmentation reads them. NumPy only."""

import numpy as np

from instance_seg.structures import Proposals


def masks_as_proposals(
    logits: np.ndarray, masks: np.ndarray, confidence: np.ndarray, threshold: float = 0.5, min_points: int = 10
) -> Proposals:
    """The masks that are instances, in their order.

    A mask is of the class whose logits, not probabilities, have the largest sum over its points, weighted by the mask.

    Args:
        logits: [N, S] float32, class 0 = "other".
        masks: [N, K] float32, probabilities.
        confidence: [K] float32.
        threshold: a point with more belongs to the mask; less than that counts as 0.
        min_points: masks of at most so many points, and those of class 0, are none.
    """
    hard = masks > threshold
    label = (np.where(masks < threshold, 0, masks).T @ logits).argmax(axis=1)
    kept = np.flatnonzero((hard.sum(axis=0) > min_points) & (label > 0))
    of_entry, points = np.nonzero(hard[:, kept].T)
    splits = np.append(0, np.cumsum(np.bincount(of_entry, minlength=len(kept)))).astype(int)
    return Proposals(points, splits, label[kept], confidence[kept])
