"""Procedural chairs with made-up predictions, as the viewer takes them."""

import numpy as np

from instance_seg.clustering.partition import as_proposals
from instance_seg.data.partnet.dataset import as_cloud
from instance_seg.data.partnet.partnet import PartNet, PartNetSettings
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.metrics.matching import Hits
from instance_seg.procedural import generate_shape
from instance_seg.structures import Segmented
from instance_seg.viewer.page import Shape, Surface

TASK = PartNet(PartNetSettings("Chair")).task()
READING = "with region centers"


def with_surface(shape):
    """The shape with a small triangle at each of its points, in the instance of the point."""
    corners = shape.xyz[:, None] + np.float32([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
    ids = {name: found[0][1].proposals.instance(len(shape.xyz)) for name, (_, found) in shape.levels.items()}
    return shape._replace(surface=Surface(corners, ids))


def chair(title, num_points=500, with_truth=True, seed=0):
    """A chair whose right half is predicted as it is; the instances of the left half are one, which hits nothing."""
    made = as_cloud(store_shape(generate_shape("Chair", seed, 3, num_points), load_taxonomy("Chair"), "test"))
    levels = {}
    for k, level in enumerate(TASK.levels):
        truth = made.labels[k]
        left = np.where(truth.instance >= 0, truth.instance.max() + 1, -1)
        instance = np.where(made.xyz[:, 0] > 0, truth.instance, left)
        certainty = np.full(num_points, -0.25, np.float32)
        proposals = as_proposals(instance, truth.semantic, certainty, len(level.classes))
        number = np.arange(len(proposals.label))
        hits = Hits(number, number[None] < len(number) - 1, (0.5,)) if with_truth else None
        segmented = Segmented(truth.semantic, proposals, None, made.xyz / 2)
        levels[level.name] = truth if with_truth else None, [(READING, segmented, hits)]
    return Shape(title, made.xyz, made.features, levels)
