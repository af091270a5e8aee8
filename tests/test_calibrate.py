"""Calibration of a real run: what it stores, and that evaluation and prediction read it."""

import json

import numpy as np
import pandas as pd
import pytest
from training.small_runs import tiny_config

from instance_seg.building import build_system, make_data_set, weights_of
from instance_seg.calibrate import Options, calibrate
from instance_seg.config import make_config
from instance_seg.evaluation.results import read_results
from instance_seg.experiment import evaluate, train
from instance_seg.segmenter import CloudSegmenter
from instance_seg.training.checkpoint import Progress, describe_system

pytestmark = pytest.mark.slow
GIVEN, LABELS = ["with region centers", "without region centers"], ["paired classes only", "from labels"]
LEARNED = ["learned gaussian", "learned flat 2.45 s", "learned flat 1.18 s"]
BY_CLASS = [*LABELS, "calibrated by level", "calibrated", *LEARNED]
READINGS = [*BY_CLASS, "across classes", "auto"]


def readings_in(logdir):
    return read_results(f"{logdir}/results.json")["readings"]


@pytest.fixture(scope="module")
def run(small_partnet, tmp_path_factory):
    config = tiny_config(
        small_partnet, tmp_path_factory.mktemp("run"), max_iter=2, test_shapes=1, first_reading="from labels"
    )
    assert train(config) == 0
    assert list(readings_in(config.run.logdir)) == ["from labels", *GIVEN, "paired classes only"]
    options = Options(shapes=2, bandwidths=(0.2, 0.4), pushes=(0.0,), learn="modes")
    return config, calibrate(config.run.logdir, config.data.data_dir, options)


def test_the_table_has_a_value_for_every_class_and_reading(run):
    config, said = run
    table = pd.read_csv(f"{config.run.logdir}/checkpoints/readings.csv")
    assert sorted(table["reading"].unique()) == sorted(BY_CLASS)
    task = make_data_set(config).task()
    assert (table.groupby("reading").size() == sum(len(task.levels[k].things) for k in task.scored)).all()
    assert set(table[table["reading"] == "calibrated"]["bandwidth"]) <= {0.1, 0.2, 0.4}
    assert "AP50 on 2 shapes of the split train" in said and "h 0.4, lambda 0" in said and "readings.csv" in said
    limits = pd.read_csv(f"{config.run.logdir}/checkpoints/entropy.csv", keep_default_na=False)
    (name,) = set(limits["within"])
    assert name in ("", *BY_CLASS) and f"shapes of the split val: {name or 'the given one'}, " in said


def test_the_readings_are_evaluated_and_predicted(run):
    config, _ = run
    evaluate(config)
    readings = readings_in(config.run.logdir)
    assert list(readings) == ["from labels", *GIVEN, *(name for name in READINGS if name != "from labels")]
    shares = [level["unlike"] for level in readings["auto"]["levels"].values()]
    assert shares and set(shares) <= {0, 100} and "unlike" not in readings["across classes"]["mean"]
    assert "unlike" in open(f"{config.run.logdir}/table.md").read()
    kernels = [readings[name]["settings"]["kernel"] for name in LEARNED]
    assert kernels == ["gaussian", "flat", "flat"]
    values = readings["calibrated"]["settings"]["by_class"]
    assert values and all(set(each) == {"bandwidth", "lambda"} for level in values.values() for each in level.values())
    assert "calibrated" in open(f"{config.run.logdir}/table.md").read()
    cloud = make_data_set(config).split(config.data.data_dir, "test")[0]
    for name in ("calibrated", "within", "across", "auto"):
        found = CloudSegmenter(config.run.logdir, {}, name)(cloud.xyz, cloud.features)
        assert (found[0].is_unlike is not None) == (name == "auto")
    with pytest.raises(ValueError, match="--reading=best: there are from labels, with region centers, .*, auto; "):
        CloudSegmenter(config.run.logdir, {}, "best")


def test_limits_are_above_the_entropies_of_the_validation_split(run):
    table = pd.read_csv(f"{run[0].run.logdir}/checkpoints/entropy.csv")
    assert len(table) == len(make_data_set(run[0]).task().scored)
    assert (table["limit"] >= 1.2 * table["median"] - 1e-3).all() and (table["median"] > 0).all()


def test_a_bandwidth_of_ones_own_counts_in_place_of_values_by_class(run):
    config, _ = run
    cloud = make_data_set(config).split(config.data.data_dir, "test")[0]
    first, labels, given, own = (
        CloudSegmenter(config.run.logdir, changes, reading)(cloud.xyz, cloud.features)
        for changes, reading in (({}, "within"), ({}, "from labels"), ({}, GIVEN[0]), ({"bandwidth": 0.1}, ""))
    )

    def ids(levels):
        return np.stack([found.proposals.instance(len(cloud.xyz)) for found in levels])

    np.testing.assert_array_equal(ids(first), ids(labels))
    np.testing.assert_array_equal(ids(own), ids(given))
    assert (ids(first) != ids(given)).any()


def test_a_training_that_goes_on_reads_them_too(run):
    config, _ = run
    assert train(config) == 0  # it is at its end, and evaluates
    assert set(readings_in(config.run.logdir)) == {*GIVEN, *READINGS}


def test_a_system_without_bandwidths_of_classes_is_named(tmp_path):
    config = make_config({"system": "pointgroup", "backbone": "sparse_unet"})
    description = describe_system(config, make_data_set(config).task())
    (tmp_path / "network.json").write_text(json.dumps(description))
    (tmp_path / "iter-1.index").touch()
    with pytest.raises(ValueError, match="the system pointgroup has no bandwidth and lambda of classes"):
        calibrate(str(tmp_path), "", Options())


def test_a_push_that_is_cut_is_not_learned(small_partnet, tmp_path):
    config = tiny_config(small_partnet, tmp_path, region_push="soft")
    weights_of(config, build_system(config, make_data_set(config).task()), tmp_path).save(Progress(1, 0.0))
    with pytest.raises(ValueError, match="--learn=pairs learns the length of a push, which region_push=soft of the ru"):
        calibrate(str(tmp_path), config.data.data_dir, Options(learn="pairs"))
