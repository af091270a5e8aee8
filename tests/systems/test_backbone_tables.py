"""Tables belong to the backbone: a run builds what its own backbone looks up, and nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.building import build_system, make_data_set
from instance_seg.data.batches import Split
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.presets import load_config
from instance_seg.structures import Cloud

SMALL = {
    "octree_unet": {"depth": 3, "channels": (8, 8), "num_blocks": 1},
    "sparse_unet": {"voxel_edge": 0.1, "sparse_channels": (8, 8), "sparse_blocks": 1},
    "pointnet2": {"pointnet2_points": (16, 8), "pointnet2_samples": 4, "pointnet2_width": 0.1},
    "pointconv": {"pointconv_points": (16, 8, 4, 2), "pointconv_samples": 4, "pointconv_width": 0.1},
}

BUILDERS = {
    "octree_unet": {"Ocnn>OctreeBuild"},
    "sparse_unet": {"Ocnn>SparseVoxels"},
    "pointnet2": set(),
    "pointconv": set(),
}


def ops_of(graph):
    """Types of the operations of a graph and of the functions it calls."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return {node.op for node in nodes}


@pytest.mark.parametrize(("backbone", "builds"), sorted(BUILDERS.items()))
def test_a_run_builds_the_tables_of_its_own_backbone(backbone, builds):
    config = load_config("paper", {"category": "Scissors", "backbone": backbone, "head_width": 8, **SMALL[backbone]})
    task = make_data_set(config).task()
    system = build_system(config, task)
    xyz = np.random.default_rng(0).uniform(-0.5, 0.5, (64, 3)).astype(np.float32)
    clouds = [Cloud(xyz, xyz / np.linalg.norm(xyz, axis=1, keepdims=True), (), "")]
    batches = evaluation_dataset(Split(clouds, task), 1, system.tables)
    batch = next(iter(batches))

    @tf.function
    def run(batch):
        return system(batch.points, system.tables(batch.points, batch.points), training=True)

    found = ops_of(run.get_concrete_function(batch).graph) & set.union(*BUILDERS.values())
    assert found == builds
    assert bool(tf.nest.flatten(batch.tables)) == bool(builds)
