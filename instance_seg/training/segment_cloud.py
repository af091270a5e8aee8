"""A point cloud of one's own through the network of a checkpoint."""

import dataclasses

import numpy as np

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import segment_levels
from instance_seg.config import Config, make_config
from instance_seg.data.partnet.dataset import PartNetDataset, prepare_stored
from instance_seg.data.partnet.stored_shape import StoredLevel, StoredShape
from instance_seg.data.partnet.taxonomy import Taxonomy, load_taxonomy
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.training.checkpoint_files import DESCRIPTION, read_description
from instance_seg.training.experiment import octree_config, restore_network
from instance_seg.training.segment import Predictor


def segment_cloud(points: np.ndarray, normals: np.ndarray, checkpoint: str, cluster: ClusterConfig):
    """Segments one cloud.

    Args:
        points: [N, 3], any position and scale, y up; float64 keeps the digits of coordinates far from 0.
        normals: [N, 3] float32, y up.
        checkpoint: run folder or checkpoint prefix.

    Returns:
        the taxonomy, and for every level the network has: level index -> (semantic [N] int32, instance [N] int32).
    """
    config, taxonomy = described_run(checkpoint)
    network = restore_network(config, taxonomy, checkpoint)
    nothing = StoredLevel(np.zeros(len(points), np.int32), np.full(len(points), -1, np.int32))
    shape = prepare_stored(StoredShape(points, normals, (nothing,) * len(taxonomy.levels), "", ""), taxonomy)
    batches = evaluation_dataset(PartNetDataset(taxonomy.category, "test", (shape,)), 1, octree_config(config))
    levels = Predictor(network, batches.element_spec)(next(iter(batches)))[0]
    chosen = [levels[k].points for k in taxonomy.real_levels]
    instances = segment_levels(chosen, cluster)
    return taxonomy, {k: (p.semantic, ids) for k, p, ids in zip(taxonomy.real_levels, chosen, instances)}


def described_run(checkpoint: str) -> tuple[Config, Taxonomy]:
    """Settings and taxonomy of the network a checkpoint belongs to; ValueError naming it if they are none."""
    description = read_description(checkpoint)
    level = description.get("level", 0)
    try:
        taxonomy, config = load_taxonomy(description["category"]), make_config(description["network"])
    except ValueError as error:
        raise ValueError(f"{checkpoint}: its {DESCRIPTION} describes no network: {error}") from error
    data = dataclasses.replace(config.data, category=taxonomy.category, level=level)
    return dataclasses.replace(config, data=data), taxonomy.only(level - 1) if level else taxonomy
