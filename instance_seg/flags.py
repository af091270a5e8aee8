"""The command line: every absl flag of a run, made from the settings, and the only reader of their FLAGS."""

import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from instance_seg.config import Config
from instance_seg.nesting import options
from instance_seg.presets import load_config, load_settings, preset_names

FLAGS = flags.FLAGS

_DEFINE = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float}
CHOOSING = ("preset", "variant", "data_set", "system", "backbone")  # what decides which other flags there are


def define_flags(argv: Sequence[str] | None = None) -> None:
    """Defines --preset and one flag per setting of the run that the command line is about.

    A flag that is not given leaves the preset's value alone. Which data set, system and backbone the run has is read
    from `argv` (sys.argv) first; a run has no flags of others.
    """
    flags.DEFINE_string("preset", "paper", f"settings to start from: {', '.join(preset_names())}, or a YAML file")
    for o in options(Config, _chosen(sys.argv if argv is None else argv)):
        define = _DEFINE.get(o.type, flags.DEFINE_string)
        limits = f"; {o.bounds}" if o.bounds else ""
        define(o.name, None, f"{o.help}{limits} [{o.default}]")
        FLAGS.register_key_flag_for_module(sys.argv[0], FLAGS[o.name])  # --helpshort shows those of the main program


def config_from_flags() -> Config:
    """The preset with the given flags on top."""
    own = FLAGS.flags_by_module_dict()[__name__]
    given = {flag.name: flag.value for flag in own if flag.value is not None and flag.name != "preset"}
    return load_config(FLAGS.preset, given)


def refuse_arguments(argv: Sequence[str], remedy: str = "write --FLAG=VALUE") -> None:
    """Ends a program that takes flags alone, if its command line has another word: it would be left out silently."""
    if len(argv) > 1:
        sys.exit(f"error: {argv[1]!r} is behind no flag; {remedy}")


def _chosen(argv: Sequence[str]) -> dict[str, Any]:
    """The settings of preset and variant under those flags that choose; the defaults if they cannot be read."""
    given: dict[str, str] = {}
    for flag, following in zip(argv[1:], [*argv[2:], ""]):
        name, equals, value = flag.lstrip("-").partition("=")
        if flag.startswith("-") and name in CHOOSING:
            given[name] = value if equals else following
    try:
        settings = load_settings(given.pop("preset", "paper"), given)
        list(options(Config, settings))
    except (ValueError, OSError):
        return {}  # config_from_flags says what is wrong
    return settings
