"""Every absl flag, made from the settings; the only reader of FLAGS."""

from absl import flags

from instance_seg.config import Config, load_config, options, preset_names

FLAGS = flags.FLAGS

_DEFINE = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float}


def define_flags() -> None:
    """Defines --preset and one flag per setting. A flag that is not given leaves the preset's value alone."""
    flags.DEFINE_string("preset", "paper", f"settings to start from: {', '.join(preset_names())}, or a YAML file")
    for o in options():
        define = _DEFINE.get(o.type, flags.DEFINE_string)
        limits = f"; {o.bounds}" if o.bounds else ""
        define(o.name, None, f"{o.help}{limits} [{o.default}]")


def config_from_flags() -> Config:
    """The preset with the given flags on top."""
    given = {o.name: FLAGS[o.name].value for o in options() if FLAGS[o.name].value is not None}
    return load_config(FLAGS.preset, given)
