"""PartNet's labelled shapes: the folder ins_seg_h5 (points, leaf labels, and the part tree beside them as JSON)."""

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """One entry of "ins_seg": a node of the part tree, at any depth."""

    part_name: str  # full path, "chair/chair_back/..."
    leaf_ids: tuple[int, ...]  # leaf labels of the points that belong to it


class LabeledShape(NamedTuple):
    """One shape as PartNet stores it."""

    points: np.ndarray  # [N, 3] float32, centred at the bounding box, largest norm 1
    normals: np.ndarray  # [N, 3] float32, unit length
    leaf_label: np.ndarray  # [N] int32
    parts: tuple[Part, ...]
    model_id: str
    anno_id: str
