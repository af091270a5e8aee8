"""Where clustering sees a point: at its instance center, pushed away from its semantic region's center (Eq. 7)."""

import numpy as np

from instance_seg.clustering.config import ClusterConfig


def shift_points(
    xyz: np.ndarray,
    instance_offset: np.ndarray,
    region_offset: np.ndarray,
    config: ClusterConfig,
    push: np.ndarray | None = None,
) -> np.ndarray:
    """Eq. 7: q = p + O_I + lambda * (O_I - O_S) / |O_I - O_S|, in float32.

    O_I - O_S points from the region center to the instance center. Where it has no length there is no push, unless
    config.eq7_guard is off: then q is NaN, as in the released program. `region_push="soft"` is ours, not the paper's:
    the push is O_I - O_S itself, cut to the length lambda, so that a region's only instance is not scattered by the
    noise of a direction without meaning.

    Args:
        xyz: [N, 3] float32.
        instance_offset: [N, 3] float32, O_I: point -> instance center.
        region_offset: [N, 3] float32, O_S: point -> semantic region center.
        push: [N] float, lambda of each point, in place of the one of the settings.

    Returns:
        [N, 3] float32.
    """
    center = np.asarray(xyz, np.float32) + np.asarray(instance_offset, np.float32)
    push = np.full(len(center), config.semantic_center_offset) if push is None else push
    length = np.asarray(push, np.float32)[:, None]
    if not length.any():
        return center
    direction = np.asarray(instance_offset, np.float32) - np.asarray(region_offset, np.float32)
    return np.where(length == 0, center, center + length * _direction_of_push(direction, length, config))


def _direction_of_push(direction: np.ndarray, limit: np.ndarray, config: ClusterConfig) -> np.ndarray:
    """`direction` [N, 3] at unit length, or shorter where it fades; `limit`: lambda [N, 1]."""
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    if config.region_push == "soft":
        limit = np.maximum(length, np.abs(limit))
        return np.divide(direction, limit, out=np.zeros_like(direction), where=limit > 0)
    if config.eq7_guard:
        return np.divide(direction, length, out=np.zeros_like(direction), where=length > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return direction / length
