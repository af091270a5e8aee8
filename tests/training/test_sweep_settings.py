"""What --sweep=SETTING=VALUE makes of the settings, without a network."""

import pathlib

import pytest

from instance_seg.experiment import _with_setting
from instance_seg.presets import load_config

CONFIG = load_config("demo", {"logdir": "runs/x"})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("bandwidth=1", 1.0),
        ("bandwidth=0.05", 0.05),
        ("bandwidth=5e-2", 0.05),
        ("semantic_center_offset=0", 0.0),
        ("semantic_center_offset=-1", -1.0),
        ("eq7_guard=false", False),
        ("eq7_guard=True", True),
        ("region_push=soft", "soft"),
    ],
)
def test_a_value_is_read_as_its_setting_wants_it(setting, value):
    swept, name = _with_setting(CONFIG, setting), setting.partition("=")[0]
    found = getattr(swept.network.grouping, name)
    assert found == value and type(found) is type(value)
    assert pathlib.Path(swept.run.logdir) == pathlib.Path("runs/x/sweep") / setting.replace("=", "_")
    assert swept.schedule == CONFIG.schedule and swept.preset == "demo"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("bandwidth", "want SETTING=VALUE"),
        ("bandwidth=", "want SETTING=VALUE"),
        ("=1", "want SETTING=VALUE"),
        ("depth=3", "want SETTING=VALUE, with one of bandwidth"),
        ("bandwidth=0", "bandwidth=0.0: want a number from 1e-05 to 10"),
        ("bandwidth=nan", "bandwidth=nan: want a number"),
        ("bandwidth=-inf", "bandwidth=-inf: want a number"),
        ("bandwidth=wide", "bandwidth='wide': want float, found str"),
        ("bandwidth=0.1=2", "bandwidth='0.1=2': want float"),
        ("bandwidth=../../x", "want float"),
        ("eq7_guard=maybe", "eq7_guard='maybe': want bool"),
        ("region_push=hard", "region_push='hard' is unknown; choose one of unit, soft"),
    ],
)
def test_garbage_is_named(setting, message):
    with pytest.raises(ValueError) as error:
        _with_setting(CONFIG, setting)
    assert str(error.value).startswith(f"--sweep={setting}: ") and message in str(error.value)
    assert "\n" not in str(error.value)
