"""Whole runs of variants that are unlike the default one: one level, another backbone, an exchange of features."""

import pytest

from instance_seg.building import build_system, make_data_set
from instance_seg.config import Config
from instance_seg.evaluation.results import read_results
from instance_seg.experiment import evaluate, train
from instance_seg.nesting import options
from instance_seg.presets import load_config, load_settings

TINY = {
    "depth": 3,
    "full_depth": 3,
    "channels": (8,),
    "num_blocks": 1,
    "head_width": 8,
    "pointnet2_points": (16, 8),
    "pointnet2_samples": 8,
    "pointnet2_width": 0.1,
    "voxel_edge": 0.2,
    "sparse_channels": (8, 8),
    "sparse_blocks": 1,
    "asis_neighbors": 5,
    "points_per_shape": 60,
    "train_batch_size": 2,
    "test_batch_size": 2,
    "max_iter": 2,
    "test_every_iter": 0,
    "picture_shapes": 1,
}


def config_of(data, folder, **more):
    """Settings of a run, with those of the sizes that its network has."""
    known = {o.name for o in options(Config, load_settings("paper", {"level": 1} | more))}
    sizes = {name: value for name, value in TINY.items() if name in known}
    return load_config("paper", sizes | {"data_dir": str(data), "logdir": str(folder), "category": "Chair"} | more)


def test_a_run_of_one_level(small_partnet, tmp_path):
    config = config_of(small_partnet, tmp_path, variant="asis_fusion", level=3)
    assert train(config) == 0
    results = read_results(tmp_path / "results.json")
    run = results["run"]
    assert (run["variant"], run["level"]) == ("asis_fusion", 3)
    assert [list(reading["levels"]) for reading in results["readings"].values()] == [["fine"]] * 2
    fine = results["readings"]["with region centers"]["levels"]["fine"]
    assert any("chair_back" in name for name in fine["per_class"])
    assert [p.name for p in (tmp_path / "predictions").iterdir()] == ["Chair-3"]
    network = build_system(config, make_data_set(config).task())
    assert run["parameters"] == sum(v.numpy().size for v in network.trainable_variables)
    evaluate(config)
    assert read_results(tmp_path / "results.json")["readings"] == results["readings"]


def test_a_run_with_points_instead_of_octrees(small_partnet, tmp_path):
    config = config_of(small_partnet, tmp_path, variant="cross_level_pointnet2", category="Scissors", transfer=False)
    assert train(config) == 0
    results = read_results(tmp_path / "results.json")
    assert results["run"]["variant"] == "cross_level_pointnet2 transfer=False" and len(results["readings"]) == 2


def test_a_run_with_sparse_voxels(small_partnet, tmp_path):
    more = {"backbone": "sparse_unet", "odd_extents": "drop", "initializer": "spconv", "category": "Scissors"}
    config = config_of(small_partnet, tmp_path, **more)
    assert train(config) == 0
    results = read_results(tmp_path / "results.json")
    assert "backbone=sparse_unet" in results["run"]["variant"] and len(results["readings"]) == 2
    evaluate(config)
    assert read_results(tmp_path / "results.json")["readings"] == results["readings"]


def test_a_level_that_the_category_lacks(small_partnet, tmp_path):
    config = config_of(small_partnet, tmp_path, variant="single_level_fusion", level=2, category="Scissors")
    with pytest.raises(ValueError, match="--level=2: Scissors has no such level; choose one of 1"):
        train(config)
