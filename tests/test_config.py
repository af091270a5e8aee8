"""Settings: presets, flags over presets, and errors that name what is wrong."""

import pytest
import yaml

from instance_seg.config import Config, make_config, options
from instance_seg.presets import load_config, preset_names, read_preset


def write(path, text):
    path.write_text(text)
    return str(path)


def test_names_of_settings_are_unique():
    names = [o.name for o in options()]
    assert len(names) == len(set(names))


def test_every_setting_has_a_help_text():
    assert [o.name for o in options() if not o.help] == []


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name):
    assert load_config(name).preset == name


def test_the_paper_preset_is_the_default():
    assert make_config(read_preset("paper")) == Config()
    c = Config()
    assert (c.schedule.max_iter, c.schedule.learning_rate, c.data.train_batch_size) == (100_000, 0.1, 8)
    assert (c.cluster.bandwidth, c.cluster.semantic_center_offset, c.network.depth) == (0.1, 0.05, 6)
    assert (c.loss.offset_loss, c.augment.rot_mode, c.network.edge_mode, c.cluster.eq7_guard) == (
        "l2norm", "uniform", "missing", True,
    )  # fmt: skip


def test_the_released_preset_sets_all_of_the_released_choices():
    c = load_config("released")
    assert (c.loss.offset_loss, c.augment.rot_mode, c.network.edge_mode, c.cluster.eq7_guard) == (
        "l1", "int", "wrap", False,
    )  # fmt: skip
    assert (c.loss.mask_unlabeled, c.loss.loss_average, c.network.transfer, c.network.fuse_from) == (
        True, "shape", True, "hidden",
    )  # fmt: skip


def test_the_paper_and_the_released_program_start_from_released_weights_the_others_from_those_that_learn_faster():
    found = {name: load_config(name).schedule.initializer for name in preset_names()}
    assert found == {"paper": "released", "released": "released", "demo": "fan_in", "smoke": "fan_in"}


def test_flags_beat_the_preset(tmp_path):
    path = write(tmp_path / "mine.yaml", "base: demo\nlearning_rate: 0.2\nmax_iter: 7\n")
    config = load_config(path, {"max_iter": 9})
    assert (config.schedule.learning_rate, config.schedule.max_iter, config.network.depth) == (0.2, 9, 5)
    assert config.preset == "mine"


def test_a_section_holds_for_the_runs_it_names(tmp_path):
    path = write(tmp_path / "mine.yaml", "base: demo\nmax_iter: 7\ncategory=Bowl: {max_iter: 8, depth: 4}\n")
    of = {name: load_config(path, {"category": name}) for name in ("Bowl", "Chair", "Keyboard")}
    assert {name: config.schedule.max_iter for name, config in of.items()} == {"Bowl": 8, "Chair": 7, "Keyboard": 7}
    assert {name: config.network.depth for name, config in of.items()} == {"Bowl": 4, "Chair": 5, "Keyboard": 6}
    assert load_config(path, {"category": "Bowl", "depth": 3, "channels": "8,8"}).network.depth == 3


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
        ("initializer: xavier", "initializer='xavier' is unknown; choose one of released, fan_in"),
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
    assert (config.loss.weight_decay, config.schedule.learning_rate, config.network.channels) == (1e-3, 1.0, (8, 16))
    config = make_config({"depth": 3, "channels": "8,16", "decay_at": "0.5,0.75", "level_weights": ""})
    assert (config.network.channels, config.schedule.decay_at, config.loss.level_weights) == ((8, 16), (0.5, 0.75), ())


def test_presets_are_read_safely(tmp_path):
    with pytest.raises((ValueError, yaml.YAMLError)):
        load_config(write(tmp_path / "mine.yaml", "depth: !!python/object/apply:os.getcwd []\n"))
