"""Bounds of settings: declared for every number, shown in the help, and kept by every dataclass of settings."""

import dataclasses
import math

import pytest

from instance_seg.backbones import BACKBONES
from instance_seg.clustering.config import ClusterConfig
from instance_seg.config import Config, make_config
from instance_seg.data import DATA_SETS
from instance_seg.nesting import options
from instance_seg.options import Settings, shown
from instance_seg.systems import SYSTEMS

# What else has to be set for a value at the edge of its own bounds to fit the other settings.
TOGETHER = {
    ("depth", "low"): {"full_depth": 1, "channels": (8,)},
    ("depth", "high"): {"full_depth": 16, "channels": (8,)},
    ("full_depth", "high"): {"depth": 16, "channels": (8,)},
    ("full_depth", "low"): {"depth": 5},
    ("scale_min", "high"): {"scale_max": 100.0},
    ("scale_max", "low"): {"scale_min": 5e-324},
    ("num_replicas", "high"): {"strategy": "mirrored"},
    ("attention_levels", "high"): {"sparse_channels": (8,) * 16},
}


def numbers(kind):
    return kind in (int, float) or kind in (tuple[int, ...], tuple[float, ...])


# Every data set, system and backbone, one at a time.
CHOICES = [
    {name: entry}
    for name, entries in (("data_set", DATA_SETS), ("system", SYSTEMS), ("backbone", BACKBONES))
    for entry in entries
]
CHOSEN_BY = {o.name: chosen for chosen in CHOICES[::-1] for o in options(Config, chosen)}  # what an option needs
NUMERIC = [o for o in {o.name: o for chosen in CHOICES for o in options(Config, chosen)}.values() if numbers(o.type)]


def settings_with(o, number, edge=None):
    """The flat settings with one number at every place of an option."""
    is_list = o.type not in (int, float)
    value = (number,) * max(1, len(o.default)) if is_list else number
    return {**CHOSEN_BY[o.name], **TOGETHER.get((o.name, edge), {}), o.name: value}


def refused(o, number):
    with pytest.raises(ValueError) as error:
        make_config(settings_with(o, number))
    message = str(error.value)
    assert message.startswith(f"{o.name}=") and "\n" not in message
    return message


def test_every_number_has_bounds():
    assert len(NUMERIC) > 30
    assert {"depth", "pointnet2_width", "asis_cutoff", "level"} < {o.name for o in NUMERIC}
    assert [o.name for o in NUMERIC if o.bounds is None] == []


@pytest.mark.parametrize("o", NUMERIC, ids=lambda o: o.name)
def test_what_lies_outside_is_refused_with_the_range(o):
    low, high, above, below = o.bounds
    if int in (o.type, *getattr(o.type, "__args__", ())):
        outside = [low - 1, high + 1, -(10**30), 10**30, 10**400]
    else:
        outside = [
            low if above else math.nextafter(low, -math.inf),
            high if below else math.nextafter(high, math.inf),
            *(math.nan, math.inf, -math.inf, -1e300, 10**400),
        ]
    for number in outside:
        assert f": want {'numbers' if o.type not in (int, float) else 'a number'} {o.bounds}" in refused(o, number)


@pytest.mark.parametrize("o", NUMERIC, ids=lambda o: o.name)
def test_the_bounds_themselves_are_accepted(o):
    low, high, above, below = o.bounds
    whole = int in (o.type, *getattr(o.type, "__args__", ()))
    lowest = low if not above else low + 1 if whole else math.nextafter(low, math.inf)
    highest = high if not below else high - 1 if whole else math.nextafter(high, -math.inf)
    for number, edge in ((lowest, "low"), (highest, "high")):
        given = settings_with(o, number, edge)
        assert make_config(given).flat()[o.name] == given[o.name]


def groups(settings):
    """The dataclasses of a tree of settings."""
    values = [getattr(settings, f.name) for f in dataclasses.fields(settings)]
    inside = [value for value in values if dataclasses.is_dataclass(value)]
    return [type(settings), *(cls for value in inside for cls in groups(value))]


@pytest.mark.parametrize("chosen", CHOICES, ids=lambda chosen: "=".join(*chosen.items()))
def test_every_group_keeps_its_bounds(chosen):
    found = groups(make_config(chosen))
    assert len(found) > 8 and all(issubclass(cls, Settings) for cls in found)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rate": math.nan}, r"learning_rate=nan: want a number above 0 and at most 1e\+30"),
        ({"momentum": -0.1}, "momentum=-0.1: want a number at least 0 and below 1"),
        ({"head_width": 0}, "head_width=0: want a number from 1 to 65536"),
        ({"channels": (64, -1, 8, 8, 8)}, "channels=.*: want numbers from 1 to 65536"),
        ({"channels": ()}, r"channels=\(\): want a width for each depth from depth=6 to full_depth=2"),
        ({"channels": (8, 8, 8, 8)}, r"channels=.*5 to 6 widths"),
        ({"channels": (8,) * 7}, r"channels=.*5 to 6 widths"),
        ({"channels": ""}, r"channels=\(\)"),
        ({"train_batch_size": 0}, "train_batch_size=0"),
        ({"test_shapes": -1}, "test_shapes=-1"),
        ({"seed": -1}, "seed=-1: want a number from 0 to 4294967295"),
        ({"max_iter": 10**30}, "max_iter=1000.*: want a number from 1 to 2147483647"),
        ({"keep_ckpts": 0}, "keep_ckpts=0: want a number from 1"),
        ({"rotation_degrees": math.nan}, "rotation_degrees=nan"),
        ({"decay_at": (0.5, math.nan)}, r"decay_at=\(0.5, nan\): want numbers from 0 to 1"),
        ({"max_iter": 1 << 40_000}, "max_iter=a number of 40001 bits"),
        ({"logdir": "a\nb"}, r"logdir='a\\nb': want text of one line"),
        ({"data_dir": "a\0b"}, r"data_dir='a\\x00b': want text of one line"),
        ({"category": "Chair\u2028"}, "category=.*want text of one line"),
        ({"ap_arithmetic": "float16"}, "ap_arithmetic='float16' is unknown; choose one of float32, float64"),
    ],
)
def test_what_users_tried(settings, message):
    with pytest.raises(ValueError, match=f"^{message}") as error:
        make_config(settings)
    assert "\n" not in str(error.value) and len(str(error.value)) < 250


def test_values_that_are_no_numbers_are_no_traceback():
    with pytest.raises(ValueError, match="bandwidth='wide': want a number"):
        ClusterConfig(bandwidth="wide")
    with pytest.raises(ValueError, match="bandwidth=True: want a number"):
        dataclasses.replace(ClusterConfig(), bandwidth=True)


def test_values_for_messages_are_short_lines_of_printable_letters():
    deep = []
    for _ in range(500):
        deep = [deep]
    odd = ("a" * 1_000_000, "two\nlines\x1b[2J\ud800", ["x"] * 10_000, {"k" * 1_000_000: 1}, deep, 10**3000, [10**9000])
    for value in odd:
        text = shown(value)
        assert 0 < len(text) < 300 and text.isprintable(), text
