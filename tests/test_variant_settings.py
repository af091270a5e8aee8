"""Variants: rows of the paper's Table 4 as settings between preset and flags."""

import math

import pytest
import yaml

from instance_seg.config import Config, make_config
from instance_seg.nesting import options
from instance_seg.presets import VARIANTS, load_config, read_variant, variant_label, variant_names
from instance_seg.report.descriptions import description_of, papers_networks
from instance_seg.schedule import statistics_decay


def test_the_default_variant_changes_nothing():
    assert read_variant("cross_level_fusion") == [{}]
    assert load_config("paper") == Config()


INDOOR = {f"{name}{fused}" for name in ("pointgroup", "hais", "dyco3d") for fused in ("", "_fusion")}  # Tables 6 and 9
BLOCKS = {name.format(family) for family in ("asis", "jsnet") for name in ("b_{}", "{}", "b_{}_fusion")}  # Table 7
COMPARED = {"part_masks", "probabilistic", "sgpn", "sgpn_semantics"}  # other methods


def test_every_row_of_table_4_is_a_variant_and_one_row_is_ours():
    rows = set(papers_networks(description_of("partnet")))
    assert set(variant_names()) == rows | {"multi_level_baseline_unit_xyz"} | COMPARED | INDOOR | BLOCKS


def test_the_row_of_ours_is_the_baseline_with_what_a_fused_head_has_beside_the_fusion():
    (ours,), (baseline,) = (read_variant(f"multi_level_baseline{suffix}") for suffix in ("_unit_xyz", ""))
    assert ours == baseline | {"baseline_unit": "features_xyz"}


@pytest.mark.parametrize("name", variant_names())
def test_every_variant_loads_at_every_size_and_keeps_its_name(name):
    for preset in ("paper", "demo", "smoke"):
        config = load_config(preset, {"variant": name, "level": 2})
        assert variant_label(config) == name


@pytest.mark.parametrize("name", sorted(INDOOR))
def test_networks_that_take_weights_of_other_programs_keep_their_row_of_table_6(name):
    given = {"variant": name, "data_set": "scannet", "odd_extents": "drop", "prepare_iter": 0}
    rows = next(table["rows"] for table in description_of("scannet")["tables"] if table["name"] == "Table 6")
    assert variant_label(load_config("paper", given)) in [row["of"]["variant"] for row in rows]


def test_variants_say_only_what_they_are():
    """No size and no schedule: the preset alone decides those."""
    paths = list(VARIANTS.glob("*.yaml"))
    assert len(paths) == len(variant_names()) > 10
    for path in paths:
        own = yaml.safe_load(path.read_text()) or {}
        known = {o.name for o in options(Config, own) if o.group == "network" and o.type in (str, bool)}
        allowed = {"base", "metrics", "stage"} if path.stem in COMPARED else known
        assert set(own) <= allowed | {"single_level", "system"}, path


@pytest.mark.parametrize(
    ("name", "rate", "floor", "batch"),
    [
        ("part_masks", 1e-3, 1e-5, 12),
        ("probabilistic", 1e-3, 1e-5, 16),
        ("sgpn_semantics", 1e-3, 1e-6, 24),
        ("sgpn", 1e-4, 1e-6, 1),
    ],
)
def test_compared_methods_are_trained_as_partnets_scripts_do(name, rate, floor, batch):
    config = load_config("paper", {"variant": name, "level": 1})
    schedule = config.schedule
    assert (schedule.optimizer, schedule.rate_shape, schedule.decay_factor) == ("adam", "periodic", 0.8)
    assert (schedule.learning_rate, schedule.rate_floor, config.data.train_batch_size) == (rate, floor, batch)
    assert schedule.decay_every * batch == pytest.approx(40_000, rel=1e-6)
    assert [statistics_decay(round(n * 40_000 / batch) + 1, schedule) for n in (0, 1, 2, 9)] == [0.5, 0.75, 0.875, 0.99]
    augment = config.source.augment
    assert (augment.augment_order, augment.augment_crop, augment.rot_mode) == ("partnet", False, "normal")
    assert (augment.jitter, augment.jitter_clip, augment.translation) == (0.01, 0.05, 0.1)
    assert (augment.scale_min, augment.scale_max) == (0.8, 1.25)
    assert augment.rotation_degrees == pytest.approx(math.degrees(0.18))


def test_preset_below_variant_below_flags(tmp_path):
    preset = tmp_path / "mine.yaml"
    preset.write_text("variant: multi_level_baseline\nfusion: own\ntransfer: false\n")
    assert load_config(str(preset)).network.fusion == "none"
    config = load_config(str(preset), {"variant": "multi_level_fusion", "stop_gradient": False})
    assert (config.network.fusion, config.network.transfer, config.network.stop_gradient) == ("own", False, False)
    assert variant_label(config) == "multi_level_fusion stop_gradient=False transfer=False"


@pytest.mark.parametrize("name", sorted(INDOOR))
def test_networks_of_rooms_load_on_rooms_and_differ_in_fusion_alone(name):
    for preset in ("paper", "demo", "smoke"):
        config = load_config(preset, {"variant": name, "data_set": "scannet"})
        assert variant_label(config) == name
        other = load_config(preset, {"variant": name.removesuffix("_fusion"), "data_set": "scannet"})
        assert config.flat() | {"variant": "", "fusion": ""} == other.flat() | {"variant": "", "fusion": ""}
        assert config.network.head_width == config.network.backbone_settings.sparse_channels[0]


def test_sizes_do_not_change_the_label():
    assert variant_label(load_config("smoke", {"num_blocks": 2, "head_width": 4})) == "cross_level_fusion"


def test_unknown_variant_names_the_nearest():
    with pytest.raises(ValueError, match="--variant=cross_level_onehot.*did you mean 'cross_level_one_hot'"):
        load_config("paper", {"variant": "cross_level_onehot"})


@pytest.mark.parametrize("name", ["single_level_baseline", "single_level_fusion", "asis_fusion", "jsnet_fusion"])
def test_single_level_variants_need_a_level(name):
    with pytest.raises(ValueError, match="one network is trained per level: choose one by --level=1, 2 or 3"):
        load_config("paper", {"variant": name})


@pytest.mark.parametrize("level", [-1, 4])
def test_impossible_level(level):
    with pytest.raises(ValueError, match=f"level={level}: want a number from 0 to 3"):
        make_config({"level": level})


@pytest.mark.parametrize(
    ("settings", "label"),
    [
        ({"variant": "asis_fusion", "level": 2, "asis_space": "shifted"}, "asis_fusion asis_space=shifted"),
        ({"variant": "asis_fusion", "level": 2, "asis_neighbors": 5}, "asis_fusion"),
        (
            {"variant": "cross_level_pointnet2", "pointnet2_inputs": "xyz_features"},
            "cross_level_pointnet2 pointnet2_inputs=xyz_features",
        ),
        ({"system": "feature_exchange"}, "feature_exchange"),  # not the system of the variant
    ],
)
def test_labels_of_other_systems_and_backbones(settings, label):
    assert variant_label(load_config("smoke", settings)) == label
