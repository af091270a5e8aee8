"""Settings from YAML files, under those of the command line.

A preset says how much (sizes, schedule), a variant what: a row of the paper's Table 4, as far as it differs from the
default network. Flags beat the variant, which beats the preset, so every variant can be had at every preset. Both are
YAML mappings of setting names to values; `base: NAME` starts from another file of the folder. A section holds for some
runs alone, and beats the plain settings of its file:

    category=Keyboard: {bandwidth: 0.05}
    category=Keyboard,backbone=octree_unet: {depth: 6}
"""

import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from instance_seg.config import Config, RunConfig, make_config
from instance_seg.nesting import all_names, nearest, options
from instance_seg.options import name_shown, shown
from instance_seg.settings_file import read_settings_file

_IN_REPOSITORY = pathlib.Path(__file__).resolve().parents[1] / "experiments"
_INSTALLED = pathlib.Path(sys.prefix) / "share" / "instance_seg"  # where setup.py puts copies of the YAML files
EXPERIMENTS = _IN_REPOSITORY if _IN_REPOSITORY.is_dir() else _INSTALLED
PRESETS, VARIANTS = EXPERIMENTS / "presets", EXPERIMENTS / "variants"


def load_config(preset: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """The settings of a preset, under those of the variant, under `overrides` (flags)."""
    return make_config(load_settings(preset, overrides), preset)


def load_settings(preset: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The same as names and values; those that are not named have their defaults."""
    overrides = dict(overrides or {})
    layers = read_preset(preset)
    layers = [*layers, *read_variant((_plain(layers) | overrides).get("variant", RunConfig.variant))]
    plain = _plain(layers) | overrides
    named = {o.name: o.default for o in options(Config, plain)} | plain
    settings: dict[str, Any] = {}
    for layer in layers:
        settings |= _plain([layer])
        for condition, section in layer.items():
            pairs = [each.partition("=") for each in condition.split(",")]
            if isinstance(section, dict) and all(str(named.get(name)) == value for name, _, value in pairs):
                settings |= section
    return settings | overrides


def read_preset(name: str) -> list[dict[str, Any]]:
    """Settings and sections of a preset, or of the YAML file of that path, after those of its bases."""
    return _read(_preset_path, name)


def read_variant(name: str) -> list[dict[str, Any]]:
    """The same of a variant of experiments/variants; ValueError naming the nearest one if there is none."""
    return _read(_variant_path, name)


def variant_label(config: Config) -> str:
    """The variant's name, and what of its composition was set otherwise: "multi_level_fusion transfer=False".

    The composition is what of the network is a choice rather than a size; `edge_mode` and `odd_extents` change no
    layer. A system that is not the variant's is called by its own name, and compared with its own defaults.
    """
    label, settings = config.run.variant, load_settings("paper", {"variant": config.run.variant})
    if settings.get("system", Config.system) != config.system:
        label, settings = config.system.rpartition(":")[2], {"system": config.system}
    bound = {o.name for o in config.options() if o.group == "source"}  # what the run is about, not how it is made
    given = config.flat()
    plain = make_config(settings | {name: given[name] for name in ("data_set", *bound)}).flat()
    choices = [
        o.name
        for o in config.options()
        if o.group.startswith("network") and o.of_weights and o.type in (str, bool)
        if o.name not in ("edge_mode", "odd_extents")
    ]
    changed = [f"{name}={given[name]}" for name in choices if given[name] != plain.get(name)]
    return " ".join([label, *changed])


def preset_names() -> list[str]:
    """The presets that come along."""
    return sorted(p.stem for p in PRESETS.glob("*.yaml"))


def variant_names() -> list[str]:
    """The variants that come along."""
    return sorted(p.stem for p in VARIANTS.glob("*.yaml"))


def _plain(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What stands outside of sections."""
    return {name: value for layer in layers for name, value in layer.items() if not isinstance(value, dict)}


def _read(find: Callable[[str], pathlib.Path], name: str) -> list[dict[str, Any]]:
    """The settings of the YAML file `find(name)`, after those of its base, and of the base's base."""
    path, layers, chain = find(name), [], []
    while path is not None:
        if path.resolve() in chain:
            raise ValueError(f"{path}: the chain of its bases leads back to it; end it with a file that has no base")
        chain.append(path.resolve())
        own = read_settings_file(path)
        _check_names(own, path, [*all_names(Config, own), "base"])
        path = _base_path(own.pop("base"), path, find) if "base" in own else None
        layers.append(own)
    return layers[::-1]


def _check_names(settings: Mapping[str, Any], path: pathlib.Path, known: list[str]) -> None:
    for key, value in settings.items():
        is_section = "=" in key
        if is_section and not isinstance(value, dict):
            raise ValueError(f"{path}: {shown(key)}: want the settings of a section, {{NAME: VALUE, ...}}")
        if isinstance(value, dict) and not is_section and key != "base":
            raise ValueError(f"{path}: {shown(key)}: a section is called SETTING=VALUE, after the runs it holds for")
        for name in [condition.partition("=")[0] for condition in key.split(",")]:
            if name not in known or is_section and name == "base":
                raise ValueError(f"{path}: setting {shown(name)} is unknown{nearest(name, known)}")
        if is_section:
            _check_names(dict.fromkeys(value), path, known)


def _base_path(base: Any, path: pathlib.Path, find: Callable[[str], pathlib.Path]) -> pathlib.Path:
    if not isinstance(base, str):
        raise ValueError(f"{path}: base={shown(base)}: want the name of one file to start from")
    try:
        return find(base)
    except ValueError as error:
        raise ValueError(f"{path}: base: {error}") from error


def _preset_path(name: str) -> pathlib.Path:
    for path in (pathlib.Path(name), PRESETS / f"{name}.yaml"):
        if path.is_file():
            return path
    hint = nearest(name, preset_names())
    raise ValueError(f"--preset={name_shown(name)}: no such file, and no preset of that name{hint}")


def _variant_path(name: str) -> pathlib.Path:
    if name not in variant_names():
        raise ValueError(f"--variant={name_shown(name)}: no such variant{nearest(name, variant_names())}")
    return VARIANTS / f"{name}.yaml"
