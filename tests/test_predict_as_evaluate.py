"""`predict` computes what `evaluate` does: whatever the network computes with comes from its checkpoint."""

import numpy as np
import pytest
from instance_seg.training.segment_cloud import described_run, segment_cloud

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.evaluation.predictor import Predictor, segment_batch
from instance_seg.experiment import load_split, octree_config, restore_network, run_taxonomy, train
from instance_seg.presets import load_config

TINY = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8, "train_batch_size": 2, "max_iter": 2}


@pytest.fixture(scope="module")
def released(small_partnet, tmp_path_factory):
    """Settings of a run of the preset `released`, which reads interpolation corners beyond the cube."""
    logdir = str(tmp_path_factory.mktemp("released"))
    config = load_config("released", TINY | {"category": "Chair", "data_dir": str(small_partnet), "logdir": logdir})
    assert train(config) == 0
    return config


def test_a_checkpoint_knows_its_interpolation(released):
    config, _ = described_run(released.run.logdir)
    assert config.network == released.network and config.network.edge_mode == "wrap"


def test_labels_are_those_of_the_evaluation(released):
    config, taxonomy, cluster = released, run_taxonomy(released), ClusterConfig()
    network = restore_network(config, taxonomy, config.run.logdir)
    shapes = load_split(config, "test", 0)
    batches = evaluation_dataset(shapes, 1, octree_config(config))
    predictor = Predictor(network, batches.element_spec)
    evaluated = [segment_batch(predictor(batch), batch, taxonomy, cluster)[0] for batch in batches]
    assert len(evaluated) == len(shapes) == 3
    for shape, levels in zip(shapes.shapes, evaluated):
        _, predicted = segment_cloud(shape.points, shape.normals, config.run.logdir, cluster)
        assert predicted.keys() == levels.keys() and len(levels) == 3
        for k, (semantic, instance) in predicted.items():
            np.testing.assert_array_equal(semantic, levels[k].semantic)
            np.testing.assert_array_equal(instance, levels[k].instance)
