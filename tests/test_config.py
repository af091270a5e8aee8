"""Settings: presets, flags over presets, and errors that name what is wrong."""

import itertools
import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
import yaml

from instance_seg.backbones import BACKBONES
from instance_seg.backbones.settings import OctreeUNetSettings
from instance_seg.config import Config, make_config
from instance_seg.data import DATA_SETS
from instance_seg.nesting import make_settings, options
from instance_seg.options import Settings, option
from instance_seg.presets import load_config, preset_names, read_preset, variant_names
from instance_seg.systems import SYSTEMS
from instance_seg.systems.settings import FeatureExchangeSettings, SemanticAssistedSettings

CHOICES = [
    {"data_set": data_set, "system": system, "backbone": backbone}
    for data_set, system, backbone in itertools.product(DATA_SETS, SYSTEMS, BACKBONES)
]


def write(path, text):
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("chosen", CHOICES, ids=lambda chosen: " ".join(chosen.values()))
def test_names_of_settings_are_unique_and_all_have_a_help_text(chosen):
    names = [o.name for o in options(Config, chosen)]
    assert len(names) == len(set(names)) > 40
    assert [o.name for o in options(Config, chosen) if not o.help] == []


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name):
    assert load_config(name).preset == name


def test_the_paper_preset_is_the_default():
    assert all("=" in name for name in read_preset("paper")[0])  # sections of other systems alone
    assert load_config("paper") == make_config({}) == Config()
    c = Config()
    n = c.network
    assert (c.schedule.max_iter, c.schedule.learning_rate, c.data.train_batch_size) == (100_000, 0.1, 8)
    assert (n.grouping.bandwidth, n.grouping.semantic_center_offset, n.backbone_settings.depth) == (0.1, 0.05, 6)
    assert (n.loss.offset_loss, c.source.augment.rot_mode, n.backbone_settings.edge_mode, n.grouping.eq7_guard) == (
        "l2norm", "uniform", "missing", True,
    )  # fmt: skip


def test_the_released_preset_sets_all_of_the_released_choices():
    c = load_config("released")
    n = c.network
    assert (n.loss.offset_loss, c.source.augment.rot_mode, n.backbone_settings.edge_mode, n.grouping.eq7_guard) == (
        "l1", "int", "wrap", False,
    )  # fmt: skip
    assert (n.loss.mask_unlabeled, n.loss.loss_average, n.transfer, n.fuse_from) == (
        True, "shape", True, "hidden",
    )  # fmt: skip


def test_the_paper_and_the_released_program_start_from_released_weights_the_others_from_those_that_learn_faster():
    found = {name: load_config(name).schedule.initializer for name in preset_names()}
    faster = dict.fromkeys(("carried", "demo", "smoke"), "fan_in")
    assert found == {"paper": "released", "released": "released", **faster}


def test_flags_beat_the_preset(tmp_path):
    path = write(tmp_path / "mine.yaml", "base: demo\nlearning_rate: 0.2\nmax_iter: 7\n")
    config = load_config(path, {"max_iter": 9})
    assert (config.schedule.learning_rate, config.schedule.max_iter, config.network.backbone_settings.depth) == (
        0.2,
        9,
        5,
    )
    assert config.preset == "mine"


def test_a_section_holds_for_the_runs_it_names(tmp_path):
    path = write(tmp_path / "mine.yaml", "base: demo\nmax_iter: 7\ncategory=Bowl: {max_iter: 8, depth: 4}\n")
    of = {name: load_config(path, {"category": name}) for name in ("Bowl", "Chair", "Keyboard")}
    assert {name: config.schedule.max_iter for name, config in of.items()} == {"Bowl": 8, "Chair": 7, "Keyboard": 7}
    assert {name: config.network.backbone_settings.depth for name, config in of.items()} == {
        "Bowl": 4,
        "Chair": 5,
        "Keyboard": 6,
    }
    assert load_config(path, {"category": "Bowl", "depth": 3, "channels": "8,8"}).network.backbone_settings.depth == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("category=Bowl: 3", r"mine.yaml: 'category=Bowl': want the settings of a section"),
        ("category=Bowl: {dept: 3}", r"mine.yaml: setting 'dept' is unknown; did you mean 'depth'"),
        ("categori=Bowl: {depth: 3}", r"mine.yaml: setting 'categori' is unknown; did you mean 'category'"),
        ("base=Bowl: {depth: 3}", r"mine.yaml: setting 'base' is unknown"),
        ("category: {depth: 3}", r"mine.yaml: 'category': a section is called SETTING=VALUE"),
        ("category=Bowl: {depth=3: {depth: 4}}", r"mine.yaml: 'depth=3': want the settings"),
    ],
)
def test_malformed_sections_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_config(write(tmp_path / "mine.yaml", text), {"category": "Bowl"})


def test_unknown_key_names_the_file_and_the_nearest_known_one(tmp_path):
    path = write(tmp_path / "mine.yaml", "learnin_rate: 0.2\n")
    with pytest.raises(ValueError, match=r"mine.yaml: setting 'learnin_rate' is unknown; did you mean 'learning_rate'"):
        load_config(path)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ValueError, match="--preset=dmeo.*did you mean 'demo'"):
        load_config("dmeo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth: six", "depth='six': want int, found str"),
        ("depth: 5.5", "depth=5.5: want int"),
        ("stop_gradient: 1", "stop_gradient=1: want bool"),
        ("channels: 7", "channels=7: want a list"),
        ("- 3", "want a mapping"),
        ("a: [", "not valid YAML"),
        ("initializer: zeros", "initializer='zeros' is unknown; choose one of released, fan_in"),
        ("fusion: both", "fusion='both' is unknown; choose one of none, own, cross"),
        ("depth: 17", "depth=17"),
    ],
)
def test_wrong_values(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load_config(write(tmp_path / "mine.yaml", text))


def test_numbers_as_yaml_and_flags_write_them(tmp_path):
    config = load_config(
        write(tmp_path / "mine.yaml", "weight_decay: 1e-3\nlearning_rate: 1\ndepth: 3\nchannels: [8, 16]\n")
    )
    assert (config.network.loss.weight_decay, config.schedule.learning_rate) == (1e-3, 1.0)
    assert config.network.backbone_settings.channels == (8, 16)
    config = make_config({"depth": 3, "channels": "8,16", "decay_at": "0.5,0.75", "level_weights": ""})
    network, schedule = config.network, config.schedule
    assert (network.backbone_settings.channels, schedule.decay_at, network.loss.level_weights) == (
        (8, 16), (0.5, 0.75), (),
    )  # fmt: skip


def test_presets_are_read_safely(tmp_path):
    with pytest.raises((ValueError, yaml.YAMLError)):
        load_config(write(tmp_path / "mine.yaml", "depth: !!python/object/apply:os.getcwd []\n"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "pointnet2", "depth": 3}, "'depth' belongs to backbone=octree_unet, which this run has not"),
        ({"pointnet2_width": 0.5}, "'pointnet2_width' belongs to backbone=pointnet2, which this run has not"),
        ({"exchange": "asis"}, "'exchange' belongs to system=feature_exchange, which this run has not"),
        ({"system": "feature_exchange", "fusion": "own"}, "'fusion' belongs to system=semantic_assisted or .*, which"),
        ({"learnin_rate": 1.0}, "'learnin_rate' is unknown; did you mean 'learning_rate'"),
    ],
)
def test_a_setting_of_what_a_run_has_not(settings, message):
    with pytest.raises(ValueError, match=f"^setting {message}"):
        make_config(settings)
    assert "\n" not in str(pytest.raises(ValueError, make_config, settings).value)


def test_a_network_is_made_of_its_own_settings_alone():
    made = make_settings(FeatureExchangeSettings, {"exchange": "jsnet", "depth": 3, "channels": (8, 8)})
    assert (made.exchange, made.backbone_settings) == ("jsnet", OctreeUNetSettings(depth=3, channels=(8, 8)))
    assert make_settings(SemanticAssistedSettings, {}) == SemanticAssistedSettings()
    with pytest.raises(ValueError, match="setting 'learning_rate' is unknown"):
        make_settings(SemanticAssistedSettings, {"learning_rate": 0.1})


def test_a_section_of_two_conditions_wants_both(tmp_path):
    text = """
backbone=octree_unet: {depth: 4, full_depth: 2, channels: [8, 8, 8]}
category=Bowl,backbone=octree_unet: {depth: 3}
category=Bowl: {max_iter: 5}
category=Bowl,backbone=pointnet2: {pointnet2_width: 0.5}
"""
    path = write(tmp_path / "mine.yaml", text)
    bowl, chair = (load_config(path, {"category": name}) for name in ("Bowl", "Chair"))
    assert (bowl.network.backbone_settings.depth, bowl.schedule.max_iter) == (3, 5)
    assert (chair.network.backbone_settings.depth, chair.schedule.max_iter) == (4, 100_000)
    points = {name: load_config(path, {"category": name, "backbone": "pointnet2"}) for name in ("Bowl", "Chair")}
    assert {name: each.network.backbone_settings.pointnet2_width for name, each in points.items()} == {
        "Bowl": 0.5, "Chair": 1.0,
    }  # fmt: skip


def test_a_keyboard_has_finer_octrees_where_it_has_octrees():
    keyboard, points = (
        load_config("demo", {"category": "Keyboard"} | more) for more in ({}, {"backbone": "pointnet2"})
    )
    assert keyboard.network.backbone_settings.depth == 6
    assert keyboard.network.grouping.bandwidth == points.network.grouping.bandwidth == 0.05
    assert "depth" not in points.flat()


@dataclass(frozen=True)
class OwnSettings(Settings):
    """Of a system from outside of the package."""

    own_width: int = option(7, "width", low=1, high=100)


class OwnSystem:
    """As much of a system as reading settings needs."""

    Settings = OwnSettings


def test_a_system_of_ones_own_brings_its_settings():
    config = make_config({"system": f"{__name__}:OwnSystem", "own_width": 9})
    assert config.network == OwnSettings(own_width=9) and "fusion" not in config.flat()
    with pytest.raises(ValueError, match="own_width=101: want a number from 1 to 100"):
        make_config({"system": f"{__name__}:OwnSystem", "own_width": 101})
    with pytest.raises(ValueError, match="'fusion' belongs to system=semantic_assisted or .*, which"):
        make_config({"system": f"{__name__}:OwnSystem", "fusion": "own"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"system": "no_such_module:Net"}, "system=no_such_module:Net: cannot be imported: .*no_such_module"),
        ({"system": f"{__name__}:Absent"}, f"system={__name__}:Absent: cannot be imported: .*Absent"),
        ({"system": "semantic"}, "system='semantic' is unknown; choose one of semantic_assisted, .*MODULE:CLASS"),
        ({"data_set": "no_such_module:Set"}, "data_set=no_such_module:Set: cannot be imported: .*no_such_module"),
        ({"backbone": "pointnet3"}, "backbone='pointnet3' is unknown; choose one of octree_unet, .*or MODULE"),
    ],
)
def test_a_module_or_class_that_is_missing_is_named(settings, message):
    with pytest.raises(ValueError, match=f"^{message}") as error:
        make_config(settings)
    assert "\n" not in str(error.value)


def test_reading_every_preset_and_variant_imports_no_tensorflow():
    program = """
import json, sys
from instance_seg.presets import load_config, preset_names, variant_names
read = [load_config(preset, {"variant": v, "level": 1}).preset for preset in preset_names() for v in variant_names()]
print(json.dumps([len(read), sorted({"tensorflow", "keras"} & set(sys.modules))]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [len(preset_names()) * len(variant_names()), []]


@pytest.mark.slow
def test_a_run_has_the_flags_of_its_own_backbone_alone():
    command = [sys.executable, "-m", "instance_seg.train", "--variant=cross_level_pointnet2", "--helpshort"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "--pointnet2_points" in done.stdout and "--bandwidth" in done.stdout, done.stderr
    assert "--depth" not in done.stdout and "--channels" not in done.stdout
