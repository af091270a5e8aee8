"""`predict` computes what `evaluate` does: whatever the network computes with comes from its checkpoint."""

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.building import make_data_set, restore_system
from instance_seg.data.batches import Split
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.evaluation.predictor import Predictor
from instance_seg.experiment import train
from instance_seg.presets import load_config
from instance_seg.segmenter import CloudSegmenter
from instance_seg.structures import Points
from instance_seg.training.checkpoint_files import described_config

TINY = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8, "train_batch_size": 2, "max_iter": 2}


@pytest.fixture(scope="module")
def released(small_partnet, tmp_path_factory):
    """Settings of a run of the preset `released`, which reads interpolation corners beyond the cube."""
    logdir = str(tmp_path_factory.mktemp("released"))
    config = load_config("released", TINY | {"category": "Chair", "data_dir": str(small_partnet), "logdir": logdir})
    assert train(config) == 0
    return config


def test_a_checkpoint_knows_its_interpolation(released):
    config = described_config(released.run.logdir)
    assert config.network == released.network and config.network.backbone_settings.edge_mode == "wrap"


def test_labels_are_those_of_the_evaluation(released):
    config, data_set = released, make_data_set(released)
    task = data_set.task()
    system = restore_system(config, task, config.run.logdir)
    clouds = data_set.split(config.data.data_dir, "test")
    batches = evaluation_dataset(Split(clouds, task), 1, system.tables)
    predictor = Predictor(system, batches.element_spec)
    reading = next(iter(system.readings(config.network).values()))
    evaluated = [system.segment(predictor(b), numpy_of(b.points), reading)[0] for b in batches]
    assert len(evaluated) == len(clouds) == 3
    segment = CloudSegmenter(config.run.logdir, {})
    assert segment.task == task
    for cloud, levels in zip(clouds, evaluated):
        predicted = segment(cloud.xyz, cloud.features)
        assert len(predicted) == len(levels) == 3
        for ours, want in zip(predicted, levels):
            np.testing.assert_array_equal(ours.semantic, want.semantic)
            of_points = (each.proposals.instance(len(cloud.xyz)) for each in (ours, want))
            np.testing.assert_array_equal(*of_points)


def test_a_prediction_averages_over_copies_as_its_system_does(released):
    data_set, run = make_data_set(released), released.run.logdir
    system = restore_system(described_config(run, {"test_copies": 2}), data_set.task(), run)
    cloud = data_set.split(released.data.data_dir, "test")[0]
    points = Points(*map(tf.constant, (cloud.xyz, cloud.features, [0, len(cloud.xyz)])))
    readout = system.readout(system.infer(points, system.tables(points, points)))
    plain, averaged = (CloudSegmenter(run, {"test_copies": n})(cloud.xyz, cloud.features) for n in (1, 2))
    assert len(averaged) == len(readout) == 3
    for level, want, once in zip(averaged, readout, plain):
        np.testing.assert_allclose(level.certainty, want.certainty, atol=1e-4)
        assert np.abs(level.certainty - once.certainty).max() > 1e-3


def numpy_of(points):
    """Points as arrays."""
    return type(points)(*(x.numpy() for x in points))


def test_a_prediction_may_have_settings_of_grouping_of_its_own(released):
    cloud = make_data_set(released).split(released.data.data_dir, "test")[0]
    of = [
        CloudSegmenter(released.run.logdir, settings)(cloud.xyz, cloud.features)[0]
        for settings in ({}, {"bandwidth": 2.0})
    ]
    assert len(of[1].proposals.label) <= len(of[0].proposals.label)
    with pytest.raises(ValueError, match="setting 'bandwith' is unknown; did you mean 'bandwidth'"):
        CloudSegmenter(released.run.logdir, {"bandwith": 0.1})
