"""Vases of a few parts at random places, for tests: a category that lacks level 2."""

import numpy as np

from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import load_taxonomy

VASE = load_taxonomy("Vase")  # has levels 1 and 3
PARTS = (Part("pot/body", (1, 2)), Part("pot/body/container", (1,)), Part("pot/body/lid", (2,)))


def make_shape(seed, num_points=40, parts=PARTS):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (num_points, 3)).astype(np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (num_points, 1))
    labels = rng.integers(1, 4, num_points).astype(np.int32)
    return LabeledShape(points, normals, labels, parts, ShapeId(f"model{seed}", str(seed)))
